"""What a DLP projector cannot do is refused in rig.yaml, and flash images hold the patterns they should."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
import yaml
from pydantic import TypeAdapter, ValidationError

from acquisition.drivers.dlp_planes import bits_of, flash_images, pack, place, read_manifest
from acquisition.drivers.hid_link import open_link
from rig_configs.errors import RigFileError
from rig_configs.projectors import DlpProjectorConfig, ProjectorConfig

DLPC350 = {
    "driver": "dlp",
    "controller": "dlpc350",
    "name": "north",
    "link": "hid:0451:6401",
    "width_px": 912,
    "height_px": 1140,
    "nominal": {"azimuth_deg": 0, "tilt_deg": 30, "distance_mm": 220, "field_width_mm": 60},
    "exposure_us": 8333,
    "period_us": 8333,
    "manifest": "flash/manifest.json",
}
DLPC900 = DLPC350 | {"controller": "dlpc900", "link": "hid:0451:c900:LCR6500-1", "width_px": 1920, "height_px": 1080, "manifest": None}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"period_us": 8563},
        {"exposure_us": 235, "period_us": 235, "bit_depth": 1},
        {"trigger": "trig_in", "period_us": 10000},
    ],
)
def test_what_a_dlpc350_can_do_is_accepted(changes: dict[str, Any]) -> None:
    DlpProjectorConfig.model_validate(DLPC350 | changes)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"exposure_us": 8332}, "exposes 8-bit patterns for 8333 to"),
        ({"exposure_us": 234, "period_us": 500, "bit_depth": 1}, "exposes 1-bit patterns for 235 to"),
        ({"period_us": 8562}, "at least 230 µs shorter; it is 229 µs shorter"),
        ({"period_us": 8334}, "at least 230 µs shorter; it is 1 µs shorter"),
        ({"period_us": 8000}, "is shorter than exposure_us"),
        ({"trigger": "trig_in"}, "is dark between patterns"),
        ({"width_px": 1140, "height_px": 912}, "shows 912 x 1140 pixels"),
        ({"manifest": None}, "needs 'manifest'"),
        ({"link": "usb:0451:6401"}, "link"),
        ({"link": "hid:0451"}, "link"),
        ({"answer_timeout_s": 3}, "answer_timeout_s"),
        ({"bit_depth": 4}, "bit_depth"),
    ],
)
def test_what_a_dlpc350_cannot_do_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        DlpProjectorConfig.model_validate(DLPC350 | changes)


def test_the_examples_of_the_manual_are_valid() -> None:
    manual = (Path(__file__).parents[2] / "docs" / "projectors.md").read_text(encoding="utf-8")
    examples = yaml.safe_load(manual.partition("```yaml")[2].partition("```")[0])
    configs = TypeAdapter(list[ProjectorConfig]).validate_python(examples)
    assert [config.driver for config in configs] == ["dlp", "dlp", "screen"]


def test_every_error_code_of_the_projector_drivers_is_in_the_manual() -> None:
    root = Path(__file__).parents[2]
    manual = (root / "docs" / "projectors.md").read_text(encoding="utf-8")
    drivers = [*(root / "acquisition" / "drivers").glob("dlp_*.py"), root / "acquisition" / "drivers" / "screen_projector.py"]
    sources = "".join(path.read_text(encoding="utf-8") for path in drivers)
    codes = set(re.findall(r'detail="(\w+)"', sources)) | {"unplugged", "no_answer", "garbled", "refused"}
    assert len(codes) > 10
    assert [code for code in sorted(codes) if f"`{code}`" not in manual and f".{code}`" not in manual] == []


def test_a_dlpc900_has_limits_of_its_own() -> None:
    DlpProjectorConfig.model_validate(DLPC900 | {"exposure_us": 4046, "period_us": 4100})
    DlpProjectorConfig.model_validate(DLPC900 | {"exposure_us": 105, "period_us": 105, "bit_depth": 1})
    for changes in ({"exposure_us": 4045}, {"exposure_us": 1 << 24, "period_us": 1 << 24}, {"width_px": 912}, {"manifest": "x"}):
        with pytest.raises(ValidationError):
            DlpProjectorConfig.model_validate(DLPC900 | changes)


@pytest.mark.parametrize(
    ("changes", "camera_us", "fits"),
    [
        ({}, 8333, True),
        ({}, 16666, True),
        ({}, 12500, False),
        ({}, 4000, False),
        ({"bit_depth": 1}, 12500, True),
        ({"bit_depth": 1, "period_us": 9000}, 12500, False),
        ({"trigger": "trig_out", "period_us": 9000}, 8800, True),
        ({"trigger": "trig_out", "period_us": 9000}, 8000, False),
        ({"trigger": "trig_in", "period_us": 9000}, 9100, False),
    ],
)
def test_a_camera_must_expose_for_whole_patterns(changes: dict[str, Any], camera_us: float, fits: bool) -> None:
    assert (DlpProjectorConfig.model_validate(DLPC350 | changes).exposure_problem(camera_us) is None) == fits


class UsbDevice:
    """As hidapi's device class behaves."""

    def __init__(self, path: bytes | None = None) -> None:
        self.path = path
        self.written: list[bytes] = []
        self.answers: list[list[int]] = []
        self.gone = False

    def open_path(self, path: bytes) -> None:
        self.path = path

    def write(self, report: bytes) -> int:
        self.written.append(report)
        return -1 if self.gone else len(report)

    def read(self, size: int, timeout_ms: int) -> list[int]:
        if self.gone:
            raise OSError("read error")
        assert (size, timeout_ms) == (64, 250)
        return self.answers.pop(0) if self.answers else []

    def error(self) -> str:
        return "No such device"

    def close(self) -> None:
        self.path = None


