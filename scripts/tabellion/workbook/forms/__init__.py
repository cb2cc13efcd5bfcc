"""The forms that partners fill: what they are (``spec``), what they hold (``content``), how they are written."""
