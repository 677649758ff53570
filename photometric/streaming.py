"""Arrays that are written once and read much later: around the caches, as a memory copy does it.

A core that stores into a line of memory first reads it. For results of 400 MB, that are written whole, the reading is lost time;
a non-temporal store leaves it out. It wants addresses at multiples of what is stored, which NumPy does not promise.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic
from numpy.typing import DTypeLike, NDArray

LANES = 16  # a line of memory, so that none is written in two parts
"""float32 values in one streamed store."""
_ALIGNMENT = 64


def empty_aligned(shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
    """Like ``numpy.empty``, beginning at a multiple of 64 bytes."""
    size = math.prod(shape) * np.dtype(dtype).itemsize
    room = np.empty(size + _ALIGNMENT, np.uint8)
    start = -room.ctypes.data % _ALIGNMENT
    return room[start : start + size].view(dtype).reshape(shape)


def streamable(width_px: int, piece_px: int, *images: NDArray[np.float32]) -> bool:
    """Whether rows of these images, written in pieces, can be streamed: every piece begins and ends at a multiple of LANES."""
    return width_px % LANES == 0 and piece_px % LANES == 0 and all(image.ctypes.data % (4 * LANES) == 0 for image in images)


def _stream(_typing, target, at, source, start):
    """target[at : at + LANES] = source[start : start + LANES], around the caches; both flat float32 arrays, ``at`` a multiple of LANES."""

    def generate(context, builder, signature, args):
        lanes = ir.VectorType(ir.FloatType(), LANES)

        def pointer(array: int, index: int) -> ir.Value:
            data = context.make_array(signature.args[array])(context, builder, args[array]).data
            return builder.bitcast(builder.gep(data, [args[index]]), lanes.as_pointer())

        values = builder.load(pointer(2, 3), align=4)
        store = builder.store(values, pointer(0, 1), align=4 * LANES)
        store.set_metadata("nontemporal", builder.module.add_metadata([ir.IntType(32)(1)]))
        return context.get_dummy_value()

    return types.void(target, at, source, start), generate


def _finish_streams(_typing):
    """What was streamed is seen by every core from here on."""

    def generate(context, builder, _signature, _args):
        builder.fence("seq_cst")
        return context.get_dummy_value()

    return types.void(), generate


stream: Any = intrinsic(_stream)
finish_streams: Any = intrinsic(_finish_streams)
