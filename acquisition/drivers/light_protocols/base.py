"""What every light controller's protocol is to the driver: commands as bytes, answers decoded, and no line in sight."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar

from rig_configs.lights import LightChannel

Settings = Mapping[str, int | float | str]
"""Settings by name: ``level`` in the controller's steps, ``mode``, ``pulse_us``, ``delay_us``, ``model``."""


class Outcome(StrEnum):
    """What an answer means."""

    OK = "ok"
    REFUSED = "refused"
    """The controller understood that it was spoken to, and will not do it."""
    GARBLED = "garbled"
    """Not an answer to this command, or not whole."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer, decoded."""

    outcome: Outcome
    text: str = ""
    """Of a refusal, the controller's reason in words."""
    settings: Settings = field(default_factory=dict)
    """What the controller reports, where it was asked."""


@dataclass(frozen=True, slots=True)
class Command:
    """One command, ready to be sent."""

    data: bytes
    """What goes over the line."""
    what: str
    """What it is for, in words."""
    wanted: Settings = field(default_factory=dict)
    """Of a question, the settings that its answer must report."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a controller can do over its line."""

    own_switch: bool
    """On and off are commands of their own, and the intensity stays."""
    strobe_width: bool
    """The width of a flash can be set; with ``ccs``, chosen."""
    strobe_delay: bool
    software_trigger: bool
    reads_back: tuple[str, ...]
    """The settings that it reports."""
    checksum: bool
    """Commands carry one, so that a damaged one is refused and not misunderstood."""
    answers: bool
    """Every command is answered."""


class LightProtocol(ABC):
    """One family of controllers. Pure: a method's result depends on its arguments and the configuration alone."""

    name: ClassVar[str]
    """The family, as people call it."""
    gap_s: ClassVar[float] = 0.0
    """Silence that the controller needs between an answer and the next command."""
    resync: ClassVar[bytes] = b""
    """Ends whatever the controller has half heard; it may answer or not."""
    capabilities: Capabilities

    @abstractmethod
    def prepare(self, channel: LightChannel) -> list[Command]:
        """Set what holds until the power goes; the channel is dark before and after."""

    @abstractmethod
    def on(self, channel: LightChannel) -> list[Command]:
        """Make a channel shine, or flash at each trigger."""

    @abstractmethod
    def off(self, channel: LightChannel) -> list[Command]:
        """Make a channel dark, whatever it does."""

    @abstractmethod
    def ask(self, channel: LightChannel) -> Command | None:
        """A command that changes nothing and must be answered; None for a controller that never answers."""

    def pulse(self, channel: LightChannel) -> Command | None:
        """Make a channel that is on flash once; None where the controller has no such command."""
        return None

    @abstractmethod
    def answer_length(self, command: Command, received: bytes) -> int | None:
        """How many of the bytes received so far are the first answer; None as long as it is not whole."""

    @abstractmethod
    def decode(self, command: Command, answer: bytes) -> Answer:
        """Decode a whole answer. Only the very bytes that say so are ``OK``."""


GARBLED = Answer(Outcome.GARBLED)


def through(end: bytes, received: bytes) -> int | None:
    """The length up to and with the first ``end``."""
    at = received.find(end)
    return None if at < 0 else at + len(end)


def question(data: bytes, what: str, wanted: Settings) -> Command:
    """A command that reads ``wanted`` back."""
    return Command(data, f"reading {what} back", wanted)
