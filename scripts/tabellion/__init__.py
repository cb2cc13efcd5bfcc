"""tabellion keeps a French *contrat de ville* in Excel and never loses a euro."""

__version__ = "0.2.0"
