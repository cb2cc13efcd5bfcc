"""The register: the contract as a Data Package of CSV files, and its import from the published document."""

from __future__ import annotations

from tabellion.registre.package import Register, load_register, save_register, was_edited

__all__ = ["Register", "load_register", "save_register", "was_edited"]
