"""Putting a station together: the rig its configuration describes, its calibration, its recipes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from acquisition.drivers.open_devices import Devices, open_devices
from acquisition.drivers.replay import open_replay_devices
from acquisition.rig import Rig, open_replay
from acquisition.rig_process import AnyRig, RigProcess
from api.equipment import Equipment
from api.recipes import Recipes
from api.station import Station
from inference.weights_folder import use_weights_folder
from rig_configs.calibration import Calibration
from rig_configs.cameras import GenicamCamera, ReplayCamera
from rig_configs.errors import D3Error, NotFound
from rig_configs.files import check_belongs, load_calibration, load_rig, rig_folder
from rig_configs.projectors import DlpProjectorConfig
from rig_configs.schema import RigConfig

if TYPE_CHECKING:
    from acquisition.simulation.bench import BenchAccess
    from acquisition.simulation.cell_process import CellProcess
    from acquisition.simulation.feeder import PartFeeder
    from acquisition.simulation.parts import PartKind


@dataclass(frozen=True, slots=True)
class OpenDevices:
    """A rig's opened devices, and the bench behind them where it is a simulated one."""

    config: RigConfig
    """The rig; of a replayed capture the one that it was captured on."""
    devices: Devices
    bench: BenchAccess | None
    cell: CellProcess | None = None
    """What the drivers of an emulated rig talk to."""

    def close(self) -> None:
        """Everything dark and released, and the emulated cell ended."""
        self.devices.close()
        if self.cell is not None:
            self.cell.close()


def open_rig_devices(config: RigConfig, folder: Path, noise_seed: int = 0) -> OpenDevices:
    """Open, in this process, the devices that a rig's configuration names; where they are emulated, start the cell that they are in first.

    Real drivers talk to their devices only when they are used, and :func:`acquisition.drivers.open_devices.open_devices` is all that a
    process needs for them; of an emulated rig it takes ``cell.rig``.

    Args:
        config: the rig.
        folder: where its file is; relative paths in it start there.
        noise_seed: seed of the sensor noise of a simulated rig.

    Raises:
        RigFileError: the rig cannot be emulated.
        DeviceUnavailable: the emulated cell does not start.
        CaptureError: a replay rig's capture cannot be read.
    """
    if isinstance(config.camera, ReplayCamera):
        captured, camera, lights, projectors = open_replay_devices(folder / config.camera.capture)
        return OpenDevices(captured, Devices(camera, lights, projectors), None)
    if config.is_emulated:
        cell = _start_cell(config, folder, noise_seed)
        return OpenDevices(config, open_devices(cell.rig), cell, cell)
    if not config.is_simulated:
        return OpenDevices(config, open_devices(resolved(config, folder)), None)
    # The simulation needs Open3D's ray casting, which takes a second to load: only who simulates pays.
    from acquisition.drivers.simulated import open_simulated

    camera, lights, projectors, bench = open_simulated(config, noise_seed)
    return OpenDevices(config, Devices(camera, lights, projectors), bench)


def resolved(config: RigConfig, folder: Path) -> RigConfig:
    """The rig with those paths of its real drivers that start at its file made absolute."""
    camera = config.camera
    if isinstance(camera, GenicamCamera) and camera.producer is not None:
        camera = camera.model_copy(update={"producer": (folder / camera.producer).absolute()})
    projectors = tuple(
        p.model_copy(update={"manifest": (folder / p.manifest).absolute()}) if isinstance(p, DlpProjectorConfig) and p.manifest is not None else p
        for p in config.projectors
    )
    return config.model_copy(update={"camera": camera, "projectors": projectors})


@dataclass(frozen=True, slots=True)
class OpenRig:
    """An opened rig, and the bench behind it where it is a simulated one."""

    rig: AnyRig
    bench: BenchAccess | None


class _RigInCell(RigProcess):
    """A rig of emulated devices; the cell ends with it."""

    cell: CellProcess | None = None

    def close(self) -> None:
        """Lights and projectors off, devices released, processes ended; then the cell, which was needed to see that done."""
        super().close()
        if self.cell is not None:
            self.cell.close()


def open_rig(config: RigConfig, folder: Path, noise_seed: int = 0) -> OpenRig:
    """Open a rig: real drivers in a process of their own, which may hang or crash without the station; the others here.

    Arguments and errors are those of :func:`open_rig_devices`; DeviceUnavailable also where the rig process does not start.
    """
    if config.is_emulated:
        cell = _start_cell(config, folder, noise_seed)
        try:
            rig = _RigInCell.of_devices(config, cell.rig)
        except BaseException:
            cell.close()
            raise
        rig.cell = cell
        return OpenRig(rig, cell)
    if config.is_simulated or isinstance(config.camera, ReplayCamera):
        opened = open_rig_devices(config, folder, noise_seed)
        devices = opened.devices
        return OpenRig(Rig(opened.config, devices.camera, devices.lights, devices.projectors), opened.bench)
    return OpenRig(RigProcess.of_devices(config, resolved(config, folder)), None)


