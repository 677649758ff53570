"""What the rig process and the dark guard of a rig of real devices open. Configurations come as JSON: no file is read again."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from acquisition.devices import Lights, Projector
from acquisition.drivers.open_devices import open_devices
from rig_configs.schema import RigConfig

if TYPE_CHECKING:
    from acquisition.rig import Rig


def open_rig(config: str, devices: str) -> Rig:
    """The rig, for the rig process.

    Args:
        config: the rig's configuration.
        devices: the same with the addresses at which its devices are.

    Raises:
        RigFileError: a device is not a real one.
    """
    from acquisition.rig import Rig  # the guard, which comes here too, has no use for it

    opened = open_devices(RigConfig.model_validate_json(devices))
    return Rig(RigConfig.model_validate_json(config), opened.camera, opened.lights, opened.projectors)


def open_dark(devices: str) -> list[Lights | Projector]:
    """Lights and projectors, for the guard; nothing of them is opened before it is told to go dark.

    Args:
        devices: as for :func:`open_rig`.
    """
    config = RigConfig.model_validate_json(devices)
    opened = open_devices(config)
    if any(getattr(p, "link", "").startswith("hid:") for p in config.projectors):
        with suppress(ImportError):  # without libudev; the rig will say so
            import hid

            hid.enumerate(0xFFFF, 0xFFFF)  # finds nothing, and starts hidapi before several threads use it at once
    return [opened.lights, *opened.projectors]
