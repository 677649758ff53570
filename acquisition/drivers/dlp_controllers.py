"""What each DLP controller is told, in which order: loading patterns, showing them, going dark. The bytes are in dlpc350.py and dlpc900.py."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from time import monotonic, sleep
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from acquisition.drivers import dlpc350, dlpc900
from acquisition.drivers import dlpc_common as common
from acquisition.drivers.dlp_conversation import Conversation
from acquisition.drivers.dlp_planes import Placed, fingerprint, pack, place, read_manifest
from rig_configs.errors import DeviceUnavailable
from rig_configs.projectors import DlpController, DlpProjectorConfig, DlpTrigger

_STATE_TIMEOUT_S = 1.0  # for stopping, starting and validating; the controllers take milliseconds
Patterns = Sequence[NDArray[np.uint8]]


class Controller(Protocol):
    """One kind of controller."""

    def check(self, talk: Conversation) -> None:
        """Refuse a projector that reports an error or is another one. Raises DeviceUnavailable."""
        ...

    def load(self, talk: Conversation, patterns: Patterns) -> None:
        """Make patterns ready to show. Raises DeviceUnavailable."""
        ...

    def start(self, talk: Conversation, indices: Sequence[int], *, steady: bool) -> None:
        """Show loaded patterns: one for ever where ``steady``, else each once as the trigger says. Raises DeviceUnavailable."""
        ...

    def stop(self, talk: Conversation) -> None:
        """Stop, LEDs off, both read back. Raises DeviceUnavailable."""
        ...


def controller_of(config: DlpProjectorConfig) -> Controller:
    """What knows the projector's controller."""
    return _Dlpc350(config) if config.controller is DlpController.DLPC350 else _Dlpc900(config)


def _check_hardware(talk: Conversation) -> None:
    if problems := common.hardware_errors(talk.ask(common.READ_HARDWARE_STATUS)):
        raise DeviceUnavailable(
            f"Projector {talk.name} reports an error: {', '.join(problems)}.", cure="Switch the projector off and on.", detail="hardware"
        )


def _leds_by_sequencer(talk: Conversation) -> None:
    talk.tell(common.set_leds(common.LEDS_BY_SEQUENCER))
    talk.confirm(common.READ_LEDS, bytes([common.LEDS_BY_SEQUENCER]), "LED enable")


def _leds_dark(talk: Conversation) -> None:
    talk.tell(common.set_leds(common.LEDS_DARK))
    talk.confirm(common.READ_LEDS, bytes([common.LEDS_DARK]), "LED enable")


def _refuse_patterns(talk: Conversation, why: str, cure: str, detail: str) -> DeviceUnavailable:
    return DeviceUnavailable(f"Projector {talk.name} cannot show these patterns: {why}.", cure=cure, detail=detail)


