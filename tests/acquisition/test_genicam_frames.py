"""What the GenICam driver makes of buffers that no producer at hand sends, and of a library that hangs."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from acquisition.drivers.genicam_camera import GenicamCamera
from acquisition.drivers.genicam_owner import Owner
from rig_configs.cameras import GenicamCamera as Config
from rig_configs.errors import DeviceUnavailable, FrameFault

WIDTH, HEIGHT = 64, 64


class NotTold(Exception):
    """What the binding raises for what a producer does not tell."""


@dataclass
class Buffer:
    """A raw buffer of Mono8 as the binding shows it; what is left out of ``told`` is not told."""

    told: dict[str, int]
    raw_buffer: bytes = field(default_factory=lambda: bytes(range(256)) * (WIDTH * HEIGHT // 256) + b"chunks")

    def __getattr__(self, name: str) -> int:
        if name not in self.told:
            raise NotTold
        return self.told[name]


class Connection:
    failures = (NotTold,)
    node_map = None
    transport = "GEV"


def take(buffer: Buffer) -> Any:
    fields: dict[str, Any] = {"driver": "genicam", "serial": "1", "width_px": WIDTH, "height_px": HEIGHT, "pixel_format": "Mono8"}
    camera = GenicamCamera(Config.model_validate(fields | {"nominal": {"working_distance_mm": 100, "field_width_mm": 40}}))
    return camera._copy(Connection(), buffer, 5000.0)  # type: ignore[arg-type]


ALL = {"pixel_format": 0x01080001, "width": WIDTH, "height": HEIGHT, "padding_x": 0, "image_offset": 0, "size_filled": WIDTH * HEIGHT + 6, "frame_id": 9,
       "timestamp_ns": 77}  # fmt: skip


def test_a_producer_that_tells_only_the_frame_id_is_enough() -> None:
    full, bare = take(Buffer(ALL)), take(Buffer({"frame_id": 9}))
    np.testing.assert_array_equal(full.pixels, bare.pixels)
    assert full.pixels[0].tolist() == list(range(64))
    assert (full.frame_id, full.timestamp_ns, bare.frame_id) == (9, 77, 9)
    assert bare.timestamp_ns > 0


@pytest.mark.parametrize(
    ("changes", "detail"),
    [
        ({"padding_x": 4}, "padding"),
        ({"pixel_format": 0x010C0006}, "format"),  # Mono12Packed, which the station does not read
        ({"pixel_format": 0x01100005}, "format"),
        ({"width": 32}, "shape"),
        ({"height": 100}, "shape"),
        ({"size_filled": WIDTH * HEIGHT - 1}, "short"),
    ],
)
def test_a_buffer_that_is_not_the_frame_asked_for_is_refused(changes: dict[str, int], detail: str) -> None:
    with pytest.raises(FrameFault) as caught:
        take(Buffer(ALL | changes))
    assert caught.value.code == f"device.frame_fault.{detail}"


def test_a_library_that_hangs_is_waited_for_no_longer_than_it_may_take() -> None:
    owner, release = Owner("camera 1"), threading.Event()
    with pytest.raises(DeviceUnavailable) as caught:
        owner.do(release.wait, 0.02)
    assert caught.value.code == "device.unavailable.hangs"
    release.set()
    assert owner.do(lambda: 5, 5.0) == 5
    owner.close()
    assert owner.do(lambda: 6, 5.0) == 6  # closed is not for ever
    owner.close()
