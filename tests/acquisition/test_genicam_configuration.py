"""What rig.yaml may say of a GenICam camera, and that the manual says it all."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import TypeAdapter, ValidationError

from acquisition.drivers.genicam_nodes import settings
from rig_configs.cameras import CameraConfig, GenicamCamera, TriggerLine, WireFormat

ROOT = Path(__file__).parents[2]
MANUAL = (ROOT / "docs" / "camera.md").read_text(encoding="utf-8")


def camera(**changes: Any) -> GenicamCamera:
    fields: dict[str, Any] = {
        "driver": "genicam", "serial": "1", "width_px": 640, "height_px": 480, "pixel_format": "Mono12",
        "nominal": {"working_distance_mm": 100, "field_width_mm": 40},
    }  # fmt: skip
    return GenicamCamera.model_validate(fields | changes)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"serial": None}, "needs 'serial', 'user_id' or 'model'"),
        ({"wire_format": "Mono10p"}, "gives Mono10 pixels, pixel_format says Mono12"),
        ({"nodes": {"Gain": 3.0}}, "nodes names Gain"),
        ({"pixel_format": "Mono12Packed"}, "pixel_format"),
        ({"trigger": "line7"}, "trigger"),
        ({"index": 0}, "index"),
    ],
)
def test_what_cannot_be_is_refused_in_words(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=re.escape(words)):
        camera(**changes)


def test_pixels_travel_as_they_are_named_unless_told_otherwise() -> None:
    assert camera().on_wire is WireFormat.MONO12
    assert camera(wire_format="Mono12p").on_wire is WireFormat.MONO12P
    assert camera(pixel_format="BayerGB10", wire_format="BayerGB10p").frame_shape == (480, 640)


def test_triggers_are_named_as_cameras_name_them() -> None:
    def source(line: TriggerLine | None) -> object:
        return next(setting.value for setting in settings(camera(), line) if setting.name == "TriggerSource")

    assert [source(line) for line in (None, *TriggerLine)] == ["Software", "Line0", "Line1", "Line2", "Line3"]


def test_the_simulated_sensor_takes_only_what_it_is() -> None:
    fields = camera().model_dump(include={"width_px", "height_px", "nominal"}) | {"driver": "simulated"}
    adapter: TypeAdapter[Any] = TypeAdapter(CameraConfig)
    adapter.validate_python(fields | {"pixel_format": "BayerRG12"})
    for pixel_format in ("BayerGB8", "Mono16"):
        with pytest.raises(ValidationError, match="the simulated sensor gives"):
            adapter.validate_python(fields | {"pixel_format": pixel_format})


def test_the_manuals_example_is_a_camera() -> None:
    example = re.search(r"```yaml\n(.*?)```", MANUAL, re.DOTALL)
    assert example is not None
    GenicamCamera.model_validate(yaml.safe_load(example[1])["camera"])


def test_the_manual_names_every_key() -> None:
    described = set(re.findall(r"`(\w+)`", "\n".join(line.split("|")[1] for line in MANUAL.splitlines() if line.startswith("| `"))))
    assert set(GenicamCamera.model_fields) <= described


def test_the_manual_names_every_error_of_the_driver_and_no_other() -> None:
    source = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "acquisition" / "drivers").glob("genicam_*.py"))
    raised = set(re.findall(r'detail="(\w+)"', source)) | set(re.findall(r'raise (?:_wrong|_odd)\(.*, "(\w+)"\)', source))
    named = set(re.findall(r"^\| `device\.\w+\.(\w+)`", MANUAL, re.MULTILINE))
    assert len(raised) > 15
    assert raised == named
