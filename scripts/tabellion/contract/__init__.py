"""A contract: its folder and settings, its tables, the register that is their transcript."""
