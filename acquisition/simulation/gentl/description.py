"""The virtual camera's registers, told twice from one table: as GenICam XML to whoever opens it, as C constants to its producer.

Run as a script it writes ``description.h`` into the folder that it is given.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from rig_configs.cameras import WireFormat

XML_ADDRESS = 0x10000
TEXT_BYTES = 64
# Chunks by their GenTL id, in the order in which they follow the image.
FIRST_CHUNK = 0xD3000001
CHUNKS = {name: FIRST_CHUNK + i for i, name in enumerate(("FrameID", "ExposureTime", "Timestamp"))}
FAMILIES = ("mono", "bayer", "rgb")
VENDOR = "d3station"

_HEADER = """<?xml version="1.0" encoding="utf-8"?>
<RegisterDescription ModelName="{model}" VendorName="d3station" ToolTip="{tip}" StandardNameSpace="{space}"
  SchemaMajorVersion="1" SchemaMinorVersion="1" SchemaSubMinorVersion="0" MajorVersion="1" MinorVersion="0" SubMinorVersion="0"
  ProductGuid="8f6c2d5e-3a0b-4d57-9a51-1d3f6f1a7c1{guid}" VersionGuid="0b7e5d34-54f3-4f0e-8f6e-2c9d1f0e8a5{guid}"
  xmlns="http://www.genicam.org/GenApi/Version_1_1" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
  xsi:schemaLocation="http://www.genicam.org/GenApi/Version_1_1 http://www.genicam.org/GenApi/GenApiSchema_Version_1_1.xsd">
