"""What serial light controllers understand, one module a family."""

from __future__ import annotations

from acquisition.drivers.light_protocols.base import LightProtocol
from acquisition.drivers.light_protocols.ccs import Ccs
from acquisition.drivers.light_protocols.dollar import Dollar
from acquisition.drivers.light_protocols.gardasoft import Gardasoft
from acquisition.drivers.light_protocols.tms import Tms
from rig_configs.lights import CcsProtocol, DollarProtocol, GardasoftProtocol, SerialLightsConfig

__all__ = ["LightProtocol", "protocol_for"]


def protocol_for(config: SerialLightsConfig) -> LightProtocol:
    """The protocol that a configuration names, set up for it."""
    match config.protocol:
        case CcsProtocol() as ccs:
            return Ccs(ccs)
        case GardasoftProtocol():
            return Gardasoft(config.strobe)
        case DollarProtocol() as dollar:
            return Dollar(dollar)
        case tms:
            return Tms(tms, config.strobe)
