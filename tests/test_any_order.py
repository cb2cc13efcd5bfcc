"""Commands and edits in any order, by two people and a partner: nothing typed is gone without a word."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from support.players import Game


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(8))
def test_no_sequence_loses_a_typed_value_without_a_word(sent: Path, tmp_path: Path, seed: int) -> None:
    root = Path(shutil.copytree(sent, tmp_path / "contrat"))
    Game(root, seed).play(10)
