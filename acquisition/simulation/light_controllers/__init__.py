"""Emulated light controllers, one module a family: what answers the real drivers where there is no light."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from acquisition.simulation.light_controllers.ccs import CcsController
from acquisition.simulation.light_controllers.controller import LightController, LineFault
from acquisition.simulation.light_controllers.dollar import DollarController
from acquisition.simulation.light_controllers.gardasoft import GardasoftController
from acquisition.simulation.light_controllers.tms import TmsController
from rig_configs.lights import CcsProtocol, DollarProtocol, GardasoftProtocol, SerialLightsConfig

__all__ = ["LightController", "LineFault", "controller_for"]


def controller_for(config: SerialLightsConfig, shine: Callable[[Sequence[int]], None], port: Path | None = None) -> LightController:
    """The controller that a driver with this configuration would talk to, not yet started.

    Args:
        config: the rig's lights.
        shine: called on every change with what each zone shines, in the order of the zones, in the controller's steps.
        port: where drivers find it; left out, it is the configuration's own port.
    """
    numbers, port = [c.channel for c in config.channels], port or Path(config.port)
    match config.protocol:
        case CcsProtocol() as ccs:
            return CcsController(numbers, shine, port, config.baud_rate, unit=ccs.unit, answer_checksum=ccs.answer_checksum)
        case GardasoftProtocol():
            return GardasoftController(numbers, shine, port, config.baud_rate)
        case DollarProtocol() as dollar:
            return DollarController(numbers, shine, port, config.baud_rate, silent=not dollar.expect_answer)
        case tms:
            return TmsController(numbers, shine, port, config.baud_rate, board=tms.board)
