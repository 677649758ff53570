"""The fused height against the cloud alone, with calibrations made of simulated captures: errors in the rig frame against the truth, and cost.

``python -m tests.benchmarks.bench_fused_height`` prints the table of docs/decisions/0008-fused-height.md, and
``… --scratch FILE.png`` draws the scratch there.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import rig_configs  # noqa: F401 - first, because it tells the thread pools how to behave

import cv2  # isort: skip
import numpy as np
from numpy.typing import NDArray
from scipy import fft

from acquisition.simulation.feeder import PartFeeder
from acquisition.simulation.parts import DAMAGE, PART_KINDS, PartKind
from acquisition.simulation.shapes import Body
from acquisition.simulation.truth import Truth, defect_mask, truth_of
from api.composition import open_station
from api.reconstruction import Reconstruction
from photometric.camera import pixel_pitch_mm
from photometric.fused_height import fuse_height
from rig_configs.calibration import Calibration
from rig_configs.files import load_calibration

REFERENCE, DEMO = "reference_20mp", "demo"
TUNED_ON = ("connector_housing_female", "fork_crimp_terminal", "purple_clay_pot")
"""The parts that the constants of photometric.fused_height were chosen on; the others never had a say."""
BAR = 0.5
HAIRLINE = 0.045
FULL_SLOPE = 0.1
"""Slope that the picture of the scratch shows black or white, mm/mm."""


@dataclass(frozen=True, slots=True)
class Compared:
    """Errors of one part's heights, µm, cloud first and fused second."""

    median_um: tuple[float, float]
    p95_um: tuple[float, float]

    @property
    def ratio(self) -> float:
        """Median absolute error of the fused height as a share of the cloud's."""
        return self.median_um[1] / self.median_um[0]


def fused(result: Reconstruction, calibration: Calibration) -> NDArray[np.float32]:
    """The fused height of a scan, (H, W) mm."""
    photometric, points, camera = result.photometric, result.points, calibration.camera
    return fuse_height(
        photometric.normals, photometric.valid, points.xyz_mm[..., 2], points.sigma_z_mm, pixel_pitch_mm(camera), float(camera.centre_mm[2])
    )


def compared(result: Reconstruction, truth: Truth, calibration: Calibration) -> Compared:
    """Cloud and fused height of a scan, where the part is."""
    part = truth.object_mask & result.points.valid
    true = truth.xyz_mm[..., 2][part]
    errors = [1e3 * np.abs(z[part] - true) for z in (result.points.xyz_mm[..., 2], fused(result, calibration))]
    median, p95 = np.quantile(errors, (0.5, 0.95), axis=1)
    return Compared((float(median[0]), float(median[1])), (float(p95[0]), float(p95[1])))


def scans(rig: str, kinds: tuple[str | PartKind, ...], defect: str | None = None) -> Iterator[tuple[str, Reconstruction, Truth, Calibration]]:
    """One scan of each kind of part on a rig."""
    calibration = load_calibration(rig)
    opened = open_station(rig, Path(tempfile.mkdtemp()), automatic_hand=False)
    assert opened.bench is not None
    for kind in kinds:
        PartFeeder(opened.bench, kind).place(None, seed=31)
        yield kind, opened.station.reconstruct(), truth_of(opened.bench), calibration
    opened.station.close()


def _cost(result: Reconstruction, calibration: Calibration) -> tuple[float, float]:
    """Seconds of the fusion, and of one cosine transform there and back of the same pixels; best of three in turns."""
    z = np.nan_to_num(result.points.xyz_mm[..., 2])
    best = [np.inf, np.inf]
    for _ in range(3):
        for i, work in enumerate((lambda: fused(result, calibration), lambda: fft.idctn(fft.dctn(z, workers=2), workers=2))):
            start = time.perf_counter()
            work()
            best[i] = min(best[i], time.perf_counter() - start)
    return best[0], best[1]