"""


class Description:
    """Registers given out one after the other, with the nodes that show them."""

    def __init__(self) -> None:
        self.addresses: dict[str, int] = {}
        self._nodes: list[str] = []
        self._features: list[str] = []
        self._next = 0

    def _register(self, name: str, length: int) -> int:
        self.addresses[name] = self._next
        address, self._next = self._next, self._next + max(8, length)
        return address

    @property
    def size(self) -> int:
        """Bytes of all registers."""
        return self._next

    def add(self, xml: str, feature: str | None = None) -> None:
        """A node as it is; ``feature`` lists it under Root."""
        self._nodes.append(xml)
        if feature:
            self._features.append(feature)

    def text(self, name: str, access: str = "RO") -> None:
        """A string of at most TEXT_BYTES."""
        self.add(f'<StringReg Name="{name}">{self._where(name, TEXT_BYTES, access)}</StringReg>', name)

    def integer(self, name: str, low: str, high: str, step: int = 1, access: str = "RW", locked: bool = False) -> None:
        """An integer feature over a 64 bit register; bounds are numbers or ``p``-references (``pMax:Node``)."""
        self.add(f'<IntReg Name="{name}Reg">{self._where(name, 8, access)}<Sign>Unsigned</Sign><Endianess>LittleEndian</Endianess></IntReg>')
        lock = "<pIsLocked>TLParamsLocked</pIsLocked>" if locked else ""
        bounds = f"{_bound('Min', low)}{_bound('Max', high)}<Inc>{step}</Inc>"
        self.add(f'<Integer Name="{name}">{lock}<pValue>{name}Reg</pValue>{bounds}</Integer>', name)

    def real(self, name: str, low: float, high: float, unit: str) -> None:
        """A float feature over a 64 bit register."""
        self.add(f'<FloatReg Name="{name}Reg">{self._where(name, 8, "RW")}<Endianess>LittleEndian</Endianess></FloatReg>')
        bounds = f"<Min>{low}</Min><Max>{high}</Max><Unit>{unit}</Unit>"
        self.add(f'<Float Name="{name}"><pValue>{name}Reg</pValue>{bounds}</Float>', name)

    def choice(self, name: str, entries: dict[str, int], locked: bool = False, available: dict[str, str] | None = None, selects: str = "") -> None:
        """An enumeration over a 64 bit register; ``available`` names the node that says whether an entry is to be had."""
        self.add(f'<IntReg Name="{name}Reg">{self._where(name, 8, "RW")}<Sign>Unsigned</Sign><Endianess>LittleEndian</Endianess></IntReg>')
        lock = "<pIsLocked>TLParamsLocked</pIsLocked>" if locked else ""
        listed = "".join(
            f'<EnumEntry Name="{entry}">{f"<pIsAvailable>{available[entry]}</pIsAvailable>" if available else ""}<Value>{value}</Value></EnumEntry>'
            for entry, value in entries.items()
        )
        selected = f"<pSelected>{selects}</pSelected>" if selects else ""
        self.add(f'<Enumeration Name="{name}">{lock}{listed}<pValue>{name}Reg</pValue>{selected}</Enumeration>', name)

    def command(self, name: str) -> None:
        """A command: a register to write 1 to."""
        self.add(f'<IntReg Name="{name}Reg">{self._where(name, 4, "WO")}<Sign>Unsigned</Sign><Endianess>LittleEndian</Endianess></IntReg>')
        self.add(f'<Command Name="{name}"><pValue>{name}Reg</pValue><CommandValue>1</CommandValue></Command>', name)

    def switch(self, name: str, access: str = "RW", index: str = "", count: int = 1, locked: bool = False) -> None:
        """A boolean feature, or ``count`` of them behind the selector ``index``."""
        where = self._where(name, 8 * count, access, f'<pIndex Offset="8">{index}</pIndex>' if index else "", length_xml=8)
        self.add(f'<IntReg Name="{name}Reg">{where}<Sign>Unsigned</Sign><Endianess>LittleEndian</Endianess></IntReg>')
        lock = "<pIsLocked>TLParamsLocked</pIsLocked>" if locked else ""
        self.add(f'<Boolean Name="{name}">{lock}<pValue>{name}Reg</pValue><OnValue>1</OnValue><OffValue>0</OffValue></Boolean>', name)

    def _where(self, name: str, length: int, access: str, index: str = "", length_xml: int = 0) -> str:
        # What the camera counts or works out itself must be read anew each time.
        cachable = "NoCache" if access == "RO" else "WriteThrough"
        address = f"<Address>0x{self._register(name, length):x}</Address>{index}<Length>{length_xml or length}</Length>"
        return f"{address}<AccessMode>{access}</AccessMode><pPort>Device</pPort><Cachable>{cachable}</Cachable>"

    def xml(self, model: str, tip: str, guid: int, space: str) -> str:
        """The whole document."""
        features = "".join(f"<pFeature>{name}</pFeature>" for name in self._features)
        port = '<Port Name="Device"/>'
        header = _HEADER.format(model=model, tip=tip, guid=guid, space=space)
        return f'{header}<Category Name="Root">{features}</Category>\n' + "\n".join([*self._nodes, port]) + "\n</RegisterDescription>\n"


def _bound(which: str, value: str) -> str:
    return f"<p{which}>{value[1:]}</p{which}>" if value.startswith("@") else f"<{which}>{value}</{which}>"


def camera() -> Description:
    """The camera's features, by their SFNC names."""
    d = Description()
    for name in ("DeviceVendorName", "DeviceModelName", "DeviceVersion", "DeviceSerialNumber", "DeviceID"):
        d.text(name)
    d.text("DeviceUserID", "RW")
    d.add('<Integer Name="TLParamsLocked"><Visibility>Invisible</Visibility><Value>0</Value><Min>0</Min><Max>1</Max></Integer>', "TLParamsLocked")
    d.integer("SensorWidth", "1", "65535", access="RO")
    d.integer("SensorHeight", "1", "65535", access="RO")
    d.integer("SensorFamily", "0", "2", access="RO")
    for axis, side, offset in (("X", "Width", "OffsetX"), ("Y", "Height", "OffsetY")):
        d.add(f'<IntSwissKnife Name="{side}Limit"><pVariable Name="A">Sensor{side}</pVariable><pVariable Name="B">{offset}Reg</pVariable>'
              f"<Formula>A-B</Formula></IntSwissKnife>")  # fmt: skip
        d.add(f'<IntSwissKnife Name="{offset}Limit"><pVariable Name="A">Sensor{side}</pVariable><pVariable Name="B">{side}Reg</pVariable>'
              f"<Formula>A-B</Formula></IntSwissKnife>")  # fmt: skip
        d.integer(side, "16", f"@{side}Limit", 2, locked=True)
        d.integer(f"Offset{axis}", "0", f"@{offset}Limit", 2, locked=True)
    for code, family in enumerate(FAMILIES):
        d.add(f'<IntSwissKnife Name="Is{family.title()}"><pVariable Name="F">SensorFamily</pVariable><Formula>F={code}</Formula></IntSwissKnife>')
    d.choice("PixelFormat", {f: f.pfnc for f in WireFormat}, locked=True, available={f: f"Is{f.family.title()}" for f in WireFormat})
    d.integer("PayloadSize", "0", "0x7fffffff", access="RO")
    d.choice("SensorShutterMode", {"Global": 0, "Rolling": 1}, locked=True)
    d.real("ExposureTime", 10, 10_000_000, "us")
    d.real("Gain", 0, 48, "dB")
    d.real("AcquisitionFrameRate", 0.1, 1000, "Hz")
    d.choice("AcquisitionMode", {"Continuous": 0, "SingleFrame": 1, "MultiFrame": 2}, locked=True)
    d.integer("AcquisitionFrameCount", "1", "65535", locked=True)
    d.command("AcquisitionStart")
    d.command("AcquisitionStop")
    d.choice("TriggerSelector", {"FrameStart": 0}, selects="TriggerMode")
    d.choice("TriggerMode", {"Off": 0, "On": 1}, locked=True)
    d.choice("TriggerSource", {"Software": 0, "Line0": 1}, locked=True)
    d.choice("TriggerActivation", {"RisingEdge": 0})
    d.command("TriggerSoftware")
    d.choice("AcquisitionStatusSelector", {"FrameTriggerWait": 0}, selects="AcquisitionStatus")
    d.switch("AcquisitionStatus", "RO")
    d.integer("MissedTriggerCount", "0", "0xffffffff", access="RO")
    d.switch("ChunkModeActive", locked=True)
    d.choice("ChunkSelector", {name: i for i, name in enumerate(CHUNKS)}, selects="ChunkEnable")
    d.switch("ChunkEnable", index="ChunkSelectorReg", count=len(CHUNKS), locked=True)
    for name, number in CHUNKS.items():
        kind, sign = ("FloatReg", "") if name == "ExposureTime" else ("IntReg", "<Sign>Unsigned</Sign>")
        d.add(f'<Port Name="{name}Chunk"><ChunkID>{number:x}</ChunkID></Port>')
        where = f"<Address>0</Address><Length>8</Length><AccessMode>RO</AccessMode><pPort>{name}Chunk</pPort><Cachable>NoCache</Cachable>"
        d.add(f'<{kind} Name="Chunk{name}">{where}{sign}<Endianess>LittleEndian</Endianess></{kind}>', f"Chunk{name}")
    return d


