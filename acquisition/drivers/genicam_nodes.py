"""A camera's nodes: what the configuration wants of them, writing them so that it is known to be done, and telling how they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rig_configs.cameras import GenicamCamera, TriggerLine, TriggerSource
from rig_configs.errors import DeviceUnavailable

Value = bool | int | float | str

# What a person wants to see first of a camera, beside what the configuration sets.
_WORTH_SEEING = (
    "DeviceVendorName", "DeviceModelName", "DeviceVersion", "DeviceFirmwareVersion", "DeviceSerialNumber", "DeviceUserID", "DeviceTemperature",
    "DeviceLinkSpeed", "GevSCPSPacketSize", "SensorWidth", "SensorHeight", "PayloadSize", "ExposureTime", "AcquisitionFrameRate",
    "TriggerActivation", "MissedTriggerCount", "ChunkModeActive",
)  # fmt: skip
CHUNKS = ("FrameID", "ExposureTime")


@dataclass(frozen=True, slots=True)
class NodeState:
    """One node as it is, beside what is wanted of it."""

    name: str
    value: str
    """As the camera has it; empty where it has no such node."""
    wanted: str | None
    """As the configuration has it; None where it says nothing."""
    differs: bool
    """Whether the camera has something else than the configuration."""


@dataclass(frozen=True, slots=True)
class Setting:
    """A node and the value that it must have before a scan."""

    name: str
    value: Value
    required: bool = True
    """False: a camera without the node needs no such setting."""


def settings(config: GenicamCamera, line: TriggerLine | None = None) -> list[Setting]:
    """Every node that the configuration sets, in the order of writing: offsets are zero before the size grows.

    Args:
        config: of the camera.
        line: what triggers; the configuration's ``trigger`` where there is none.
    """
    triggered = line is not None or config.trigger is not TriggerSource.NONE
    wanted = [Setting(name, value) for name, value in config.nodes.items()]
    wanted += [
        Setting("AcquisitionMode", "Continuous"),
        Setting("OffsetX", 0, required=False),
        Setting("OffsetY", 0, required=False),
        Setting("Width", config.width_px),
        Setting("Height", config.height_px),
        Setting("OffsetX", config.offset_x_px, required=config.offset_x_px > 0),
        Setting("OffsetY", config.offset_y_px, required=config.offset_y_px > 0),
        Setting("PixelFormat", config.on_wire.value),
        Setting("ExposureAuto", "Off", required=False),
        Setting("ExposureMode", "Timed", required=False),
        Setting("GainAuto", "Off", required=False),
        Setting("BlackLevelAuto", "Off", required=False),
        Setting("BalanceWhiteAuto", "Off", required=False),
        Setting("GammaEnable", False, required=False),
        Setting("Gain", config.gain_db, required=config.gain_db > 0),
        Setting("TriggerSelector", "FrameStart", required=False),
        Setting("TriggerMode", "On" if triggered else "Off", required=triggered),
    ]
    if triggered:
        wanted.append(Setting("TriggerSource", (line or config.trigger).value.capitalize()))
    return wanted


def find(node_map: Any, name: str) -> Any | None:
    """A node by name; None where the camera has none."""
    return node_map.get_node(name) if node_map.has_node(name) else None


def is_written(node_map: Any, name: str) -> bool:
    """Whether the camera has a node that can be written now."""
    from genicam.genapi import EAccessMode

    node = find(node_map, name)
    return node is not None and node.get_access_mode() in (EAccessMode.RW, EAccessMode.WO)


def write(node_map: Any, setting: Setting) -> Value | None:
    """Write a node and read it back.

    Returns:
        What the camera has now: the value, or the nearest to it in the camera's steps; None of a node it does not have and need not.

    Raises:
        DeviceUnavailable: it has no such node (``node_missing``), refuses the value (``node_refused``) or keeps another (``node_differs``).
    """
    from genicam.genapi import GenericException

    name, wanted = setting.name, setting.value
    if find(node_map, name) is None:
        if not setting.required:
            return None
        raise _wrong(f"The camera has no node {name}; the rig wants {wanted} there.", "node_missing")
    node = getattr(node_map, name)
    try:
        if hasattr(node, "execute"):
            if wanted is True:
                node.execute()
            return wanted
        if not is_written(node_map, name) and (_is(_ask(node), wanted) or not setting.required):
            return _ask(node)  # a camera that offers no choice there
        node.value = wanted
        got = _ask(node)
    except (GenericException, TypeError, ValueError) as error:
        raise _wrong(f"The camera refuses {wanted} for node {name}{_range(node)}: {_first_line(error)}", "node_refused") from error
    if not _is(got, wanted):
        raise _wrong(f"Node {name} was set to {wanted}, and the camera keeps {got}{_range(node)}.", "node_differs")
    return got


def _ask(node: Any) -> Value:
    """The value as the camera has it, not as the binding remembers to have written it."""
    if hasattr(node, "get_current_entry"):
        return node.get_current_entry(False, True).symbolic
    return node.get_value(ignore_cache=True)


def _wrong(what: str, detail: str) -> DeviceUnavailable:
    return DeviceUnavailable(what, cure="Correct the camera's section of rig.yaml; 'rig check' shows the camera's nodes.", detail=detail)


def _is(got: Value, wanted: Value) -> bool:
    if isinstance(wanted, float) or isinstance(got, float):
        # Cameras have steps in exposure and gain: a hundredth is not worth an error, what is more must be asked for as it is.
        return abs(float(got) - float(wanted)) <= 0.01 * abs(float(wanted)) + 1e-9
    return got == wanted


def _range(node: Any) -> str:
    """What the node takes, as words in brackets."""
    from genicam.genapi import GenericException

    try:
        if hasattr(node, "symbolics"):
            return f" ({', '.join(node.symbolics)})"
        if hasattr(node, "min"):
            return f" ({node.min:g} to {node.max:g})"
    except GenericException:
        pass
    return ""


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0].split(" : ")[0][:160]


def report(node_map: Any, config: GenicamCamera) -> list[NodeState]:
    """The nodes that matter as they are now, those that the configuration sets first; nothing is written."""
    wanted = {setting.name: setting for setting in settings(config)}  # the last value of a node that is set twice
    states = [_state(node_map, name, setting) for name, setting in wanted.items()]
    states += [_state(node_map, name, None) for name in _WORTH_SEEING if name not in wanted]
    return [state for state in states if state.value or state.differs]


def _state(node_map: Any, name: str, setting: Setting | None) -> NodeState:
    value = read(node_map, name)
    if setting is None:
        return NodeState(name, "" if value is None else str(value), None, False)
    differs = setting.required if value is None else not _is(value, setting.value)
    return NodeState(name, "" if value is None else str(value), str(setting.value), differs)


def read(node_map: Any, name: str) -> Value | None:
    """A node's value; None where the camera has no such node or does not tell now, or where it is a command."""
    from genicam.genapi import GenericException

    node = find(node_map, name)
    if node is None:
        return None
    try:
        return _ask(getattr(node_map, name))
    except (GenericException, AttributeError):
        return None


def enable_chunks(node_map: Any) -> bool:
    """Have frames bring their id and exposure with them, where the camera can. Returns whether it does."""
    from genicam.genapi import GenericException

    if not all(is_written(node_map, name) for name in ("ChunkModeActive", "ChunkSelector")):
        return False
    node_map.ChunkModeActive.value = True
    for chunk in CHUNKS:
        try:
            node_map.ChunkSelector.value = chunk
            if is_written(node_map, "ChunkEnable"):
                node_map.ChunkEnable.value = True
        except GenericException:
            continue  # this camera has other chunks
    return True
