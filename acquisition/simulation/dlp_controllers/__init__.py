"""Emulated DLP controllers: they understand the real bytes, and say what their projector would show."""

from acquisition.simulation.dlp_controllers.dlpc350 import EmulatedDlpc350
from acquisition.simulation.dlp_controllers.dlpc900 import EmulatedDlpc900

__all__ = ["EmulatedDlpc350", "EmulatedDlpc900"]
