"""What a scan will do is told before it is done."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from acquisition.sequence import inspection_sequence
from api.cli.rig import app
from api.fringes import fringe_patterns
from api.scan_plan import ScanPlan, cycle_of, plan_scan
from rig_configs.files import load_calibration, load_rig
from rig_configs.schema import RigConfig


def planned(link_mb_s: float = 110, **changes: dict[str, Any]) -> ScanPlan:
    content = load_rig("emulated").model_dump(mode="json")
    for section, values in changes.items():
        content[section] |= values
    return plan_scan(RigConfig.model_validate(content), link_mb_s)


def test_a_plan_has_the_steps_of_a_scan_with_what_shines_and_when() -> None:
    config = load_rig("emulated")
    plan = plan_scan(config, 110)
    steps = inspection_sequence(config, fringe_patterns(config, load_calibration("emulated").projectors)).steps
    assert [(s.key, s.exposure_us) for s in plan.steps] == [(s.key, s.exposure_us) for s in steps]
    assert [s.shines for s in plan.steps[:6]] == ["nothing", "east", "north", "west", "south", "north_east"]
    assert plan.steps[-1].shines == "south_east"
    for before, after in pairwise(plan.steps):  # a frame travels while the next step is set and exposed
        assert before.exposed_ms + before.exposure_us / 1e3 == after.starts_ms < before.arrived_ms
        assert after.starts_ms < after.exposed_ms < after.arrived_ms
    assert plan.exposure_ms == pytest.approx(sum(s.exposure_us for s in steps) / 1e3)


def test_what_makes_a_scan_slow_shows_in_its_plan() -> None:
    usual = planned().duration_ms
    frames = len(planned().steps)
    frame_bytes = 684 * 456 * 12 / 8
    assert planned(link_mb_s=55).duration_ms - usual == pytest.approx(frame_bytes / 110e3)  # but for the last, frames travel under the next step
    assert planned(link_mb_s=5).duration_ms == pytest.approx(frames * frame_bytes / 5e3, rel=0.05)  # until travelling takes longer than all else
    assert planned(lights={"baud": 9600}).duration_ms > usual + 100
    assert planned(sequence={"fringe_exposure_us": 12000}).duration_ms == pytest.approx(usual + (frames - 5) * 6)
    assert planned(camera={"trigger": "none"}).duration_ms > usual + 2 * planned().exposure_ms

    content = load_rig("emulated").model_dump(mode="json")
    for projector in content["projectors"]:
        projector["trigger"] = "trig_in"
    assert plan_scan(RigConfig.model_validate(content), 110).duration_ms < usual - (frames - 10) * 10  # patterns come with the exposures


def test_projectors_that_trigger_the_camera_take_no_longer_than_their_patterns() -> None:
    content = load_rig("emulated").model_dump(mode="json")
    content["camera"]["trigger_line"] = "line0"
    for projector in content["projectors"]:
        projector |= {"trigger": "trig_out", "period_us": 6500}
    rig = RigConfig.model_validate(content)
    plan = plan_scan(rig, 110)
    assert [step.trigger for step in plan.steps] == ["command"] * 5 + ["line0"] * 48
    assert plan.trigger == "5 by command, 48 by the projectors on line0"
    first, last = plan.steps[-12], plan.steps[-1]
    assert last.exposed_ms - first.exposed_ms == pytest.approx(11 * 6.5)
    assert plan.duration_ms < planned().duration_ms / 2
    assert not plan.outruns_link
    assert plan_scan(rig, 50).outruns_link  # 9.4 ms a frame


def test_a_scan_is_held_against_its_plan() -> None:
    plan = planned()
    cycle = cycle_of(plan, [2 * step.arrived_ms for step in plan.steps])
    assert [row["shines"] for row in cycle] == ["nothing", "east", "north", "west", "south", "north_east", "north_west", "south_west", "south_east"]
    assert sum(row["frames"] for row in cycle) == len(plan.steps)
    assert all(row["measured_ms"] == pytest.approx(2 * row["planned_ms"]) for row in cycle)
    assert sum(row["planned_ms"] for row in cycle) == pytest.approx(plan.duration_ms)


def test_a_simulated_rig_takes_its_exposures_and_the_link() -> None:
    plan = plan_scan(load_rig("demo"), 110)
    assert plan.duration_ms == pytest.approx(plan.steps[0].exposure_us / 1e3 + len(plan.steps) * 1368 * 912 * 2 / 110e3)


def test_rig_plan_prints_the_plan_and_draws_it(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["plan", "--rig", "emulated", "--json", "--diagram", str(tmp_path / "plan.svg")])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["duration_ms"] == pytest.approx(planned().duration_ms)
    assert ET.parse(tmp_path / "plan.svg").getroot().tag.endswith("svg")
    table = CliRunner().invoke(app, ["plan", "--rig", "emulated"])
    assert "53 frames, triggered by command, in 1.4" in table.output


def test_a_diagram_of_an_unknown_kind_is_refused() -> None:
    done = CliRunner().invoke(app, ["plan", "--diagram", "plan.doc"])
    assert done.exit_code == 2
