"""Open data: the register as a Data Package, and granted financements in the State's own format."""