@pytest.fixture
def usb(monkeypatch: pytest.MonkeyPatch) -> UsbDevice:
    device = UsbDevice()
    found = [{"path": b"/dev/hidraw3", "serial_number": serial, "interface_number": interface} for serial in ("LCR2", "LCR3") for interface in (1, 0)]
    found[1]["path"] = b"/dev/hidraw7"
    module = SimpleNamespace(device=lambda: device, enumerate=lambda vendor, product: found if (vendor, product) == (0x0451, 0x6401) else [])
    monkeypatch.setitem(sys.modules, "hid", module)
    return device


def test_a_usb_projector_is_found_by_its_serial_number_on_its_first_interface(usb: UsbDevice) -> None:
    link = open_link("hid:0451:6401:LCR2")
    assert (usb.path, link.serial) == (b"/dev/hidraw7", "LCR2")
    with pytest.raises(OSError, match=r"2 USB devices 0451:6401 \(LCR2, LCR3\); name a serial number"):
        open_link("hid:0451:6401")
    with pytest.raises(OSError, match="no USB device 0451:c900"):
        open_link("hid:0451:c900")
    link.close()
    assert usb.path is None


def test_usb_reports_go_out_behind_report_number_0_and_come_back_without(usb: UsbDevice) -> None:
    link = open_link("hid:0451:6401:LCR2")
    link.write(b"\x40".ljust(64, b"\0"))
    assert usb.written == [b"\x00\x40".ljust(65, b"\0")]
    usb.answers.append([7] * 64)
    assert link.read(0.25) == bytes([7] * 64)
    with pytest.raises(TimeoutError):
        link.read(0.25)


def test_a_usb_projector_that_is_unplugged_is_an_error_on_write_and_on_read(usb: UsbDevice) -> None:
    link = open_link("hid:0451:6401:LCR2")
    usb.gone = True
    with pytest.raises(OSError, match="No such device"):
        link.write(bytes(64))
    with pytest.raises(OSError, match="read error"):
        link.read(0.25)


def test_a_link_to_nothing_says_what_was_looked_for() -> None:
    with pytest.raises(OSError, match="no USB device 0451:6401 NOT-THERE"):
        open_link("hid:0451:6401:NOT-THERE")
    with pytest.raises(OSError, match="No such file"):
        open_link("unix:/nowhere/hid")


def test_patterns_share_images_and_grey_ones_keep_to_their_bytes() -> None:
    grey, binary = np.full((4, 4), 77, np.uint8), np.full((4, 4), 255, np.uint8)
    spots = place([binary, binary, grey, grey, binary, grey])
    assert [(s.image, s.plane, s.bits, s.number) for s in spots] == [
        (0, 0, 1, 0),
        (0, 1, 1, 1),
        (0, 8, 8, 1),
        (0, 16, 8, 2),
        (1, 0, 1, 0),
        (1, 8, 8, 1),
    ]
    images = pack([binary, binary, grey, grey, binary, grey], spots)
    assert [int(image[0, 0]) for image in images] == [0x4D4D03, 0x4D01]
    assert (bits_of(grey), bits_of(binary), bits_of(binary * 0)) == (8, 1, 1)


def test_flash_images_are_24_bit_bitmaps_of_green_then_red_then_blue(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    grey = [rng.integers(1, 255, (1140, 912), dtype=np.uint8) for _ in range(4)]
    path = flash_images(grey, tmp_path / "new", first_image=2)
    first = cv2.imread(str(tmp_path / "new" / "flash_00.bmp"), cv2.IMREAD_UNCHANGED)
    assert first is not None
    blue, green, red = np.moveaxis(first, -1, 0)
    for channel, pattern in zip((green, red, blue), grey, strict=False):
        np.testing.assert_array_equal(channel, pattern)
    manifest = read_manifest(path)
    assert (manifest.images, manifest.first_image, len(manifest.patterns)) == (("flash_00.bmp", "flash_01.bmp"), 2, 4)
    assert (tmp_path / "new" / "flash_00.bmp").read_bytes()[28:30] == b"\x18\x00"


def test_a_damaged_manifest_is_refused(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text('{"width_px": 912}')
    with pytest.raises(RigFileError, match="flash_manifest"):
        read_manifest(tmp_path / "manifest.json")


def test_flash_images_need_patterns_of_one_size(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="one size"):
        flash_images([np.zeros((2, 2), np.uint8), np.zeros((3, 2), np.uint8)], tmp_path)
