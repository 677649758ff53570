"""The emulated cell: the simulated bench, with a virtual camera and emulated controllers around it for real drivers to talk to.

Drivers know nothing of it but addresses: a GenTL producer, a serial port, sockets. What lights and projectors are told shines on the bench,
and the camera sees that. It belongs into a process of its own, see :mod:`acquisition.simulation.cell_process`.
"""

from __future__ import annotations

import shutil
import tempfile
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from acquisition.simulation.bench import Bench
from acquisition.simulation.dlp_controllers import EmulatedDlpc350, EmulatedDlpc900
from acquisition.simulation.gentl.bench_scene import BenchScene, virtual_identity
from acquisition.simulation.gentl.scene_server import SceneServer
from acquisition.simulation.gentl.seen import Exposure
from acquisition.simulation.light_controllers import LineFault, controller_for
from acquisition.simulation.scene import SceneObject
from rig_configs.cameras import GenicamCamera
from rig_configs.errors import RigFileError
from rig_configs.lights import SerialLightsConfig
from rig_configs.projectors import DlpController, DlpProjectorConfig
from rig_configs.schema import RigConfig
from rig_configs.simulation import FaultKind

# A picture that is not drawn by then was not triggered: the camera was not armed for its line.
_DRAWN_S = 0.5

EmulatedProjector = EmulatedDlpc350 | EmulatedDlpc900


