"""What is broken on the bench: by a test's hand, or by itself as the rig's configuration has it."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from rig_configs.schema import RigConfig
from rig_configs.simulation import FaultKind


@dataclass(slots=True)
class Faults:
    """What is broken now. Devices are named ``camera``, ``lights``, ``projector0`` …; sources of light ``zone0`` …, ``projector0`` …"""

    unplugged: set[str] = field(default_factory=set)
    """Devices whose plug is out: they raise DeviceUnavailable."""
    dark: set[str] = field(default_factory=set)
    """Sources that take commands and send no light."""
    lagging: set[str] = field(default_factory=set)
    """Sources that do at each exposure what they should have done at the one before."""
    crossed: dict[int, int] = field(default_factory=dict)
    """Zones that light another one in their place, as when wires are crossed."""
    frames: deque[FaultKind | None] = field(default_factory=deque)
    """What happens to the next frames, the next one first; None is nothing."""

    def clear(self) -> None:
        """Mend everything."""
        self.unplugged.clear()
        self.dark.clear()
        self.lagging.clear()
        self.crossed.clear()
        self.frames.clear()


class FaultSchedule:
    """The faults of the rig's configuration, struck as scans and frames are counted.

    Args:
        rig: the rig.
        faults: what is broken; only what this schedule itself broke does it mend.
    """

    def __init__(self, rig: RigConfig, faults: Faults) -> None:
        self._rules = rig.simulation.faults if rig.simulation else ()
        self._faults = faults
        self._names = {z.name: f"zone{i}" for i, z in enumerate(rig.lights.zones)} | {p.name: f"projector{i}" for i, p in enumerate(rig.projectors)}
        self._scan = self._frame = 0
        self._struck: list[tuple[set[str], str]] = []

    def scan_started(self) -> None:
        """The next scan has begun."""
        self._scan += 1
        self._frame = 0
        self._strike()

    def scan_continued(self) -> None:
        """A further burst of the scan has begun: what its end mended is still broken."""
        self._strike()

    def scan_ended(self) -> None:
        """What broke in the scan works again."""
        for broken, device in self._struck:
            broken.discard(device)
        self._struck.clear()

    def frame_exposed(self) -> FaultKind | None:
        """A frame was exposed: what happens to it."""
        rule = next((r.kind for r in self._rules if r.kind.is_of_a_frame and r.strikes(self._scan, self._frame + 1)), None)
        hand = self._faults.frames.popleft() if self._faults.frames else None
        self._frame += 1
        self._strike()
        return hand or rule

    def _strike(self) -> None:
        sets = {FaultKind.UNPLUGGED: self._faults.unplugged, FaultKind.DARK: self._faults.dark, FaultKind.LAGGING: self._faults.lagging}
        for rule in self._rules:
            if rule.device is not None and rule.strikes(self._scan, self._frame + 1):
                broken, device = sets[rule.kind], self._names.get(rule.device, rule.device)
                if device not in broken:
                    broken.add(device)
                    self._struck.append((broken, device))