class _Dlpc350:
    """Shows patterns out of its flash. Every start writes its tables anew and has them validated."""

    def __init__(self, config: DlpProjectorConfig) -> None:
        self._config = config
        self._led = common.Led[config.led.name]
        self._placed: list[Placed] = []
        self._first_image = 0
        self._buffered: int | None = None
        """The image that is in the frame buffer since the last start."""

    def check(self, talk: Conversation) -> None:
        _check_hardware(talk)

    def load(self, talk: Conversation, patterns: Patterns) -> None:
        config = self._config
        self._placed = self._find(talk, patterns)
        in_flash = talk.ask(dlpc350.READ_IMAGES_IN_FLASH)[0]
        if (needed := self._first_image + 1 + max(p.image for p in self._placed)) > in_flash:
            raise _refuse_patterns(
                talk,
                f"its flash holds {in_flash} images, the manifest needs {needed}",
                "Write the firmware again (docs/projectors.md).",
                "not_in_flash",
            )
        self.stop(talk)
        talk.tell(common.set_display_mode(dlpc350.PATTERN_MODE))
        mode = bytes([dlpc350.PATTERN_MODE])
        talk.wait_until(common.READ_DISPLAY_MODE, lambda data: data[:1] == mode, "change to pattern mode", _STATE_TIMEOUT_S)
        talk.tell_all([dlpc350.patterns_from_flash(), dlpc350.trigger_mode_1()])
        talk.confirm(dlpc350.READ_DATA_SOURCE, b"\x03", "the source of patterns")
        exposure = dlpc350.set_exposure(config.exposure_us, config.period_us)
        talk.tell(exposure)
        talk.confirm(dlpc350.READ_EXPOSURE, exposure.payload, "exposure and period")
        self._buffered = None
        if config.trigger is not DlpTrigger.SOFTWARE:
            self._check_loading_time(talk)
            self._write_tables(talk, range(len(patterns)), steady=False)
            self._validate(talk, steady=False)

    def start(self, talk: Conversation, indices: Sequence[int], *, steady: bool) -> None:
        self._halt(talk)
        self._write_tables(talk, indices, steady)
        self._validate(talk, steady)
        _leds_by_sequencer(talk)
        started = monotonic()
        talk.tell(common.run(common.Run.START))
        if not steady and self._config.trigger is DlpTrigger.TRIG_OUT:
            _check_hardware(talk)  # a short sequence may be over before anybody sees it run
        else:
            talk.wait_until(dlpc350.READ_RUN_STATE, lambda data: data[0] == common.Run.START, "start", _STATE_TIMEOUT_S)
        image = self._placed[indices[0]].image
        if image != self._buffered:
            sleep(max(0.0, started + dlpc350.FLASH_LOAD_S - monotonic()))
        self._buffered = image if len({self._placed[i].image for i in indices}) == 1 else None

    def stop(self, talk: Conversation) -> None:
        self._halt(talk)
        _leds_dark(talk)

    def _halt(self, talk: Conversation) -> None:
        talk.tell(common.run(common.Run.STOP))
        talk.wait_until(dlpc350.READ_RUN_STATE, lambda data: data[0] == common.Run.STOP, "stop", _STATE_TIMEOUT_S)

    def _find(self, talk: Conversation, patterns: Patterns) -> list[Placed]:
        path = self._config.manifest or Path()
        manifest = read_manifest(path)
        self._first_image = manifest.first_image
        known = {placed.sha256: placed for placed in manifest.patterns}
        found = [known.get(fingerprint(pattern)) for pattern in patterns]
        missing = [i for i, placed in enumerate(found) if placed is None]
        if missing:
            raise _refuse_patterns(
                talk,
                f"{len(missing)} of {len(patterns)} are not in its flash (the first is pattern {missing[0]}), says {path}",
                "Write these patterns into its flash with flash_images and the maker's firmware tool (docs/projectors.md).",
                "not_in_flash",
            )
        return [placed for placed in found if placed is not None]

    def _runs(self, indices: Sequence[int]) -> list[tuple[int, int]]:
        """The images in the order in which the patterns need them, each with how many patterns it gives in a row."""
        runs: list[tuple[int, int]] = []
        for image in (self._placed[i].image for i in indices):
            if runs and runs[-1][0] == image:
                runs[-1] = (image, runs[-1][1] + 1)
            else:
                runs.append((image, 1))
        return runs

    def _check_loading_time(self, talk: Conversation) -> None:
        """While the patterns of one image are shown, the next one comes from flash; the two frame buffers hold the first two."""
        runs = self._runs(range(len(self._placed)))
        if len(runs) <= 2:
            return
        shortest_s = min(count for _, count in runs[:-1]) * self._config.period_us / 1e6
        if shortest_s < dlpc350.FLASH_LOAD_S:
            raise _refuse_patterns(
                talk,
                f"an image is shown for {shortest_s * 1000:.0f} ms, and the next one takes {dlpc350.FLASH_LOAD_S * 1000:.0f} ms from flash",
                "Lengthen period_us, use at most 48 bit planes, or choose trigger 'software'.",
                "timing",
            )

    def _write_tables(self, talk: Conversation, indices: Sequence[int], steady: bool) -> None:
        triggered = self._config.trigger is DlpTrigger.TRIG_IN
        entries: list[dlpc350.Entry] = []
        shown: int | None = None
        for i in indices:
            spot = self._placed[i]
            entries.append(
                dlpc350.Entry(
                    spot.number,
                    spot.bits,
                    self._led,
                    dlpc350.Trigger.EXTERNAL_RISING if triggered else dlpc350.Trigger.INTERNAL,
                    black_after=not steady,
                    swap=spot.image != shown,
                )
            )
            shown = spot.image
        images = [self._first_image + image for image, _ in self._runs(indices)]
        if len(entries) > dlpc350.MAX_ENTRIES or len(images) > dlpc350.MAX_IMAGES:
            raise _refuse_patterns(
                talk,
                f"{len(entries)} of {len(images)} images in one sequence",
                "Choose trigger 'software', or show fewer patterns.",
                "pattern_refused",
            )
        talk.tell(dlpc350.configure(len(entries), len(images), repeat=steady))
        talk.tell_all(dlpc350.image_table(images))
        talk.tell_all(dlpc350.pattern_table(entries))

    def _validate(self, talk: Conversation, steady: bool) -> None:
        talk.tell(dlpc350.VALIDATE)
        result = talk.wait_until(
            dlpc350.READ_VALIDATION, lambda data: not data[0] & dlpc350.VALIDATION_BUSY, "validate the patterns", _STATE_TIMEOUT_S
        )
        # A steady pattern keeps TRIG_OUT_1 up, which is a warning that nobody needs.
        ignore = 1 << 2 if steady else 0
        if problems := dlpc350.validation_errors(result, ignore):
            raise DeviceUnavailable(
                f"Projector {talk.name} refuses the pattern sequence: {', '.join(problems)}.",
                cure="Correct exposure_us, period_us and trigger in rig.yaml.",
                detail="invalid_sequence",
            )


