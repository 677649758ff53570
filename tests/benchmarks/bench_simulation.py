"""The simulated rig's rate at the demo's size, and a whole scan at the reference's: part placed, geometry, light maps and frames."""

from __future__ import annotations

import resource
import statistics
import time

from acquisition.drivers.simulated import open_simulated
from acquisition.rig import Rig
from acquisition.sequence import inspection_sequence
from acquisition.simulation.parts import part_kind
from rig_configs.files import load_rig
from rig_configs.schema import RigConfig
from structured_light.patterns import FringePatterns

PART = "connector_housing_female"


class Bench:
    """A rig over a simulated bench, with the patterns of an inspection."""

    def __init__(self, config: RigConfig) -> None:
        camera, lights, projectors, self.bench = open_simulated(config)
        self.rig = Rig(config, camera, lights, projectors)
        self.sequence = inspection_sequence(
            config, [FringePatterns(config.sequence.fringes, p.width_px, p.height_px).images for p in config.projectors]
        )

    def place(self, seed: int) -> None:
        """Lay a part on the plate."""
        self.bench.place(part_kind(PART).make(seed).placed())

    def scan_s(self) -> float:
        """Time of one scan whose frames nobody works on."""
        start = time.perf_counter()
        for _ in self.rig.scan(self.sequence):
            pass
        return time.perf_counter() - start


def rows() -> list[dict]:
    """Rows of bench.json."""
    demo = Bench(load_rig("demo"))
    demo.place(1)
    first_s = demo.scan_s()
    rate = len(demo.sequence) / statistics.median(demo.scan_s() for _ in range(5))
    demo.rig.close()

    large = Bench(load_rig("reference_20mp"))
    large.place(1)
    whole_s = large.scan_s()
    frames = len(large.sequence)
    large.rig.close()
    peak_gb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    return [
        {
            "name": "simulated frames at 1368x912, shading alone",
            "value": rate,
            "unit": "frames/s",
            "against": "median of 5 scans of a known pose",
            "bar": ">= 25",
            "holds": rate >= 25,
        },
        {
            "name": "first simulated scan of a pose at 1368x912",
            "value": first_s,
            "unit": "s",
            "against": f"{len(demo.sequence)} frames, kernels compiled or read from cache",
            "bar": None,
            "holds": None,
        },
        {
            "name": "simulated scan at 5472x3648",
            "value": whole_s,
            "unit": "s",
            "against": f"{frames} frames, geometry and light maps in it",
            "bar": "<= 60",
            "holds": whole_s <= 60,
        },
        {
            "name": "peak memory of a simulated scan at 5472x3648",
            "value": peak_gb,
            "unit": "GB",
            "against": "whole process",
            "bar": "< 10",
            "holds": peak_gb < 10,
        },
    ]