def module() -> Description:
    """What each of the producer's own modules has: its id."""
    d = Description()
    d.text("ModuleID")
    return d


def header() -> str:
    """``description.h``: addresses, formats and both documents as C."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    of_camera, of_module = camera(), module()
    yield "/* Made by description.py from its table of registers. */"
    for name, address in of_camera.addresses.items():
        yield f"#define R_{name} 0x{address:x}"
    yield f"#define REGISTERS_SIZE 0x{of_camera.size:x}"
    yield f"#define XML_ADDRESS 0x{XML_ADDRESS:x}"
    yield f"#define TEXT_BYTES {TEXT_BYTES}"
    yield f"#define CHUNKS {len(CHUNKS)}"
    yield f"#define FIRST_CHUNK 0x{FIRST_CHUNK:x}"
    yield f'#define VENDOR "{VENDOR}"'
    families = ", ".join(f'"{f}"' for f in FAMILIES)
    yield f"static const char *const FAMILIES[] __attribute__((unused)) = {{{families}}};"
    yield "static const struct { uint32_t pfnc; int family, bits; } FORMATS[] __attribute__((unused)) = {"
    for f in WireFormat:
        yield f"  {{0x{f.pfnc:08x}, {FAMILIES.index(f.family)}, {f.bits_per_pixel}}},"
    yield "};"
    yield f"static const char CAMERA_XML[] __attribute__((unused)) = {_literal(of_camera.xml('VirtualCamera', 'Sees the simulated bench', 1, 'None'))};"
    yield f"static const char MODULE_XML[] __attribute__((unused)) = {_literal(of_module.xml('VirtualModule', 'A module of the producer', 2, 'None'))};"


def _literal(text: str) -> str:
    quoted = (line.replace("\\", "\\\\").replace('"', '\\"') for line in text.splitlines())
    return "\n".join(f'"{line}\\n"' for line in quoted)


if __name__ == "__main__":
    Path(sys.argv[1], "description.h").write_text(header())
