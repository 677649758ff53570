"""A DLP projector: Texas Instruments' LightCrafter 4500 (DLPC350), 6500 and 9000 (DLPC900), on USB.

The projector keeps the time: a pattern is lit for exactly ``exposure_us``, again every ``period_us``. Steps by software, by the
camera, or by itself; docs/projectors.md has the wiring.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from acquisition.devices import DeviceInfo
from acquisition.drivers import dlpc900
from acquisition.drivers import dlpc_common as common
from acquisition.drivers.dlp_controllers import controller_of
from acquisition.drivers.dlp_conversation import Conversation
from acquisition.drivers.dlp_planes import bits_of
from rig_configs.errors import DeviceUnavailable
from rig_configs.projectors import DlpController, DlpProjectorConfig, DlpTrigger


class DlpProjector:
    """The Projector over a DLP controller.

    It connects when it is first used, and again by itself after it was lost; its patterns must then be loaded again. For one thread
    at a time.
    """

    def __init__(self, config: DlpProjectorConfig) -> None:
        reason = (dlpc900.READ_ERROR, dlpc900.ERRORS) if config.controller is DlpController.DLPC900 else None
        self._config = config
        self._talk = Conversation(config.name, config.link, config.answer_timeout_s, reason)
        self._controller = controller_of(config)
        self._checked = 0
        self._loaded = 0
        self._patterns = 0
        self._next = 0
        self._dark_in = 0
        """The session in which the projector was last turned dark, 0 since it was told to shine."""
        self._closed = False

    @property
    def info(self) -> DeviceInfo:
        """What the projector says of itself. Raises DeviceUnavailable."""
        config = self._config
        self._connect()
        details = {
            "size": f"{config.width_px}x{config.height_px}",
            "firmware": common.version(self._talk.ask(common.READ_VERSION)),
            "running": "yes" if common.is_running(self._talk.ask(common.READ_MAIN_STATUS)) else "no",
            "exposure": f"{config.exposure_us} µs every {config.period_us} µs",
            "trigger": str(config.trigger),
            "patterns": str(self._patterns if self._is_loaded else 0),
        }
        model = f"Texas Instruments {config.controller.upper()}"
        return DeviceInfo("projector", config.name, model, self._talk.serial, details)

    def load(self, patterns: list[NDArray[np.uint8]]) -> None:
        """Make patterns ready to show: upload them (DLPC900), or find them in flash (DLPC350).

        Args:
            patterns: each (height, width) uint8; black-and-white ones (0 and 255 only) take one bit plane, grey ones eight.

        Raises:
            DeviceUnavailable: ``pattern_refused``, ``not_in_flash``, ``timing``, or the projector does not do as it is told.
            RigFileError: the flash's manifest cannot be read.
        """
        self._loaded = self._dark_in = 0
        self._check_patterns(patterns)
        self._connect()
        self._controller.load(self._talk, patterns)
        self._patterns, self._next, self._loaded = len(patterns), 0, self._talk.session

    def show(self, pattern: int) -> None:
        """Show a loaded pattern, until the next one or dark.

        With trigger ``trig_in`` pattern 0 arms the sequence, and each exposure of the camera shows the next pattern, in order.

        Raises:
            DeviceUnavailable: ``no_such_pattern``, ``out_of_order``, or the projector does not do as it is told.
        """
        self._check_loaded([pattern])
        self._dark_in = 0
        if self._config.trigger is not DlpTrigger.TRIG_IN:
            self._controller.start(self._talk, [pattern], steady=True)
            return
        if pattern not in (0, self._next):
            raise DeviceUnavailable(
                f"Projector {self._config.name} shows its patterns in order: {self._next} is next, not {pattern}.",
                cure="Scan every pattern from the first on, or choose trigger 'software'.",
                detail="out_of_order",
            )
        if pattern == 0:
            self._controller.start(self._talk, range(self._patterns), steady=False)
        self._next = pattern + 1

    def play(self, patterns: Sequence[int]) -> None:
        """With trigger ``trig_out``: show loaded patterns one after the other, each once, a period apart, TRIG_OUT_1 framing each exposure.

        Raises:
            DeviceUnavailable: ``no_such_pattern``, or the projector does not do as it is told.
        """
        self._check_loaded(patterns)
        self._dark_in = 0
        self._controller.start(self._talk, patterns, steady=False)

    def dark(self) -> None:
        """Stop, LEDs off, both read back; one that is dark already is only read back. Raises DeviceUnavailable."""
        self._next = 0
        if self._talk.is_open and self._dark_in == self._talk.session and self._talk.ask(common.READ_LEDS)[0] == common.LEDS_DARK:
            return
        self._closed = False
        self._controller.stop(self._talk)
        self._dark_in = self._talk.session

    def close(self) -> None:
        """Dark if it can be reached, also where its link was lost before, then hang up."""
        if self._talk.session and not self._closed:
            with contextlib.suppress(DeviceUnavailable):
                self._controller.stop(self._talk)
        self._closed = True
        self._talk.close()

    @property
    def _is_loaded(self) -> bool:
        return self._talk.is_open and self._loaded == self._talk.session

    def _check_loaded(self, patterns: Sequence[int]) -> None:
        loaded = self._patterns if self._is_loaded else 0
        for pattern in patterns:
            if not 0 <= pattern < loaded:
                raise DeviceUnavailable(
                    f"Projector {self._config.name} has no pattern {pattern}: {loaded} are loaded.",
                    cure="Load the sequence's patterns first.",
                    detail="no_such_pattern",
                )

    def _connect(self) -> None:
        if self._talk.is_open and self._checked == self._talk.session:
            return
        self._closed = False
        self._controller.check(self._talk)
        self._checked = self._talk.session

    def _check_patterns(self, patterns: list[NDArray[np.uint8]]) -> None:
        config = self._config
        size = (config.height_px, config.width_px)
        why = "" if patterns else "there are none"
        for i, pattern in enumerate(patterns):
            if pattern.shape != size or pattern.dtype != np.uint8:
                why = f"pattern {i} is {pattern.shape} {pattern.dtype}, it shows {size} uint8"
            elif bits_of(pattern) > config.bit_depth:
                why = f"pattern {i} is grey, and rig.yaml sets bit_depth {config.bit_depth}"
            if why:
                break
        if why:
            raise DeviceUnavailable(
                f"Projector {config.name} refuses the patterns: {why}.",
                cure="Make the patterns for this projector's size, and set bit_depth 8 for grey ones.",
                detail="pattern_refused",
            )
