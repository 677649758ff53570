"""A sample hangs on the run's seed and its own identity alone; a folder holds the set of one run."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from api.datasets.noise import HeldOut
from api.datasets.plan import Arguments, Fidelity, plan
from api.datasets.provenance import PROVENANCE_FILE, Provenance, check_same, write_provenance
from inference.datasets.dataset import Split
from rig_configs.errors import Conflict

DEFECTS = {"knob_cap": ("burr", "pit"), "fuse_holder": ("crack",)}


def arguments(**changes: Any) -> Arguments:
    base: dict[str, Any] = {
        "categories": ("knob_cap", "fuse_holder"),
        "train_good": 3,
        "validation_good": 1,
        "test_good": 2,
        "per_defect": 2,
        "seed": 7,
        "fidelity": Fidelity.FULL,
    }
    return Arguments(**(base | changes))


def provenance(**changes: Any) -> Provenance:
    sha = "0" * 64
    return Provenance(rig="demo", rig_sha256=sha, calibration_id="c1", calibration_sha256=sha, arguments=arguments(**changes))


def test_the_plan_holds_what_was_asked_for() -> None:
    samples = plan(arguments(), DEFECTS)
    assert len(samples) == 2 * 6 + 3 * 2
    assert len({s.sample_id for s in samples}) == len(samples)
    knob = [s for s in samples if s.sample_id.category == "knob_cap"]
    assert [s.split for s in knob] == [Split.TRAIN] * 3 + [Split.VALIDATION] + [Split.TEST] * 6
    assert [s.defect for s in knob] == [None] * 6 + ["burr"] * 2 + ["pit"] * 2


def test_a_samples_seed_hangs_on_nothing_but_the_runs_seed_and_its_identity() -> None:
    small = {s.sample_id: s for s in plan(arguments(categories=("fuse_holder",), per_defect=1), DEFECTS)}
    large = {s.sample_id: s for s in plan(arguments(), DEFECTS)}
    for sample_id, sample in small.items():
        assert large[sample_id].seed(7) == sample.seed(7)
        assert large[sample_id].stamp(7) == sample.stamp(7)
    seeds = {s.seed(seed, attempt) for s in large.values() for seed in (7, 8) for attempt in (0, 1)}
    assert len(seeds) == 4 * len(large)


def test_stamps_are_dates_that_no_clock_gave() -> None:
    for sample in plan(arguments(), DEFECTS):
        assert datetime.strptime(sample.stamp(7), "%Y%m%d%H%M%S").replace(tzinfo=UTC).year == 2026


def test_a_run_goes_on_with_its_own_set_alone(tmp_path: Path) -> None:
    assert check_same(tmp_path, provenance()) is None
    write_provenance(tmp_path, provenance())
    assert check_same(tmp_path, provenance()) == provenance()
    with pytest.raises(Conflict, match="seed is 7 there, 8 now") as refused:
        check_same(tmp_path, provenance(seed=8))
    assert refused.value.code == "conflict.other_arguments"
    with pytest.raises(Conflict, match="calibration_id is c1 there, c2 now"):
        check_same(tmp_path, provenance().model_copy(update={"calibration_id": "c2"}))


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "holiday.jpg").touch()
    with pytest.raises(Conflict, match="not empty"):
        check_same(tmp_path, provenance())
    (tmp_path / PROVENANCE_FILE).write_text("{}")
    with pytest.raises(Conflict, match="cannot be read"):
        check_same(tmp_path, provenance())


def test_every_figure_of_the_provenance_is_described() -> None:
    for model in (Provenance, Arguments, HeldOut):
        assert all(field.description for field in model.model_fields.values())
