"""Speed of the memory bank and of the judgement, against the bars of the design."""

import time

import numpy as np

from inference.coreset import covering_radius, k_centre_greedy, sparse_random_projection
from inference.d3m import D3M, D3MConfig
from inference.sample import D3Sample


def _clustered(count: int, channels: int, seed: int = 0) -> np.ndarray:
    """Patches as features are: a few hundred kinds of places, spread within each."""
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((300, channels), dtype=np.float32)
    return centres[rng.integers(300, size=count)] + 0.5 * rng.standard_normal((count, channels), dtype=np.float32)


def _part(seed: int) -> D3Sample:
    """A plate with a boss on the demo rig's grid: 1368×912 px, 29 µm."""
    rng = np.random.default_rng(seed)
    v, u = np.mgrid[0:912, 0:1368].astype(np.float32)
    x, y = (u - 684 + rng.uniform(-20, 20)) * 0.0292, (456 - v + rng.uniform(-20, 20)) * 0.0292
    part = (abs(x) < 9) & (abs(y) < 5)
    z = np.where(part, 2.0, 0.0) + np.where((abs(x - 4) < 2) & (abs(y) < 3), 1.0, 0.0)
    grey = np.where(part, 140 + 20 * np.sin(y * 8), 40) + rng.normal(0, 3, u.shape)
    slopes = np.dstack([128 + 400 * np.gradient(z, axis=1), 128 - 400 * np.gradient(z, axis=0), 250 + 0 * z]) + rng.normal(0, 2, (*u.shape, 3))
    rgb = np.clip(np.dstack([grey, grey, grey]), 0, 255).astype(np.uint8)
    xyz = np.dstack([x, y, z + rng.normal(0, 0.003, u.shape)]).astype(np.float32)
    return D3Sample(rgb, np.clip(slopes, 0, 255).astype(np.uint8), xyz, part, f"bench-{seed}")


def _row(name: str, value: float, unit: str, against: str, bar: str, holds: bool) -> dict:
    return {"name": name, "value": round(value, 4), "unit": unit, "against": against, "bar": bar, "holds": holds}


def rows() -> list[dict]:
    """Measured rows."""
    patches = _clustered(50_000, 768)
    k_centre_greedy(patches[:2000], 200)
    start = time.perf_counter()
    k_centre_greedy(patches, 5000)
    coreset_s = time.perf_counter() - start

    # The width of the shipped backbone's patches needs no projection; wider ones are compared in the projection both would search.
    narrow, wide = _clustered(5000, 168, seed=1), sparse_random_projection(_clustered(5000, 768, seed=1), 0)
    ratio = max(covering_radius(p, k_centre_greedy(p, 500)) / covering_radius(p, _plain_greedy(p, 500)) for p in (narrow, wide))

    samples = [_part(seed) for seed in range(50)]
    start = time.perf_counter()
    model = D3M.fit(samples, D3MConfig())
    fit_s = time.perf_counter() - start
    model.predict(samples[0])
    fresh = _part(99)
    extraction, judgement = [], []
    for _ in range(5):
        start = time.perf_counter()
        features = model.extract(fresh)
        middle = time.perf_counter()
        model.judge(features)
        extraction.append(middle - start)
        judgement.append(time.perf_counter() - middle)
    extract_s, judge_s = float(np.median(extraction)), float(np.median(judgement))
    return [
        _row("coreset 10 % of 50,000×768", coreset_s, "s", "wall clock", "≤ 3", coreset_s <= 3.0),
        _row("coreset covering radius", ratio, "×", "exact greedy, 5,000×168 and 5,000×768 projected", "≤ 1.01", ratio <= 1.01),
        _row("D³M judgement after features", judge_s / extract_s, "×", "feature extraction", "< 1", judge_s < extract_s),
        _row("D³M prediction at 1368×912", extract_s + judge_s, "s", "wall clock", "≤ 1.2", extract_s + judge_s <= 1.2),
        _row("D³M fit of 50 parts at 1368×912", fit_s, "s", "wall clock", "≤ 120", fit_s <= 120.0),
    ]


def _plain_greedy(patches: np.ndarray, count: int) -> np.ndarray:
    """The textbook rule, one pick and one pass at a time, in the full space."""
    picked = [0]
    minimum = ((patches - patches[0]) ** 2).sum(axis=1)
    while len(picked) < count:
        picked.append(int(minimum.argmax()))
        minimum = np.minimum(minimum, ((patches - patches[picked[-1]]) ** 2).sum(axis=1))
    return np.array(picked)


if __name__ == "__main__":
    for row in rows():
        print(row)