def rows() -> list[dict]:
    """Measured rows."""
    measured, cost = [], (0.0, 1.0)
    for kind, result, truth, calibration in scans(REFERENCE, TUNED_ON):
        one = compared(result, truth, calibration)
        against = f"cloud {one.median_um[0]:.2f} µm, fused {one.median_um[1]:.2f} µm; 95 %: {one.p95_um[0]:.1f} and {one.p95_um[1]:.1f} µm"
        measured.append((f"fused height, median error, {REFERENCE}, {kind}", one.ratio, "of the cloud's", against, BAR, one.ratio <= BAR))
        cost = _cost(result, calibration)
    measured.append(("fused height, cost at 20 MP", cost[0] / cost[1], "DCTs there and back", f"one takes {cost[1] * 1e3:.0f} ms", None, None))
    return [dict(zip(("name", "value", "unit", "against", "bar", "holds"), row, strict=True)) for row in measured]


def hairline(body: Body, rng: np.random.Generator) -> Body:
    """A scratch some micrometres deep, about twice what the noise of the cloud is; it leaves the colour as it is."""
    scratched = DAMAGE["scratch"](body, rng)
    return replace(body, height_mm=body.height_mm + HAIRLINE * (scratched.height_mm - body.height_mm))


def draw_scratch(file: Path) -> None:
    """A hairline scratch on the fork terminal, on the demo rig, lit from above: the truth, the cloud, the fused height."""
    kind = PartKind("terminal", PART_KINDS["fork_crimp_terminal"]._form, {"scratch": DAMAGE["scratch"], "hairline": hairline})
    calibration, opened = load_calibration(DEMO), open_station(DEMO, Path(tempfile.mkdtemp()), automatic_hand=False)
    assert opened.bench is not None
    feeder = PartFeeder(opened.bench, kind)
    feeder.place("scratch", seed=31)
    v, u = (int(np.mean(axis)) for axis in np.nonzero(defect_mask(opened.bench)))  # the deep scratch of the same seed is at the same place
    feeder.place("hairline", seed=31)
    result, truth = opened.station.reconstruct(), truth_of(opened.bench)
    opened.station.close()
    crop = np.s_[v - 60 : v + 60, u - 60 : u + 60]
    tiles = []
    for name, z in (("there", truth.xyz_mm[..., 2]), ("cloud", result.points.xyz_mm[..., 2]), ("fused", fused(result, calibration))):
        slope = np.gradient(z[crop], pixel_pitch_mm(calibration.camera), axis=0)
        grey = np.nan_to_num(np.clip(128 - 127 * slope / FULL_SLOPE, 0, 255)).astype(np.uint8)
        tile = cv2.resize(grey, None, fx=4, fy=4, interpolation=cv2.INTER_NEAREST)
        cv2.rectangle(tile, (0, 0), (80, 28), (0,), -1)
        tiles.append(cv2.putText(tile, name, (8, 20), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (255,), 1, cv2.LINE_AA))
    cv2.imwrite(str(file), np.hstack(tiles))


def main() -> None:
    """Print the table, or draw the scratch."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--scratch", type=Path)
    parser.add_argument("--rig", default=DEMO)
    parser.add_argument("kinds", nargs="*", default=sorted(PART_KINDS))
    wanted = parser.parse_args()
    if wanted.scratch is not None:
        draw_scratch(wanted.scratch)
        return
    print("| part | cloud, median | fused, median | ratio | 95 % below, cloud | fused |\n|---|---|---|---|---|---|")
    ratios = []
    for kind, result, truth, calibration in scans(wanted.rig, tuple(wanted.kinds)):
        one = compared(result, truth, calibration)
        ratios.append(one.ratio)
        name = f"{kind} (tuned on)" if kind in TUNED_ON else kind
        print(
            f"| {name} | {one.median_um[0]:.2f} µm | {one.median_um[1]:.2f} µm | {one.ratio:.2f} | {one.p95_um[0]:.1f} µm | {one.p95_um[1]:.1f} µm |",
            flush=True,
        )
    print(f"\nMedian ratio of {len(ratios)} parts on {wanted.rig}: {np.median(ratios):.2f}; largest {max(ratios):.2f}.")


if __name__ == "__main__":
    main()
