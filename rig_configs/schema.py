"""What a rig *is*: the schema of ``rig.yaml``.

Frames and units: the rig frame is right-handed, in millimetres, with its origin on the reference plane under the
optical axis, x along image columns, y up the image (against rows) and z towards the camera. Suffixes carry units.
"""

from __future__ import annotations

from pydantic import Field, model_validator

from rig_configs.artefacts import ArtefactsConfig
from rig_configs.cameras import CameraConfig, GenicamCamera, TriggerSource
from rig_configs.fringes import FringeConfig
from rig_configs.lights import LightsConfig
from rig_configs.projectors import DlpProjectorConfig, DlpTrigger, ProjectorConfig, ScreenProjectorConfig
from rig_configs.simulation import FaultKind, SimulationConfig
from rig_configs.strict import Strict

# Drivers of devices that see only their own kind; all others are real, and may stand together.
_ALONE = frozenset({"simulated", "replay"})


class SequenceConfig(Strict):
    """What is captured of each part, and how long each frame is exposed."""

    ambient_exposure_us: float = Field(gt=0, description="Exposure of the frame with every light off, µs.")
    light_exposure_us: float = Field(gt=0, description="Exposure of each light zone's frame, µs.")
    fringe_exposure_us: float = Field(gt=0, description="Exposure of each fringe frame, µs.")
    fringes: FringeConfig = Field(description="The fringe patterns.")
    height_range_mm: tuple[float, float] | None = Field(
        default=None,
        description="Least and greatest height over the reference plane that a part can have, mm: points outside are false readings and left out.",
    )

    projectors: tuple[str, ...] | None = Field(
        default=None,
        min_length=1,
        description="Names of the projectors that take part, one, two or more eyes; every one where left out. Calibration takes every one.",
    )

    @model_validator(mode="after")
    def _range_rises(self) -> SequenceConfig:
        if self.height_range_mm is not None and self.height_range_mm[0] >= self.height_range_mm[1]:
            raise ValueError("height_range_mm must rise: give the least height first")
        return self


class TimingConfig(Strict):
    """How long the station waits before it calls a device lost."""

    frame_timeout_s: float = Field(gt=0, le=60, description="Longest wait for a triggered frame, seconds.")


class RigConfig(Strict):
    """One inspection rig: a camera, a zone light, projectors, and what they do for a part."""

    name: str = Field(min_length=1, pattern=r"^[a-z0-9_]+$", description="Name of the rig: lower case, digits and underscores.")
    camera: CameraConfig = Field(description="The camera.")
    lights: LightsConfig = Field(description="The zone light.")
    projectors: tuple[ProjectorConfig, ...] = Field(min_length=1, max_length=8, description="The projectors in firing order.")
    sequence: SequenceConfig = Field(description="What is captured of each part.")
    timing: TimingConfig = Field(description="How long the station waits.")
    artefacts: ArtefactsConfig = Field(description="What the rig is calibrated with.")
    simulation: SimulationConfig | None = Field(
        default=None, description="The simulated bench; needed by 'simulated' drivers. Real drivers then talk to emulated devices around it."
    )

    @property
    def is_simulated(self) -> bool:
        """Whether any frame comes from a simulation."""
        return self.simulation is not None

    @property
    def is_emulated(self) -> bool:
        """Whether real drivers talk to emulated devices around a simulated bench."""
        return self.simulation is not None and self.camera.driver not in _ALONE

    @property
    def eyes(self) -> tuple[int, ...]:
        """Indices of the projectors that take part in an inspection, in firing order."""
        wanted = self.sequence.projectors
        return tuple(i for i, p in enumerate(self.projectors) if wanted is None or p.name in wanted)

    def with_eyes(self, projectors: tuple[str, ...] | None) -> RigConfig:
        """The same rig, of which other projectors take part; every one where none are named."""
        return self.model_copy(update={"sequence": self.sequence.model_copy(update={"projectors": projectors})})

    @model_validator(mode="after")
    def _devices_fit(self) -> RigConfig:
        devices = [self.camera, self.lights, *self.projectors]
        drivers = {device.driver for device in devices}
        if "simulated" in drivers and self.simulation is None:
            raise ValueError("a 'simulated' driver needs a 'simulation' section; add one, or choose another driver")
        if len(drivers) > 1 and drivers & _ALONE:
            raise ValueError(
                f"drivers {', '.join(sorted(drivers))} cannot stand together: simulated, replayed and real devices cannot see each other; "
                "give all devices the same driver, or real ones"
            )
        for what, names in (("zone", [z.name for z in self.lights.zones]), ("projector", [p.name for p in self.projectors])):
            if len(set(names)) < len(names):
                raise ValueError(f"two {what}s have the same name; give each its own")
        names = [p.name for p in self.projectors]
        for name in self.sequence.projectors or ():
            if name not in names:
                raise ValueError(f"sequence.projectors names '{name}'; name some of {', '.join(names)}")
        return self

    @model_validator(mode="after")
    def _triggers_fit(self) -> RigConfig:
        exposures_us = sorted({self.sequence.fringe_exposure_us * factor for factor in self.sequence.fringes.exposures})
        for projector in self.projectors:
            if isinstance(projector, ScreenProjectorConfig) and self.simulation is not None:
                raise ValueError(f"projector '{projector.name}' is a screen, which the simulated bench cannot see; choose driver dlp")
            if not isinstance(projector, DlpProjectorConfig):
                continue
            if projector.trigger is DlpTrigger.TRIG_OUT and not (isinstance(self.camera, GenicamCamera) and self.camera.trigger_line):
                raise ValueError(
                    f"projector '{projector.name}' has trigger trig_out, and the camera no trigger_line: name the input that TRIG_OUT_1 is wired to"
                )
            if projector.trigger is DlpTrigger.TRIG_IN and isinstance(self.camera, GenicamCamera) and self.camera.trigger is TriggerSource.NONE:
                raise ValueError(
                    f"projector '{projector.name}' has trigger trig_in, and a camera that runs freely would drive it on; choose software"
                )
            for exposure_us in exposures_us:
                if problem := projector.exposure_problem(exposure_us):
                    raise ValueError(f"sequence.fringe_exposure_us does not suit projector '{projector.name}': {problem}")
        return self

    @model_validator(mode="after")
    def _faults_name_devices(self) -> RigConfig:
        zones, projectors = [z.name for z in self.lights.zones], [p.name for p in self.projectors]
        for fault in self.simulation.faults if self.simulation else ():
            known = ["camera", "lights", *projectors] if fault.kind is FaultKind.UNPLUGGED else [*zones, *projectors]
            if fault.device is not None and fault.device not in known:
                raise ValueError(f"a '{fault.kind}' fault names '{fault.device}'; name one of {', '.join(known)}")
        return self
