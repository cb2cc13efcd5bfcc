"""The register: the contract as a Data Package of CSV files, and its import from the published document."""

from __future__ import annotations

from tabellion.registre.package import Register, hand_print, load_register, save_register, was_edited

__all__ = ["Register", "hand_print", "load_register", "save_register", "was_edited"]
