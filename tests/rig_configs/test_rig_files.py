"""A rig file that is wrong is told so: file, key, cure."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from rig_configs import calibration, schema
from rig_configs.errors import CalibrationError, RigFileError
from rig_configs.files import SHIPPED, load_calibration, load_rig, rig_folder, save_calibration


@pytest.fixture
def demo() -> dict[str, Any]:
    return yaml.safe_load((SHIPPED / "demo" / "rig.yaml").read_text())


def write(folder: Path, content: Any) -> Path:
    path = folder / "rig.yaml"
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
    return path


def test_the_demo_rig_is_what_the_design_says() -> None:
    rig = load_rig("demo")
    assert (rig.camera.width_px, rig.camera.height_px) == (1368, 912)
    assert rig.camera.nominal.field_width_mm == pytest.approx(40)
    assert len(rig.lights.zones) == len(rig.projectors) == 4
    assert len({p.nominal.azimuth_deg for p in rig.projectors}) == 4


def test_a_rig_is_found_by_name_by_folder_and_by_file(tmp_path: Path, demo: dict[str, Any]) -> None:
    path = write(tmp_path, demo)
    assert rig_folder("demo") == SHIPPED / "demo"
    assert load_rig(tmp_path) == load_rig(path) == load_rig("demo")


def test_an_unknown_rig_names_the_known_ones() -> None:
    with pytest.raises(RigFileError, match=r"no rig 'demmo'.*demo") as caught:
        load_rig("demmo")
    assert caught.value.code == "rig.invalid.missing"


def test_a_misspelt_key_is_named_with_its_path(tmp_path: Path, demo: dict[str, Any]) -> None:
    demo["camera"]["widht_px"] = demo["camera"].pop("width_px")
    path = write(tmp_path, demo)
    with pytest.raises(RigFileError) as caught:
        load_rig(path)
    assert str(path) in caught.value.message
    assert "camera.simulated.widht_px: no such key" in caught.value.message
    assert "camera.simulated.width_px: this key is missing" in caught.value.message


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda rig: rig["lights"].update(zones=rig["lights"]["zones"][:2]), "lights.simulated.zones"),
        (lambda rig: rig["projectors"][1].update(name="north_east"), "two projectors have the same name"),
        (lambda rig: rig["lights"]["zones"][1].update(name="east"), "two zones have the same name"),
        (lambda rig: rig.pop("simulation"), "needs a 'simulation' section"),
        (lambda rig: rig["camera"].update(driver="replay", capture="x"), "give all devices the same driver"),
        (lambda rig: rig["camera"].update(driver="magic"), "camera"),
        (lambda rig: rig["sequence"].update(light_exposure_us=-1), "sequence.light_exposure_us"),
        (lambda rig: rig["sequence"]["fringes"].update(steps=2), "sequence.fringes.steps"),
    ],
)
def test_what_cannot_be_a_rig_is_refused(tmp_path: Path, demo: dict[str, Any], change: Any, words: str) -> None:
    change(demo)
    with pytest.raises(RigFileError, match=words):
        load_rig(write(tmp_path, demo))


@pytest.mark.parametrize("text", ["camera: [", "", "just words", "- 1\n- 2", "\x00\x01"])
def test_what_is_not_a_rig_file_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(RigFileError, match=r"rig\.yaml"):
        load_rig(write(tmp_path, text))


def test_an_uncalibrated_rig_says_how_to_calibrate(tmp_path: Path, demo: dict[str, Any]) -> None:
    write(tmp_path, demo)
    with pytest.raises(CalibrationError, match="d3station calibrate all") as caught:
        load_calibration(tmp_path)
    assert caught.value.code == "calibration.invalid.missing"


def test_a_calibration_survives_writing_and_reading(tmp_path: Path, demo: dict[str, Any]) -> None:
    write(tmp_path, demo)
    shipped = load_calibration("demo")
    save_calibration(shipped, tmp_path)
    assert load_calibration(tmp_path) == shipped
    assert not list(tmp_path.glob("*.tmp"))


def test_a_calibration_of_other_devices_is_refused(tmp_path: Path, demo: dict[str, Any]) -> None:
    demo["camera"]["width_px"] = 1024
    write(tmp_path, demo)
    save_calibration(load_calibration("demo"), tmp_path)
    with pytest.raises(CalibrationError, match="camera size is"):
        load_calibration(tmp_path)


def _models(module: Any) -> list[type[BaseModel]]:
    return [m for m in vars(module).values() if isinstance(m, type) and issubclass(m, BaseModel) and m.__module__ == module.__name__]


@pytest.mark.parametrize("model", _models(schema) + _models(calibration), ids=lambda m: m.__name__)
def test_every_field_is_described(model: type[BaseModel]) -> None:
    assert all(field.description for field in model.model_fields.values())
    assert model.model_config["extra"] == "forbid"
