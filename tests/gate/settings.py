"""Settings changed as people change them."""

from __future__ import annotations

import re


def with_plans(settings: str) -> str:
    """Settings that want a plan de financement per fiche."""
    plain = re.sub(r"^(# )?plan_de_financement.*\n", "", settings, flags=re.MULTILINE)
    return plain.replace("[priorites]", "plan_de_financement = true\n\n[priorites]", 1)
