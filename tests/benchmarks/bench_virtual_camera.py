"""Frames of the virtual GenTL camera through the real driver: scene process, producer in C, harvesters, unpacking."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from acquisition.drivers.genicam_camera import GenicamCamera

WIDTH, HEIGHT = 2448, 2048
FRAMES = 100
BURSTS = 5
FORMATS = (("Mono8", "Mono8"), ("Mono12", "Mono12p"), ("BayerRG12", "BayerRG12"))
BAR = 60.0

_SCENE = """
import sys
from pathlib import Path
from acquisition.simulation.gentl.scene_server import SceneServer
from acquisition.simulation.gentl.seen import Identity
from rig_configs.cameras import PixelFormat
from tests.acquisition.gentl_scenes import PaintedScene
pixel_format = PixelFormat(sys.argv[1])
width, height = int(sys.argv[2]), int(sys.argv[3])
with SceneServer(PaintedScene(pixel_format, width, height), Identity("A1", "Virtual", "", width, height, pixel_format)) as server:
    print(server.producer, flush=True)
    sys.stdin.read()
"""


@contextmanager
def camera_of(pixel_format: str, wire_format: str) -> Iterator[GenicamCamera]:
    """The driver before a scene in a process of its own, as on an emulated rig."""
    from acquisition.drivers.genicam_camera import GenicamCamera
    from rig_configs.cameras import GenicamCamera as Config

    command = [sys.executable, "-c", _SCENE, pixel_format, str(WIDTH), str(HEIGHT)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as scene:
        assert scene.stdout is not None
        assert scene.stdin is not None
        producer = Path(scene.stdout.readline().strip())
        nominal = {"working_distance_mm": 100, "field_width_mm": 40}
        fields = {"driver": "genicam", "serial": "A1", "producer": producer, "width_px": WIDTH, "height_px": HEIGHT, "buffers": 8}
        camera = GenicamCamera(Config.model_validate(fields | {"pixel_format": pixel_format, "wire_format": wire_format, "nominal": nominal}))
        try:
            yield camera
        finally:
            camera.close()
            scene.stdin.close()


def burst(camera: GenicamCamera) -> float:
    """Frames a second of one burst: triggered one by one, each taken while the next is exposed, as a scan does."""
    camera.arm(FRAMES)
    start = time.perf_counter()
    camera.trigger(100.0)
    for _ in range(FRAMES - 1):
        camera.wait_exposed(5.0)
        camera.trigger(100.0)
        camera.fetch(5.0)
    camera.fetch(5.0)
    rate = FRAMES / (time.perf_counter() - start)
    camera.disarm()
    return rate


def rows() -> list[dict[str, Any]]:
    """Rows of bench.json."""
    found: list[dict[str, Any]] = []
    for pixel_format, wire_format in FORMATS:
        with camera_of(pixel_format, wire_format) as camera:
            burst(camera)
            rate = statistics.median(burst(camera) for _ in range(BURSTS))
        found.append(
            {
                "name": f"virtual GenTL camera, {WIDTH}x{HEIGHT} {wire_format}",
                "value": rate,
                "unit": "frames/s",
                "against": f"median of {BURSTS} bursts of {FRAMES}",
                "bar": f">= {BAR:g}",
                "holds": rate >= BAR,
            }
        )
    return found