class _Dlpc900:
    """Takes patterns through USB into its memory once, and is then told only their order."""

    def __init__(self, config: DlpProjectorConfig) -> None:
        self._config = config
        self._led = common.Led[config.led.name]

    def check(self, talk: Conversation) -> None:
        _check_hardware(talk)
        config = self._config
        size = dlpc900.HARDWARE.get(talk.ask(dlpc900.READ_HARDWARE)[0])
        if size is not None and size != (config.width_px, config.height_px):
            raise DeviceUnavailable(
                f"Projector {talk.name} has {size[0]} x {size[1]} mirrors, rig.yaml says {config.width_px} x {config.height_px}.",
                cure="Correct width_px, height_px or link in rig.yaml.",
                detail="wrong_device",
            )

    def load(self, talk: Conversation, patterns: Patterns) -> None:
        config = self._config
        placed = place(patterns)
        images = pack(patterns, placed)
        if len(placed) > dlpc900.MAX_ENTRIES or 24 * (len(images) - 1) + placed[-1].plane + placed[-1].bits > dlpc900.MAX_PLANES:
            raise _refuse_patterns(
                talk, f"they need more than {dlpc900.MAX_PLANES} bit planes", "Show fewer patterns; a grey one takes eight planes.", "pattern_refused"
            )
        self.stop(talk)
        talk.tell(common.set_display_mode(dlpc900.ON_THE_FLY_MODE))
        mode = bytes([dlpc900.ON_THE_FLY_MODE])
        talk.wait_until(common.READ_DISPLAY_MODE, lambda data: data[:1] == mode, "change to on-the-fly mode", _STATE_TIMEOUT_S)
        wait = config.trigger is DlpTrigger.TRIG_IN
        dark_us = config.period_us - config.exposure_us
        for i, spot in enumerate(placed):
            talk.tell(dlpc900.define(i, dlpc900.Entry(config.exposure_us, dark_us, spot.bits, self._led, spot.image, spot.plane, wait)))
        talk.tell(dlpc900.configure(len(placed), len(placed)))
        for number in reversed(range(len(images))):
            self._upload(talk, number, images[number])

    def start(self, talk: Conversation, indices: Sequence[int], *, steady: bool) -> None:
        self._halt(talk)
        talk.tell(dlpc900.reorder(indices, 0 if steady else len(indices)))
        _leds_by_sequencer(talk)
        talk.tell(common.run(common.Run.START))
        if not steady and self._config.trigger is DlpTrigger.TRIG_OUT:
            _check_hardware(talk)  # a short sequence may be over before anybody sees it run
        else:
            talk.wait_until(common.READ_MAIN_STATUS, common.is_running, "start", _STATE_TIMEOUT_S)

    def stop(self, talk: Conversation) -> None:
        self._halt(talk)
        _leds_dark(talk)

    def _halt(self, talk: Conversation) -> None:
        talk.tell(common.run(common.Run.STOP))
        talk.wait_until(common.READ_MAIN_STATUS, lambda data: not common.is_running(data), "stop", _STATE_TIMEOUT_S)

    def _upload(self, talk: Conversation, number: int, image: NDArray[np.uint32]) -> None:
        """A LightCrafter 9000 has two controllers: the primary takes the left half, the secondary the right one (DLPU018J, Pattern BMP Load)."""
        halves = np.hsplit(image, 2) if self._config.width_px == 2560 else [image]
        for secondary, half in enumerate(halves):
            encoded = dlpc900.encode_image(np.ascontiguousarray(half))
            talk.tell(dlpc900.start_image(number, len(encoded), bool(secondary)))
            for chunk in dlpc900.image_chunks(encoded, bool(secondary)):
                talk.tell(chunk)
            talk.check_reason(f"image {number}")
