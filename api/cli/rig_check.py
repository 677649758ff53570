"""``d3station rig check``: ask every device what it is, and hold it against the rig's configuration."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from rich.table import Table

from acquisition.devices import Camera, DeviceInfo
from api.cli.common import JsonOption, RigOption, print_json, stderr
from rig_configs.cameras import GenicamCamera
from rig_configs.errors import DeviceError
from rig_configs.files import load_rig, rig_folder
from rig_configs.schema import RigConfig

if TYPE_CHECKING:
    from acquisition.drivers.genicam_nodes import NodeState
    from api.composition import OpenDevices


@dataclass(frozen=True, slots=True)
class _Checked:
    """What a device said, or why it said nothing."""

    kind: str
    name: str
    info: DeviceInfo | None
    problem: DeviceError | None
    nodes: tuple[NodeState, ...] = ()

    def as_json(self) -> dict[str, Any]:
        said = asdict(self.info or DeviceInfo(self.kind, self.name, "", "", {}))
        problem = self.problem and {"code": self.problem.code, "message": self.problem.message, "cure": self.problem.cure}
        return {**said, "nodes": [asdict(node) for node in self.nodes], "problem": problem}


def check(rig: RigOption = "demo", as_json: JsonOption = False) -> None:
    """Ask every device what it is, and show what a camera is set to beside what rig.yaml wants; exits with 1 where one does not answer."""
    from api.composition import open_rig_devices

    folder = rig_folder(rig)
    config = load_rig(folder)
    opened = open_rig_devices(config, folder)
    try:
        devices = _ask_all(opened)
    finally:
        opened.close()
    if as_json:
        print_json([device.as_json() for device in devices])
    else:
        _print(config, devices)
    if problem := next((device.problem for device in devices if device.problem), None):
        raise problem


def _ask_all(opened: OpenDevices) -> list[_Checked]:
    devices, config = opened.devices, opened.config
    return [
        _ask("camera", "camera", lambda: devices.camera.info, lambda: _nodes(config, devices.camera)),
        _ask("lights", "lights", lambda: devices.lights.info),
        *(_ask("projector", c.name, lambda p=p: p.info) for c, p in zip(config.projectors, devices.projectors, strict=True)),
    ]


def _ask(kind: str, name: str, info: Callable[[], DeviceInfo], nodes: Callable[[], tuple[NodeState, ...]] = tuple) -> _Checked:
    """One device that does not answer does not keep the others from being asked."""
    try:
        return _Checked(kind, name, info(), None, nodes())
    except DeviceError as problem:
        return _Checked(kind, name, None, problem)


def _nodes(config: RigConfig, camera: Camera) -> tuple[NodeState, ...]:
    if not isinstance(config.camera, GenicamCamera):
        return ()
    from acquisition.drivers.genicam_camera import GenicamCamera as Driver

    return tuple(camera.nodes()) if isinstance(camera, Driver) else ()


def _print(config: RigConfig, devices: list[_Checked]) -> None:
    kind = "emulated" if config.is_emulated else "simulated" if config.is_simulated else "replayed" if config.camera.driver == "replay" else "real"
    table = Table("device", "name", "model", "serial", "details", title=f"{config.name}: {kind} devices")
    for device in devices:
        if device.info is None:
            assert device.problem is not None
            table.add_row(device.kind, device.name, "", "", f"{device.problem.message} [{device.problem.code}]".replace("[", r"\["), style="bold red")
            continue
        info = device.info
        table.add_row(info.kind, info.name, info.model, info.serial, ", ".join(f"{k} {v}" for k, v in info.details.items() if v))
    stderr.print(table)
    for device in devices:
        if device.nodes:
            _print_nodes(device.nodes)


def _print_nodes(nodes: tuple[NodeState, ...]) -> None:
    table = Table("node", "the camera has", "rig.yaml wants", title="The camera's nodes")
    for node in nodes:
        table.add_row(node.name, node.value or "no such node", node.wanted or "", style="bold yellow" if node.differs else "")
    stderr.print(table)
    differing = sum(node.differs for node in nodes)
    stderr.print(f"{differing} nodes differ from rig.yaml: the next scan writes them." if differing else "Every node is as rig.yaml wants it.")
