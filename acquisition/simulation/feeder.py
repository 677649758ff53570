"""The hand that loads the part: lays one after the other under the camera, and tells the station nothing of it."""

from __future__ import annotations

import numpy as np

from acquisition.simulation.bench import BenchAccess
from acquisition.simulation.parts import Part, PartKind, part_kind, random_pose


class PartFeeder:
    """Feeds parts of one kind, some of them defective.

    Args:
        bench: where they are laid.
        kind: the product, or its name where it is one of the bench's own.
        seed: the same seed feeds the same parts in the same poses.
        defect_share: how many of them are defective, as a share.

    Raises:
        NotFound: the bench has no such part.
    """

    def __init__(self, bench: BenchAccess, kind: str | PartKind, seed: int = 0, defect_share: float = 1 / 3) -> None:
        self._bench = bench
        self._kind = part_kind(kind) if isinstance(kind, str) else kind
        self._seed = seed
        self._defect_share = defect_share
        self._fed = 0

    def place_next(self) -> Part:
        """Lay the next part on the bench. Raises Conflict while a scan runs on and on."""
        seed = int(np.random.SeedSequence([self._seed, self._fed]).generate_state(1)[0])
        self._fed += 1
        rng = np.random.default_rng([seed, 3])
        defect = str(rng.choice(self._kind.defects)) if rng.random() < self._defect_share else None
        return self.place(defect, seed=seed)

    def place(self, defect: str | None = None, *, seed: int) -> Part:
        """Lay the part of a seed on the bench, in the seed's pose.

        Raises:
            NotFound: this product has no such defect.
            Conflict: a scan runs on and on.
        """
        part = self._kind.make(seed, defect)
        self._bench.place(part.placed(random_pose(np.random.default_rng([seed, 4]))))
        return part
