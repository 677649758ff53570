"""Coreset and nearest neighbours against other people's code, on the same arrays in one run.

faiss is put into a folder of its own, for it is only compared with; where pip cannot, its row is left out.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from sklearn.neighbors import NearestNeighbors

from inference.coreset import k_centre_greedy
from inference.memory_bank import MemoryBank

APART = Path(sys.prefix) / "faiss"
PACKAGE = "faiss-cpu==1.15.1"
REPEATS = 15
PLAIN = ("sklearn's NearestNeighbors", "torch.cdist and min")
"""What public codes search with; faiss and the bare product are told beside, as what cannot be gone below by much."""


def _patches(count: int, seed: int) -> np.ndarray:
    """(count, 168) clustered as features are."""
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(0).standard_normal((300, 168), dtype=np.float32)
    return centres[rng.integers(300, size=count)] + 0.5 * rng.standard_normal((count, 168), dtype=np.float32)


def _best(work: Callable[[], object]) -> float:
    work()
    seconds = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def _cdist_greedy(patches: torch.Tensor, count: int) -> torch.Tensor:
    """The greedy rule as PatchCore's public codes have it: a column of distances for each pick."""
    picked = [0]
    minimum = torch.cdist(patches, patches[:1])[:, 0]
    while len(picked) < count:
        picked.append(int(minimum.argmax()))
        minimum = torch.minimum(minimum, torch.cdist(patches, patches[picked[-1]][None])[:, 0])
    return torch.tensor(picked)


def _faiss_seconds(bank: np.ndarray, cells: np.ndarray) -> float | None:
    if not (APART / "faiss").exists():
        pip = [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-deps", "--target", str(APART), PACKAGE]
        if subprocess.run(pip, capture_output=True, check=False).returncode != 0:
            print(f"{PACKAGE} cannot be installed here: no comparison with faiss.", file=sys.stderr)
            return None
    with TemporaryDirectory() as folder:
        file = Path(folder) / "arrays.npz"
        np.savez(file, bank=bank, cells=cells)
        child = [sys.executable, __file__, str(file), str(torch.get_num_threads())]
        return json.loads(subprocess.run(child, check=True, capture_output=True, text=True).stdout)["seconds"]


def _as_faiss(file: Path, threads: int) -> None:
    sys.path.append(str(APART))
    import faiss  # pyright: ignore[reportMissingImports]

    arrays = np.load(file)
    faiss.omp_set_num_threads(threads)
    index = faiss.IndexFlatL2(arrays["bank"].shape[1])
    index.add(arrays["bank"])
    print(json.dumps({"seconds": _best(lambda: index.search(arrays["cells"], 1))}))


def rows() -> list[dict]:
    """Measured rows."""
    bank_rows, cells = _patches(3400, 1), _patches(1700, 2)  # what a part that fills the window has
    channels = cells.shape[1]
    bank = MemoryBank(np.zeros(channels, np.float32), np.ones(channels, np.float32), bank_rows)
    ours, (distance, _) = _best(lambda: bank.distances(cells)), bank.distances(cells)
    # A comparison of speed is one only where what is fast is right, too.
    brute = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(bank_rows)
    np.testing.assert_allclose(distance, brute.kneighbors(cells)[0][:, 0], rtol=1e-4)
    left, right = torch.from_numpy(cells), torch.from_numpy(bank_rows).T
    product = torch.empty(len(cells), len(bank_rows))
    others = {
        "the matrix product alone": _best(lambda: torch.mm(left, right, out=product)),
        "sklearn's NearestNeighbors": _best(lambda: brute.kneighbors(cells)),
        "torch.cdist and min": _best(lambda: torch.cdist(left, right.T).min(dim=1)),
        "faiss IndexFlatL2": _faiss_seconds(bank_rows, cells),
    }
    listed = [
        {
            "name": f"nearest of 3,400 bank rows for 1,700 cells, share of the time of {name}", "value": round(ours / seconds, 4), "unit": "",
            "against": f"{name}, {1e3 * seconds:.1f} ms, same arrays and threads",
            "bar": "< 1" if name in PLAIN else None, "holds": bool(ours < seconds) if name in PLAIN else None,
        }
        for name, seconds in others.items()
        if seconds is not None
    ]  # fmt: skip
    patches = _patches(5000, 3)
    taken = len(patches) // 10
    coreset_s = _best(lambda: k_centre_greedy(patches, taken))
    start = time.perf_counter()
    _cdist_greedy(torch.from_numpy(patches), taken)
    plain_s = time.perf_counter() - start
    listed.append(
        {
            "name": "coreset 10 % of 5,000x168, share of the time of torch.cdist a pick", "value": round(coreset_s / plain_s, 4), "unit": "",
            "against": f"greedy with torch.cdist, {plain_s:.2f} s", "bar": "< 1", "holds": coreset_s < plain_s,
        }
    )  # fmt: skip
    return listed


if __name__ == "__main__":
    if len(sys.argv) > 1:
        _as_faiss(Path(sys.argv[1]), int(sys.argv[2]))
    else:
        for row in rows():
            print(row)
