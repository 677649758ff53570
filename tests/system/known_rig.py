"""A rig whose geometry is known and whose camera is coarse: for what is measured of light, without the time that a calibration takes."""

from __future__ import annotations

from pathlib import Path

from small_rig import write_small_rig

from acquisition.simulation.optics import Lens
from api.composition import open_rig
from rig_configs.calibration import Calibration, ProjectorCalibration
from rig_configs.files import load_calibration, load_rig, save_calibration


def write_known_rig(folder: Path) -> Path:
    """The demo rig a third as fine; camera and projectors are the bench's own, the light is the demo calibration's."""
    write_small_rig(folder, "coarse", 456)
    opened = open_rig(load_rig(folder), folder)
    assert opened.bench is not None
    truth = opened.bench.truth
    opened.rig.close()
    camera = _described(truth.camera.lens, "camera").model_dump(exclude={"name", "gamma"})
    projectors = [_described(p.lens, p.name) for p in truth.projectors]
    before = load_calibration("demo").model_dump() | {"rig": "coarse", "camera": camera, "projectors": projectors}
    save_calibration(Calibration.model_validate(before), folder)
    return folder


def _described(lens: Lens, name: str) -> ProjectorCalibration:
    """A true lens as a calibration that knows it exactly."""
    K, R = lens.K, lens.R
    return ProjectorCalibration(
        name=name, width_px=lens.width_px, height_px=lens.height_px, fx_px=K[0, 0], fy_px=K[1, 1], cx_px=K[0, 2], cy_px=K[1, 2],
        distortion=tuple(float(d) for d in lens.d), rotation=tuple(map(tuple, R.tolist())), translation_mm=tuple(float(t) for t in lens.t),
    )  # fmt: skip
