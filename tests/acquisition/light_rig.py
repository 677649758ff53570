"""Serial lights of four zones, for each family of controllers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rig_configs.lights import SerialLightsConfig

FAMILIES = ("ccs", "gardasoft", "dollar", "tms")
INTENSITIES = (40, 60, 80, 100)
STROBE = {"kind": "strobe", "pulse_us": 600, "delay_us": 0, "period_us": 40_000}


def serial_lights(family: str, port: Path | str = "/dev/null", *, protocol: dict[str, Any] | None = None, **changes: Any) -> SerialLightsConfig:
    """Four zones on channels 1 to 4."""
    zones = [{"name": name, "nominal": {"azimuth_deg": 0, "elevation_deg": 45, "distance_mm": 160}} for name in ("east", "north", "west", "south")]
    content: dict[str, Any] = {
        "driver": "serial",
        "port": str(port),
        "zones": zones,
        "protocol": {"name": family, **(protocol or {})},
        "channels": [{"channel": n, "intensity": level} for n, level in enumerate(INTENSITIES, start=1)],
    }
    return SerialLightsConfig.model_validate(content | changes)


def flashing_lights(family: str, port: Path | str = "/dev/null") -> SerialLightsConfig:
    """The same, flashing for 600 µs at each trigger."""
    return serial_lights(family, port, protocol={"strobe_preset": 5} if family == "ccs" else None, mode=STROBE)