def _start_cell(config: RigConfig, folder: Path, noise_seed: int) -> CellProcess:
    from acquisition.simulation.cell_process import CellProcess

    return CellProcess(resolved(config, folder), noise_seed)


class Hand:
    """The hand that loads parts on a simulated bench: the next one of a recipe, good or not, by a seed.

    Args:
        bench: the bench.
        parts: what it can hold, by name.
        seed: the same seed loads the same parts.
        defect_share: share of defective parts.
    """

    def __init__(self, bench: BenchAccess, parts: Mapping[str, PartKind], seed: int, defect_share: float = 1 / 3) -> None:
        self._bench = bench
        self.parts = parts
        self._seed = seed
        self._defect_share = defect_share
        self._feeders: dict[tuple[str, bool], PartFeeder] = {}

    def next_part(self, recipe: str) -> None:
        """Load the next part, good or defective. Raises NotFound for a recipe no simulated part goes by."""
        self._of(recipe, good=False).place_next()

    def next_good_part(self, recipe: str) -> None:
        """Load the next part of those that are all good. Raises NotFound."""
        self._of(recipe, good=True).place_next()

    def part(self, recipe: str) -> PartKind:
        """The part that goes by a recipe. Raises NotFound."""
        if recipe not in self.parts:
            raise NotFound(f"The simulated bench has no part '{recipe}'.", cure=f"Choose one of: {', '.join(self.parts)}.", detail="part")
        return self.parts[recipe]

    def feeder(self, recipe: str, seed: int, defect_share: float = 0.0) -> PartFeeder:
        """Somebody who lays this recipe's parts, by a seed of their own. Raises NotFound."""
        from acquisition.simulation.feeder import PartFeeder

        return PartFeeder(self._bench, self.part(recipe), seed, defect_share)

    def _of(self, recipe: str, *, good: bool) -> PartFeeder:
        if (recipe, good) not in self._feeders:
            # Good parts for teaching are other parts than those that are inspected.
            seed = self._seed + (500_000_000 if good else 0)
            self._feeders[recipe, good] = self.feeder(recipe, seed, 0.0 if good else self._defect_share)
        return self._feeders[recipe, good]


@dataclass(frozen=True, slots=True)
class OpenStation:
    """A station, and the hand that loads its parts where it is simulated."""

    station: Station
    hand: Hand | None
    bench: BenchAccess | None
    folder: Path
    """Where the rig's files are."""


def open_station(
    rig: str | Path, data_dir: Path, *, name: str = "station-1", seed: int = 0, automatic_hand: bool = True, capture: Path | None = None
) -> OpenStation:
    """Open a calibrated rig and put a station around it.

    Args:
        rig: name of a shipped rig, or path of a folder.
        data_dir: where the models and imported weights are.
        name: name of the station.
        seed: seed of the parts and the sensor noise of a simulated rig.
        automatic_hand: on a simulated rig, whether a new part is loaded before each inspection.
        capture: replay this saved capture in place of the rig's devices.

    Raises:
        ConfigurationError: the rig or its calibration is wrong, or the mesh of one of its parts.
        NotFound: a part of a simulated rig is of a material that there is not.
        DeviceError, CaptureError: a device cannot be opened.
    """
    use_weights_folder(data_dir / "weights")
    folder = rig_folder(rig)

    def read() -> Callable[[], _Equipped]:
        config, calibration = load_rig(folder), load_calibration(folder)
        return lambda: _equip(config, calibration, folder, seed, automatic_hand=automatic_hand, capture=capture)

    equipped = read()()
    recipes = Recipes(data_dir / "models", equipped.hand.parts if equipped.hand else ())

    def reopen() -> Callable[[], Equipment]:
        opening = read()
        return lambda: opening().equipment

    station = Station(name, equipped.equipment, recipes, data_dir / "scratch", reopen)
    return OpenStation(station, equipped.hand, equipped.bench, folder)


@dataclass(frozen=True, slots=True)
class _Equipped:
    equipment: Equipment
    hand: Hand | None = None
    bench: BenchAccess | None = None


def _equip(config: RigConfig, calibration: Calibration, folder: Path, seed: int, *, automatic_hand: bool, capture: Path | None) -> _Equipped:
    if capture is None:
        opened = open_rig(config, folder, seed)
    else:
        opened = OpenRig(open_replay(capture), None)
        check_belongs(calibration, opened.rig.config, folder)
    if opened.bench is None:
        return _Equipped(Equipment(opened.rig, calibration))
    from acquisition.simulation.guide import BenchGuide
    from acquisition.simulation.user_mesh import known_parts

    try:
        parts = known_parts(config, folder)
    except D3Error:
        opened.rig.close()
        raise
    hand = Hand(opened.bench, parts, seed)
    plate = BenchGuide(opened.bench, config, seed).plate
    equipment = Equipment(opened.rig, calibration, hand.next_part if automatic_hand else None, hand.next_good_part, plate)
    return _Equipped(equipment, hand, opened.bench)
