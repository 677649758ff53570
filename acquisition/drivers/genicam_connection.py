"""One open GenICam camera, through harvesters and its maker's GenTL producer.

Everything here is called from one thread that is not the main one: harvesters takes over the interrupt signal for whoever opens a camera on
the main thread (genicam/harvesters issue 463), and neither it nor producers promise anything to a second thread.
"""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rig_configs.cameras import GenicamCamera
from rig_configs.errors import DeviceUnavailable

SEARCH_PATH = "GENICAM_GENTL64_PATH"

with warnings.catch_warnings():  # harvesters sets the process's warning filters as it is imported
    from harvesters.core import Callback, Harvester, ImageAcquirer
# What it logs as an error it also raises, and is told in the station's words.
logging.getLogger("harvesters.core").setLevel(logging.CRITICAL)


@dataclass(frozen=True, slots=True)
class Found:
    """A camera that a producer knows."""

    serial: str
    user_id: str
    model: str
    vendor: str

    def __str__(self) -> str:
        name = f" '{self.user_id}'" if self.user_id else ""
        return f"{self.vendor} {self.model}{name}, serial {self.serial or 'unknown'}"


class _Count(Callback):
    """Counts how often harvesters calls it."""

    def __init__(self) -> None:
        self.count = 0

    def emit(self, context: object | None = None) -> None:
        self.count += 1


def producers(config: GenicamCamera) -> list[Path]:
    """The producers to ask. Raises DeviceUnavailable (``no_producer``) where there is none."""
    if config.producer is not None:
        found = [config.producer] if config.producer.is_file() else []
        where = str(config.producer)
    else:
        folders = [Path(folder) for folder in os.environ.get(SEARCH_PATH, "").split(os.pathsep) if folder]
        found = [file for folder in folders for file in sorted(folder.glob("*.cti"))]
        where = f"{SEARCH_PATH} ({os.pathsep.join(map(str, folders)) or 'not set'})"
    if not found:
        raise DeviceUnavailable(
            f"There is no GenTL producer at {where}.",
            cure=f"Install the camera maker's GenTL producer, and name its .cti file in the rig's camera or its folder in {SEARCH_PATH}.",
            detail="no_producer",
        )
    return found


