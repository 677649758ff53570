"""Reconstructors for the recipes' sequences: one takes frames while another one's part is judged, and no more than the memory holds."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from threading import Condition

import numpy as np
import structlog
from numpy.typing import NDArray

from acquisition.rig import nobody
from acquisition.sequence import Sequence
from api.memory import memory_bytes, parts_at_a_time
from api.reconstruction import Reconstructor
from api.schemas_recipes import RigSequence
from rig_configs.calibration import Calibration
from rig_configs.errors import Cancelled, RigFileError
from rig_configs.schema import RigConfig

_log = structlog.get_logger(__name__)

WAITS_S = 0.1
"""How often who waits for the rig, or for a reconstructor, asks whether it is still wanted."""


def rig_for(rig: RigConfig, wanted: RigSequence) -> RigConfig:
    """The rig as a recipe wants to use it.

    Raises:
        RigFileError: the rig has no such projector, or cannot expose like that.
    """
    changes = {name: value for name, value in wanted.model_dump().items() if value is not None}
    if not changes:
        return rig
    content = rig.model_dump()
    content["sequence"] |= changes
    try:
        return RigConfig.model_validate(content)
    except ValueError as cause:
        raise RigFileError(
            f"The recipe's sequence does not suit rig '{rig.name}': {cause}.", cure="Correct the recipe's sequence.", detail="sequence"
        ) from cause


class ScanRoom:
    """Lends reconstructors of a sequence.

    Args:
        rig: the rig.
        calibration: what is known of it.
        most: parts in memory at a time, the one on the rig and the one that is judged; as many as the memory holds when not given.
    """

    def __init__(self, rig: RigConfig, calibration: Calibration, most: int | None = None) -> None:
        self._most = most or parts_at_a_time(rig, memory_bytes())
        if self._most == 1:
            _log.warning("the memory holds one part at a time: the next is captured when the last is judged", rig=rig.name)
        self._rig = rig
        self._calibration = calibration
        self._wanted: RigSequence | None = None
        self._sequence: Sequence | None = None
        self._free: list[Reconstructor] = []
        self._lent: dict[int, RigSequence] = {}
        self._changed = Condition()

    def patterns(self) -> tuple[tuple[NDArray[np.uint8], ...], ...]:
        """The patterns that the projectors hold already, if any scan has been: whoever scans with them costs nobody a new loading."""
        with self._changed:
            sequence = self._sequence
        if sequence is not None:
            return sequence.patterns
        with self.lend(RigSequence()) as reconstructor:
            return reconstructor.sequence.patterns

    def take(self, wanted: RigSequence, cancelled: Callable[[], bool] = nobody) -> Reconstructor:
        """A reconstructor of a sequence, for the taker alone; waits while all are lent. Raises RigFileError, Cancelled."""
        with self._changed:
            while len(self._lent) >= self._most:
                self._changed.wait(WAITS_S)
                if cancelled():
                    raise Cancelled("The inspection was cancelled before its capture.", cure="Start the inspection again when ready.")
            if wanted != self._wanted:  # the patterns of one sequence are kept, as a rig has those of one loaded
                self._free.clear()
                self._sequence = None
            made = self._free.pop() if self._free else Reconstructor(rig_for(self._rig, wanted), self._calibration, self._sequence)
            self._wanted, self._sequence = wanted, made.sequence
            self._lent[id(made)] = wanted
            made.reset()
            return made

    def give_back(self, reconstructor: Reconstructor) -> None:
        """End a loan; what the reconstructor holds is forgotten."""
        with self._changed:
            wanted = self._lent.pop(id(reconstructor))
            if wanted == self._wanted:
                reconstructor.reset()
                self._free.append(reconstructor)
            self._changed.notify()

    @contextmanager
    def lend(self, wanted: RigSequence) -> Generator[Reconstructor]:
        """A reconstructor for as long as the block lasts. Raises RigFileError."""
        reconstructor = self.take(wanted)
        try:
            yield reconstructor
        finally:
            self.give_back(reconstructor)