class Cell:
    """Everything that a rig's drivers talk to. Use as a context manager, or ``start`` and ``close`` it.

    Devices are named as in :class:`acquisition.simulation.faults.Faults`: ``camera``, ``lights``, ``projector0`` and so on.

    Args:
        rig: a rig of real drivers with a ``simulation`` section; what it says of addresses is passed over.
        noise_seed: seed of the sensor noise.

    Raises:
        RigFileError: there is no emulated device for one of the drivers.
    """

    def __init__(self, rig: RigConfig, noise_seed: int = 0) -> None:
        if not (isinstance(rig.camera, GenicamCamera) and isinstance(rig.lights, SerialLightsConfig)):
            raise RigFileError(
                f"Rig '{rig.name}' cannot be emulated: its drivers are {rig.camera.driver} and {rig.lights.driver}.",
                cure="Choose camera.driver genicam, lights.driver serial and projectors of driver dlp.",
                detail="not_emulated",
            )
        identity = virtual_identity(rig.camera)
        self._rig, self._seed = rig, noise_seed
        self._intensities = [channel.intensity for channel in rig.lights.channels]
        self.bench = Bench(rig, noise_seed)
        self._due: tuple[int, str, tuple[object, ...], dict[str, object]] | None = None
        self._flash = rig.lights.strobe
        self._wired = rig.camera.trigger_line is not None
        self._exposed = threading.Event()
        self._plugs = threading.RLock()
        self._out: set[str] = set()
        self._folder = Path(tempfile.mkdtemp(prefix="cell-"))
        self._camera = SceneServer(_Scene(self.bench, rig, self._plugs, self._settle, self._exposing, self._exposure_over), identity, self._folder)
        self._lights = controller_for(rig.lights, self._shine, self._folder / "lights")
        self._projectors = tuple(self._projector(index) for index in range(len(rig.projectors)))
        self._open = ExitStack()

    def start(self) -> None:
        """Plug everything in. Raises DeviceUnavailable (``no_compiler``) where the camera cannot be made."""
        try:
            self._warm_up()
            for device in (self._camera, self._lights, *self._projectors):
                self._open.enter_context(device)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Unplug everything for good. Safe to call twice."""
        self._open.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def wired(self) -> RigConfig:
        """The rig with the addresses at which its drivers find the emulated devices."""
        rig = self._rig
        projectors = tuple(config.model_copy(update={"link": peer.address}) for config, peer in zip(rig.projectors, self._projectors, strict=True))
        return rig.model_copy(
            update={
                "camera": rig.camera.model_copy(update={"producer": self._camera.producer}),
                "lights": rig.lights.model_copy(update={"port": str(self._lights.port)}),
                "projectors": projectors,
            }
        )

    # ------------------------------------------------------------------------------------------------------ the bench

    def place(self, what: SceneObject | None, timeout_s: float = 30.0) -> None:
        """Lay something on the bench, and look at it in every light, so that frames then come as fast as a camera's. Raises Conflict."""
        self.bench.place(what, timeout_s)
        with self._plugs:  # whoever laid something knows the last scan to be over, and what broke in it to be mended
            view = self.bench.view
        view.ambient()
        for zone in range(len(self._rig.lights.zones)):
            view.zone(zone)
        for projector in range(len(self._rig.projectors)):
            view.projector(projector)

    def reseed(self, noise_seed: int) -> None:
        """Start the camera's counter and clock anew, with other noise."""
        self.bench.reseed(noise_seed)

    def is_dark(self) -> bool:
        """Whether nothing shines on the bench."""
        return self.bench.is_dark

    # ------------------------------------------------------------------------------------------------ what can go wrong

    def unplug(self, device: str) -> None:
        """Pull a device's plug; returns when it is gone. Its light is gone with it."""
        if device == "camera":
            self._camera.unplug()
            return
        with self._plugs:
            self.bench.faults.unplugged.add(device)
            self._settle()

    def plug_in(self, device: str) -> None:
        """Plug a device in again; returns when it can be found."""
        if device == "camera":
            self._camera.plug()
            return
        with self._plugs:
            self.bench.faults.unplugged.discard(device)
            self._settle()

    def spoil_frames(self, *faults: FaultKind | None) -> None:
        """What happens to the next frames, the next one first; None is nothing."""
        self.bench.faults.frames.extend(faults)

    def darken(self, source: str) -> None:
        """``zone0`` …, ``projector0`` … takes commands from now on and sends no light."""
        self.bench.faults.dark.add(source)

    def delay(self, source: str) -> None:
        """``zone0`` …, ``projector0`` … does at each exposure, from now on, what it should have done at the one before."""
        self.bench.faults.lagging.add(source)

    def cross(self, zone: int, lit: int) -> None:
        """A zone's command lights another one from now on."""
        self.bench.faults.crossed[zone] = lit

    def after_exposures(self, count: int, what: str, *args: object, **options: object) -> None:
        """Do something of the above by its name as soon as so many further frames are exposed: between the steps of a scan."""
        self._due = count, what, args, options
        self._do_what_is_due(exposed=0)

    def _do_what_is_due(self, exposed: int = 1) -> None:
        with self._plugs:
            if self._due is None:
                return
            count, what, args, options = self._due
            self._due = (count - exposed, what, args, options) if count > exposed else None
        if self._due is None:
            getattr(self, what)(*args, **options)

    def spoil_light_answers(self, fault: LineFault, commands: int = 1) -> None:
        """What happens to the next commands to the light controller."""
        self._lights.fail(fault, commands)

    def spoil_projector_answers(self, projector: int, *, silent: bool = False, garbled: bool = False) -> None:
        """Whether a projector's controller answers not at all, or nonsense, from now on; neither mends it."""
        self._projectors[projector].silent = silent
        self._projectors[projector].garbled = garbled

    def heal(self) -> None:
        """Mend everything and plug everything in."""
        self._due = None
        self.bench.faults.clear()
        self._lights.heal()
        for index in range(len(self._projectors)):
            self.spoil_projector_answers(index)
        self._camera.plug()
        with self._plugs:
            self._settle()

    # ------------------------------------------------------------------------------------------------------- inside

    def _projector(self, index: int) -> EmulatedProjector:
        config = self._rig.projectors[index]
        if not isinstance(config, DlpProjectorConfig):
            raise RigFileError(
                f"Projector '{config.name}' cannot be emulated: its driver is {config.driver}.", cure="Choose driver dlp.", detail="not_emulated"
            )

        def show(pattern: NDArray[np.uint8] | None) -> None:
            self.bench.set_pattern(index, pattern)

        if config.controller is DlpController.DLPC350:
            assert config.manifest is not None
            return EmulatedDlpc350.of_folder(config.manifest.parent, show, self._trigger_out)
        return EmulatedDlpc900(config.width_px, config.height_px, show, self._trigger_out)

    def _trigger_out(self) -> None:
        """Every projector's TRIG_OUT_1 is wired to the camera's Line0, where one is used. The pattern stays until it is exposed: the bench
        may need longer to draw a picture than a sensor to take it, and the time of that is not the rig's."""
        if self._wired:
            self._exposed.clear()
            self._camera.pulse_line0()
            self._exposed.wait(_DRAWN_S)

    def _shine(self, levels: Sequence[int]) -> None:
        """What the light controller's channels give is a share of the intensity that the rig was set up with."""
        self.bench.set_zones({zone: level / self._intensities[zone] for zone, level in enumerate(levels)})

    def _exposing(self, exposure_us: float) -> None:
        """The camera's exposure output is wired to every projector's TRIG_IN_1, and to the light controller's trigger."""
        for peer in self._projectors:
            peer.trigger_in()
        if (flash := self._flash) is not None:
            # A flash is light for the part of the exposure that it lasts; what the controller itself takes for it passes in true time.
            lit_us = max(0.0, min(flash.delay_us + flash.pulse_us, exposure_us) - flash.delay_us)
            levels = zip(self._lights.flash_levels, self._intensities, strict=True)
            self.bench.set_zones({zone: level / full * lit_us / exposure_us for zone, (level, full) in enumerate(levels)})

    def _exposure_over(self) -> None:
        if self._flash is not None:
            self.bench.set_zones({})
        self._exposed.set()
        self._do_what_is_due()
        self._settle()

    def _settle(self) -> None:
        """Plug and unplug lights and projectors as the bench has it, which may break them by itself."""
        out = self.bench.faults.unplugged
        controllers = {"lights": self._lights} | {f"projector{i}": peer for i, peer in enumerate(self._projectors)}
        for device, controller in controllers.items():
            if device in out and device not in self._out:
                controller.unplug()
                self._out.add(device)
            elif device not in out and device in self._out:
                controller.plug_in()
                self._out.discard(device)

    def _warm_up(self) -> None:
        """Do once what takes long the first time, and begin to count after it."""
        self.place(None)
        first = self._rig.projectors[0]
        self.bench.set_zones({0: 1.0})
        self.bench.set_pattern(0, np.zeros((first.height_px, first.width_px), np.uint8))
        self.bench.expose(1000.0)
        self.bench.set_zones({})
        self.bench.set_pattern(0, None)
        self.bench.reseed(self._seed)


class _Scene(BenchScene):
    """The bench as the camera sees it; what the rig's configuration breaks, it breaks before the frame is out."""

    def __init__(
        self,
        bench: Bench,
        rig: RigConfig,
        plugs: threading.RLock,
        settle: Callable[[], None],
        exposing: Callable[[float], None],
        exposed: Callable[[], None],
    ) -> None:
        super().__init__(bench, rig)
        self._plugs, self._settle, self._exposing, self._exposed = plugs, settle, exposing, exposed

    def started(self, by_line: bool) -> None:
        """A scan begins, or goes on."""
        with self._plugs:
            super().started(by_line)
            self._settle()

    def stopped(self) -> None:
        """A scan ends."""
        with self._plugs:
            super().stopped()
            self._settle()

    def expose(self, exposure_us: float, gain_db: float) -> Exposure:
        """Take a frame."""
        self._exposing(exposure_us)
        exposure = super().expose(exposure_us, gain_db)
        with self._plugs:
            self._exposed()
        return exposure
