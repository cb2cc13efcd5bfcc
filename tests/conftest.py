"""What every test runs under."""

from __future__ import annotations

from hypothesis import settings

# Durations depend on the machine, and two cores are shared: a slow example is not a wrong one.
settings.register_profile("tabellion", deadline=None)
settings.load_profile("tabellion")
