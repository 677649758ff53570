"""Pictures between two processes without a pipe: memory that has no name, so that nobody has to clean it up after a kill.

The memory is a Linux memfd. It lives as long as a descriptor or a mapping of it does, in whichever process: a reader keeps what it
sees even where the writer was killed in the middle. Descriptors are passed over the processes' socket, nothing else is.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from acquisition.devices import Pixels

# Slots begin on memory pages.
_PAGE = mmap.PAGESIZE


class FrameRing:
    """Slots for frames in shared memory; who may use which slot is agreed by messages, not here.

    The writer fills a slot once, straight from the driver's frame. The reader takes one copy: a view would give the slot back only when the
    last user forgets the frame, and solvers and captures keep frames, so that a few kept ones would stop the camera.

    Args:
        descriptor: of the memory; the ring has its own hold on it, the caller's may be closed.
        slot_bytes: largest size of a frame, bytes.
        slots: number of frames that fit.
    """

    def __init__(self, descriptor: int, slot_bytes: int, slots: int) -> None:
        self.slots = slots
        self.slot_bytes = slot_bytes
        self._stride = -(-slot_bytes // _PAGE) * _PAGE
        self._memory = np.frombuffer(mmap.mmap(descriptor, self._stride * slots), np.uint8)

    @staticmethod
    def memory(slot_bytes: int, slots: int) -> int:
        """New memory for a ring; returns its descriptor, which the caller closes."""
        return _memory("frames", -(-slot_bytes // _PAGE) * _PAGE * slots)

    def write(self, slot: int, pixels: Pixels) -> None:
        """Fill a slot with a frame, (H, W) or (H, W, 3) uint8 or uint16. Raises ValueError when it does not fit."""
        self._view(slot, pixels.shape, pixels.dtype)[...] = pixels

    def read(self, slot: int, shape: tuple[int, ...], dtype: np.dtype) -> Pixels:
        """The frame in a slot, as an array of the caller's own."""
        return self._view(slot, shape, dtype).copy()

    def _view(self, slot: int, shape: tuple[int, ...], dtype: np.dtype) -> Pixels:
        size = int(np.prod(shape)) * dtype.itemsize
        if not 0 <= slot < self.slots or size > self.slot_bytes:
            raise ValueError(f"{size} bytes do not fit into slot {slot} of {self.slots} of {self.slot_bytes} bytes")
        start = slot * self._stride
        return self._memory[start : start + size].view(dtype).reshape(shape)


def share_patterns(patterns: Sequence[Sequence[NDArray[np.uint8]]]) -> int:
    """Put every projector's patterns, each (height, width) uint8, one after the other into new memory; returns its descriptor."""
    descriptor = _memory("patterns", max(1, sum(p.size for shown in patterns for p in shown)))
    whole, start = np.frombuffer(mmap.mmap(descriptor, 0), np.uint8), 0
    for pattern in (p for shown in patterns for p in shown):
        whole[start : start + pattern.size].reshape(pattern.shape)[...] = pattern
        start += pattern.size
    return descriptor


def shared_patterns(descriptor: int, shapes: Sequence[Sequence[tuple[int, int]]]) -> tuple[tuple[NDArray[np.uint8], ...], ...]:
    """The patterns that :func:`share_patterns` put there: views, read only, that hold the memory as long as they live."""
    whole, start = np.frombuffer(mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ), np.uint8), 0
    patterns: list[tuple[NDArray[np.uint8], ...]] = []
    for shown in shapes:
        views: list[NDArray[np.uint8]] = []
        for height, width in shown:
            views.append(whole[start : start + height * width].reshape(height, width))
            start += height * width
        patterns.append(tuple(views))
    return tuple(patterns)


def _memory(name: str, size: int) -> int:
    descriptor = os.memfd_create(name)
    os.ftruncate(descriptor, size)
    return descriptor