class Connection:
    """An open camera. :meth:`close` it, also after it failed.

    Raises:
        DeviceUnavailable: no producer (``no_producer``) or none that loads (``producer_failed``), no such camera (``not_found``), several
            (``ambiguous``), or it does not open (``not_opened``).
    """

    def __init__(self, config: GenicamCamera) -> None:
        from genicam.genapi import GenericException as NodeError
        from genicam.gentl import GenericException as TransportError

        self.failures: tuple[type[Exception], ...] = (NodeError, TransportError)
        """What node and buffer access raise when something is wrong."""
        self._incomplete = _Count()
        self._acquirer: ImageAcquirer | None = None
        self._harvester = Harvester()
        try:
            self._load(producers(config))
            info, self.found = self._choose(config)
            self._acquirer = self._open(info)
        except BaseException:
            self.close()
            raise

    def _load(self, files: list[Path]) -> None:
        for file in files:
            self._harvester.add_file(str(file))
        self._harvester.update()  # tells nobody but its log what failed
        loaded = {producer.path_name for producer in self._harvester._producers}
        if not loaded:
            raise DeviceUnavailable(
                f"No GenTL producer of {', '.join(map(str, files))} loads.",
                cure="Check that it is for this machine and its libraries are installed, and that nothing else in this process uses it.",
                detail="producer_failed",
            )

    def _choose(self, config: GenicamCamera) -> tuple[Any, Found]:
        there = [(info, self._identify(info)) for info in self._harvester.device_info_list]
        wanted = {key: value for key in ("serial", "user_id", "model") if (value := getattr(config, key))}
        matches = [(info, found) for info, found in there if all(getattr(found, key) == value for key, value in wanted.items())]
        if len(matches) == 1:
            return matches[0]
        asked = ", ".join(f"{key} '{value}'" for key, value in wanted.items())
        listed = "; ".join(str(found) for _, found in there) or "none"
        if not matches:
            raise DeviceUnavailable(
                f"No camera answers with {asked}. Cameras there: {listed}.",
                cure="Check the camera's power and cable, and its serial, user_id or model in rig.yaml.",
                detail="not_found",
            )
        raise DeviceUnavailable(
            f"{len(matches)} cameras answer with {asked}. Cameras there: {listed}.",
            cure="Name the camera's serial number in rig.yaml.",
            detail="ambiguous",
        )

    def _identify(self, info: Any) -> Found:
        def told(attribute: str) -> str:
            try:
                return str(getattr(info, attribute) or "")
            except self.failures:  # a producer need not know it
                return ""

        return Found(told("serial_number"), told("user_defined_name"), told("model"), told("vendor"))

    def _open(self, info: Any) -> ImageAcquirer:
        try:
            acquirer = self._harvester.create(info)
        except self.failures as error:
            raise DeviceUnavailable(
                f"The camera {self._identify(info)} does not open: {str(error).splitlines()[0]}",
                cure="Close other programs that use the camera, and check its cable.",
                detail="not_opened",
            ) from error
        acquirer.add_callback(ImageAcquirer.Events.INCOMPLETE_BUFFER, self._incomplete)
        return acquirer

    @property
    def _open_acquirer(self) -> ImageAcquirer:
        assert self._acquirer is not None
        return self._acquirer

    @property
    def node_map(self) -> Any:
        """The camera's nodes."""
        return self._open_acquirer.remote_device.node_map

    @property
    def transport(self) -> str:
        """Transport layer: ``GEV``, ``U3V``, …"""
        return str(self._open_acquirer.device.tl_type)

    @property
    def incomplete(self) -> int:
        """Frames that arrived incomplete. Harvesters throws them away, and only this callback tells (issue 214)."""
        return self._incomplete.count

    @property
    def is_acquiring(self) -> bool:
        """Whether a burst runs."""
        return self._acquirer is not None and self._acquirer.is_acquiring()

    def start(self, buffers: int) -> None:
        """Begin a burst; never in harvesters' own thread, which drops frames and forgets time-outs (issues 348, 375). Some producers need
        more buffers than that."""
        self._open_acquirer.num_buffers = max(buffers, self._open_acquirer.min_num_buffers)
        self._open_acquirer.start()

    def stop(self) -> None:
        """End the burst; what was not fetched is lost. Raises what is in ``failures``; the connection is then good for :meth:`close` only."""
        if self.is_acquiring:
            self._open_acquirer.stop()

    def next_buffer(self) -> Any | None:
        """The oldest filled buffer, raw, to be given back with :meth:`give_back`; None where none came within a millisecond or two. Raises
        what is in ``failures`` when the camera is gone."""
        # The raw buffer: what harvesters makes of it does not know every format (issue 473) and keeps padding.
        return self._open_acquirer.try_fetch(timeout=1e-4, is_raw=True)

    def give_back(self, buffer: Any) -> None:
        """The buffer may be filled anew."""
        with suppress(*self.failures):
            buffer.parent.queue_buffer(buffer)

    def close(self) -> None:
        """Let go of the camera, also of one that is gone. Never raises."""
        # Acquirer, chunk adapter and harvester each have a finaliser that is a method of their own: unless it is called or taken off, they
        # stay for ever, and each opening of the camera would cost a node map.
        acquirer, self._acquirer = self._acquirer, None
        if acquirer is not None:
            chunks = acquirer._chunk_adapter
            self._try(acquirer.destroy)
            acquirer._finalizer.detach()
            if chunks is not None:
                self._try(chunks._finalizer)
        self._try(self._harvester._reset)  # its public twin does nothing from the second call on
        self._harvester._finalizer.detach()

    def _try(self, release: Callable[[], object]) -> None:
        """Call it until it goes through: of a camera that is gone, harvesters stops cleaning up at each call that fails, and begins after it the
        next time."""
        for _ in range(4):
            with suppress(*self.failures):
                release()
                return
