"""The soak in its short form: a few seeds of writes, operations, undos and schema changes on three tables.

`scripts/soak.sh` runs the same for an hour, and replays the seed of a run that failed.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "server")]

from driver import TABLES, Plan, SoakError  # noqa: E402 (the folder above goes on the path first)
from run_soak import Soak  # noqa: E402 (the folder above goes on the path first)
from steps import not_done  # noqa: E402 (the folder above goes on the path first)

if TYPE_CHECKING:
    from collections import Counter

# PyIceberg tells of deletes that it does copy-on-write, and of those that met no row: both are wanted.
pytestmark = [
    pytest.mark.filterwarnings("ignore:Merge on read is not yet supported"),
    pytest.mark.filterwarnings("ignore:Delete operation did not match any records"),
]


def counts_of(tmp_path: Path, *plans: Plan) -> Counter[tuple[str, str]]:
    """Run plans on one server; give what was done in all of them together."""
    soak = Soak(tmp_path / "größeres haus", with_spark=plans[0].with_spark)
    try:
        for plan in plans:
            soak.round(plan)
    finally:
        soak.stop()
        print("\n".join(soak.summary()))
    return soak.counts()


def test_without_java_every_sequence_leaves_what_the_model_says(tmp_path: Path) -> None:
    counts = counts_of(tmp_path, Plan(11, 40, kills=True), Plan(12, 40))
    assert not_done(counts, with_spark=False, kills=True, least=1) == []


def test_with_spark_every_sequence_leaves_what_the_model_says(tmp_path: Path) -> None:
    counts = counts_of(tmp_path, Plan(21, 20, with_spark=True))
    assert counts["run compact", "succeeded"] > 0


def test_a_seed_makes_the_same_choices_again(tmp_path: Path) -> None:
    def choices(folder: Path) -> list[str]:
        counts_of(folder, Plan(41, 8))
        (log,) = folder.glob("*/steps-41.log")
        # What came of a cancel follows from the moment; what was tried does not. Tables are worked on side by side.
        return sorted(re.findall(r"(\d{4} .*?): ", log.read_text()))

    first, second = (choices(tmp_path / name) for name in ("first", "second"))
    assert len(first) == 8 * len(TABLES)
    assert first == second


def test_a_table_that_is_not_what_the_model_says_is_told_with_the_command_that_runs_it_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lake.columns_of", lambda _: ())
    with pytest.raises(SoakError, match=r"the schema[\s\S]*again: scripts/soak.sh --seed 31 --bursts 5"):
        counts_of(tmp_path, Plan(31, 5))
