"""What memory the machine has, and what parts take of it."""

from __future__ import annotations

import os
from pathlib import Path

from rig_configs.schema import RigConfig

_CGROUP = Path("/sys/fs/cgroup/memory.max")
WAITING_BYTES_PX = 140
JUDGED_BYTES_PX = 210
"""What a captured part takes, which a test holds, and one that is reconstructed and judged, as measured once; bytes a pixel of a rig with
four projectors."""
_SHARE = 0.6
"""Of the memory, that parts may take: the model, Python and its libraries, and the system have the rest."""


def memory_bytes() -> int:
    """What this process may use: the machine's memory, or its container's limit."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        told = _CGROUP.read_text(encoding="ascii").strip()
    except OSError:
        return machine
    return min(machine, int(told)) if told.isdecimal() else machine


def parts_at_a_time(rig: RigConfig, memory: int) -> int:
    """How many parts the memory holds at a time: 2, one captured while one is judged, or only 1.

    Args:
        rig: the rig.
        memory: what there is, bytes.
    """
    pixels = rig.camera.width_px * rig.camera.height_px
    return 2 if pixels * (WAITING_BYTES_PX + JUDGED_BYTES_PX) <= _SHARE * memory else 1
