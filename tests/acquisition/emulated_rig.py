"""A small rig of real drivers before an emulated cell, its twin of in-process devices, and a short sequence for both."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from acquisition.drivers.open_devices import open_devices
from acquisition.rig import Rig
from acquisition.sequence import Sequence, inspection_sequence
from acquisition.simulation.cell_process import CellProcess
from rig_configs.files import load_rig
from rig_configs.projectors import ProjectorConfig
from rig_configs.schema import RigConfig

OF_EVERY_DEVICE = {
    "camera": ("width_px", "height_px", "pixel_format", "gain_db", "nominal"),
    "lights": ("zones",),
    "projectors": ("name", "width_px", "height_px", "fringe_angle_deg", "response", "nominal"),
}


def emulated_rig(
    *faults: dict[str, Any],
    pixel_format: str = "BayerRG12",
    wire_format: str = "BayerRG12p",
    flash: Path | None = None,
    projectors_play: bool = False,
    frame_timeout_s: float = 1.5,
    **lights: Any,
) -> RigConfig:
    """The shipped emulated rig with a camera of 96 x 64 pixels and two projectors.

    Args:
        faults: what breaks by itself.
        pixel_format: of the camera.
        wire_format: of the camera.
        flash: the first projector is a DLPC350 with the images of this folder, the second one is triggered by the camera.
        projectors_play: they show their patterns by themselves and trigger the camera.
        frame_timeout_s: how long a frame is waited for.
        lights: what the lights have otherwise.
    """
    content = load_rig("emulated").model_dump(mode="json")
    content["camera"] |= {"width_px": 96, "height_px": 64, "pixel_format": pixel_format, "wire_format": wire_format}
    content["lights"] |= lights
    content["projectors"] = content["projectors"][:2]
    content["timing"]["frame_timeout_s"] = frame_timeout_s
    content["simulation"]["faults"] = faults
    if projectors_play:
        content["camera"]["trigger_line"] = "line0"
        for projector in content["projectors"]:
            projector |= {"trigger": "trig_out", "period_us": 6500}
    if flash is not None:
        for projector in content["projectors"]:
            projector |= {"exposure_us": 9000, "period_us": 9000}
        content["projectors"][0] |= {"controller": "dlpc350", "width_px": 912, "height_px": 1140, "manifest": str(flash / "manifest.json")}
        content["projectors"][1]["trigger"] = "trig_in"
        content["sequence"]["fringe_exposure_us"] = 9000
    return RigConfig.model_validate(content)


def in_process_twin(rig: RigConfig) -> RigConfig:
    """The same rig with devices of driver ``simulated``."""
    content = rig.model_dump(mode="json")

    def twin(device: dict[str, Any], what: str) -> dict[str, Any]:
        return {"driver": "simulated"} | {key: device[key] for key in OF_EVERY_DEVICE[what]}

    content["camera"], content["lights"] = twin(content["camera"], "camera"), twin(content["lights"], "lights")
    content["projectors"] = [twin(device, "projectors") for device in content["projectors"]]
    return RigConfig.model_validate(content)


def short_sequence(rig: RigConfig) -> Sequence:
    """Ambient light, four zones, and of each projector a grey fringe and a stripe of its Gray code: 9 frames."""

    def patterns(projector: ProjectorConfig) -> list[NDArray[np.uint8]]:
        columns = np.arange(projector.width_px)
        grey = np.round(127.5 + 127.5 * np.cos(2 * np.pi * columns / 40)).astype(np.uint8)
        stripes = (columns // 64 % 2 * 255).astype(np.uint8)
        return [np.tile(row, (projector.height_px, 1)) for row in (grey, stripes)]

    return inspection_sequence(rig, [patterns(p) for p in rig.projectors])


@contextmanager
def opened(config: RigConfig) -> Iterator[tuple[Rig, CellProcess]]:
    """The rig's real drivers before a cell with nothing in it."""
    with CellProcess(config, noise_seed=3) as cell:
        devices = open_devices(cell.rig)
        rig = Rig(config, devices.camera, devices.lights, devices.projectors)
        try:
            yield rig, cell
        finally:
            rig.close()
