"""``python -m tests.benchmarks.large_picture [WIDTH HEIGHT]``: time and memory of the default image features of one large picture."""

from __future__ import annotations

import resource
import sys
import time

import numpy as np

from inference.features.registry import image_backbone


def _peak_gb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9


def main(width: int, height: int) -> None:
    """Print one line."""
    backbone = image_backbone()
    backbone(np.zeros((1, 448, 448, 3), np.uint8))
    before = _peak_gb()
    picture = np.random.default_rng(0).integers(0, 255, (1, height, width, 3), dtype=np.uint8)
    wall, cpu = time.perf_counter(), time.process_time()
    maps = backbone(picture)
    print(
        f"{width}×{height}: {time.perf_counter() - wall:.1f} s, {time.process_time() - cpu:.1f} s of CPU; "
        f"peak {_peak_gb():.2f} GB, {before:.2f} GB before; features {maps.nbytes / 1e9:.2f} GB"
    )


if __name__ == "__main__":
    main(*(int(value) for value in sys.argv[1:3]) if len(sys.argv) > 2 else (5472, 3648))
