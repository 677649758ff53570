"""Good parts are OK, defective ones NotOK, and the map points at the defect."""

from __future__ import annotations

import io
import json
from pathlib import Path

import cv2
import numpy as np
import tifffile
from demo_process import run_cli

from acquisition.simulation.feeder import PartFeeder
from acquisition.simulation.parts import PART_KINDS
from acquisition.simulation.truth import truth_of
from api.cli.demo import RECIPE, inspect_good_and_defective
from api.composition import OpenStation
from api.schemas import Evaluation
from api.settings import Settings


def test_nine_of_ten_seeds_are_judged_right(opened: OpenStation, data_dir: Path) -> None:
    settings = Settings(data_dir=data_dir, station_name="test")
    right = 0
    for seed in range(10):
        good, defective = inspect_good_and_defective(settings, opened, RECIPE, seed)
        assert good["reason"] is None
        assert defective["reason"] is None
        right += (good["evaluation"], defective["evaluation"]) == ("OK", "NotOK")
    assert right >= 9


def test_the_map_points_at_the_defect(opened: OpenStation) -> None:
    assert opened.bench is not None
    feeder = PartFeeder(opened.bench, RECIPE)
    hits = 0
    trials = [(seed, defect) for seed in range(70, 73) for defect in PART_KINDS[RECIPE].defects]
    for seed, defect in trials:
        feeder.place(defect, seed=seed)
        outcome = opened.station.inspect(RECIPE)
        assert outcome.evaluation is Evaluation.NOT_OK
        anomaly = tifffile.imread(io.BytesIO(next(a.content for a in outcome.artifacts if a.name == "anomaly.tiff")))
        row, column = np.unravel_index(np.argmax(anomaly), anomaly.shape)
        # A feature cell sees some pixels around it, so the peak may stand beside a thin scratch.
        near = cv2.dilate(truth_of(opened.bench).defect_mask.astype(np.uint8), np.ones((61, 61), np.uint8))
        hits += bool(near[row, column])
        assert outcome.regions
        assert outcome.regions[0].area_mm2 > 0
    assert hits >= len(trials) - 1


def test_once_prints_the_two_verdicts_as_json(data_dir: Path) -> None:
    done = run_cli("demo", "--once", "--json", "--data-dir", data_dir, "--seed", "3")
    assert done.returncode == 0, done.stderr
    inspections = json.loads(done.stdout)["inspections"]
    assert [(i["part"], i["evaluation"]) for i in inspections] == [("good", "OK"), ("defective", "NotOK")]
    for inspection in inspections:
        assert inspection["score"] is not None
        assert inspection["threshold"] > 0
        assert set(inspection["seconds"]) == {"capture", "photometric", "structured_light", "inference", "total"}
        assert all(seconds > 0 for seconds in inspection["seconds"].values())


def test_an_inspection_keeps_what_people_and_engineers_look_at(opened: OpenStation) -> None:
    assert opened.bench is not None
    PartFeeder(opened.bench, RECIPE).place(None, seed=5)
    outcome = opened.station.inspect(RECIPE)
    files = {a.name: a.content for a in outcome.artifacts}
    pictures = {"thumbnail.jpg", "rgb.png", "pseudo3d.png", "depth.png", "height.png", "anomaly.png"}
    ends_of_colours = {"depth.json", "height.json"}
    assert set(files) == pictures | ends_of_colours | {"anomaly.tiff", "fused_height.tiff", "xyz.tiff", "cloud.ply"}
    shape = (outcome.height_px, outcome.width_px)
    for name in ("rgb.png", "pseudo3d.png", "depth.png", "height.png", "anomaly.png"):
        assert cv2.imdecode(np.frombuffer(files[name], np.uint8), cv2.IMREAD_UNCHANGED).shape[:2] == shape
    xyz = tifffile.imread(io.BytesIO(files["xyz.tiff"]))
    assert xyz.shape == (*shape, 3)
    assert xyz.dtype == np.float32
    assert np.nanmax(xyz[..., 2]) > 2  # the terminal's barrel stands some millimetres high
    assert outcome.provenance.model_sha256 is not None
    assert outcome.is_simulated
