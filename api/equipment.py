"""What a station works with: an opened rig, what is known of it, and on a simulated one the hand that lays parts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from acquisition.rig_process import AnyRig
from api.scan_room import ScanRoom
from rig_configs.calibration import Calibration


@dataclass(frozen=True)
class Equipment:
    """Exchanged as a whole when the rig's files are read again."""

    rig: AnyRig
    calibration: Calibration
    load_part: Callable[[str], None] | None = None
    """Puts the next part of a recipe on the plate; called before a scan. None: a person does."""
    load_good_part: Callable[[str], None] | None = None
    """The same for parts that are good for sure, to teach from."""
    lay_plate: Callable[[], None] | None = None
    """Lays the matt white plate on the reference plane."""
    room: ScanRoom = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "room", ScanRoom(self.rig.config, self.calibration))
