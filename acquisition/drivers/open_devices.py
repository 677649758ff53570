"""Opening the real devices that a rig's configuration names. A driver's libraries are loaded only where the rig has such a device."""

from __future__ import annotations

from dataclasses import dataclass

from acquisition.devices import Camera, Lights, Projector
from rig_configs.cameras import CameraConfig, GenicamCamera
from rig_configs.errors import RigFileError
from rig_configs.lights import LightsConfig, SerialLightsConfig
from rig_configs.projectors import DlpProjectorConfig, ProjectorConfig, ScreenProjectorConfig
from rig_configs.schema import RigConfig


@dataclass(frozen=True, slots=True)
class Devices:
    """What a rig is made of."""

    camera: Camera
    lights: Lights
    projectors: tuple[Projector, ...]

    def close(self) -> None:
        """Everything dark, then released."""
        for device in (self.lights, *self.projectors, self.camera):
            device.close()


def open_devices(config: RigConfig) -> Devices:
    """The drivers of a rig of real devices. None talks to its device before it is used.

    Args:
        config: the rig; relative paths in it start at the working folder.

    Raises:
        RigFileError: a device is simulated or replayed.
    """
    return Devices(_camera(config.camera), _lights(config.lights), tuple(_projector(p) for p in config.projectors))


def _camera(config: CameraConfig) -> Camera:
    if isinstance(config, GenicamCamera):
        from acquisition.drivers.genicam_camera import GenicamCamera as Driver

        return Driver(config)
    raise _not_real(config.driver)


def _lights(config: LightsConfig) -> Lights:
    if isinstance(config, SerialLightsConfig):
        from acquisition.drivers.serial_lights import SerialLights

        return SerialLights(config)
    raise _not_real(config.driver)


def _projector(config: ProjectorConfig) -> Projector:
    if isinstance(config, DlpProjectorConfig):
        from acquisition.drivers.dlp_projector import DlpProjector

        return DlpProjector(config)
    if isinstance(config, ScreenProjectorConfig):
        from acquisition.drivers.screen_projector import ScreenProjector

        return ScreenProjector(config)
    raise _not_real(config.driver)


def _not_real(driver: str) -> RigFileError:
    return RigFileError(f"Driver '{driver}' has no device to open.", cure="Choose a real driver.", detail="not_real")
