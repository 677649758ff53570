"""The emulated cell in a process of its own, and the hand that reaches into it.

Apart from the rig's process as a real cell is: the GenTL binding in there never lets another thread of its process run, and what is killed
there leaves light controllers and projectors as they were told last.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from contextlib import closing, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from acquisition.simulation.cell import Cell
from acquisition.simulation.light_controllers import LineFault
from acquisition.simulation.optics import TrueRig, build_rig
from acquisition.simulation.renderer import Renderer, View
from acquisition.simulation.scene import SceneObject
from rig_configs.errors import D3Error, DeviceUnavailable
from rig_configs.schema import RigConfig
from rig_configs.simulation import FaultKind

# Loading the ray tracer and compiling the camera's producer take their time on a busy machine; nothing later does.
_START_S = 120.0
_ANSWER_S = 60.0
_END_S = 10.0


@dataclass(frozen=True, slots=True)
class _Failed:
    """An error of the cell on its way through the pipe."""

    kind: type[D3Error]
    message: str
    cure: str
    code: str

    @classmethod
    def of(cls, error: D3Error) -> _Failed:
        """An error there."""
        return cls(type(error), error.message, error.cure, error.code)

    def error(self) -> D3Error:
        """The same error here."""
        return self.kind(self.message, cure=self.cure, detail=self.code.removeprefix(self.kind.base_code).removeprefix("."))


class CellProcess:
    """A running cell, which ends with this process at the latest. It is a :class:`acquisition.simulation.bench.BenchAccess`.

    Methods named as in :class:`acquisition.simulation.cell.Cell` do the same there, and raise the same. Any thread may call them.

    Args:
        rig: a rig of real drivers with a ``simulation`` section.
        noise_seed: seed of the sensor noise.

    Raises:
        RigFileError: the rig cannot be emulated.
        DeviceUnavailable: the cell does not start (``no_compiler``, ``cell``).
    """

    def __init__(self, rig: RigConfig, noise_seed: int = 0) -> None:
        self._rig = rig
        self._truth: TrueRig | None = None
        self._placed: SceneObject | None = None
        self._view: View | None = None
        self._talking = threading.Lock()
        # Where everything is that the cell could leave lying about, however it ends.
        self._folder = tempfile.mkdtemp(prefix="d3-")
        here, there = socket.socketpair()
        self._line = Connection(here.detach())
        with there:
            command = [sys.executable, "-P", "-c", f"from {__name__} import main; main({there.fileno()})"]
            path = os.pathsep.join(folder or str(Path.cwd()) for folder in sys.path)
            environment = os.environ | {"TMPDIR": self._folder, "PYTHONPATH": path}
            self._process = subprocess.Popen(command, pass_fds=(there.fileno(),), stdin=subprocess.DEVNULL, env=environment)  # noqa: S603
        try:
            self.rig: RigConfig = self._talk((rig, noise_seed), _START_S)
            """The rig with the addresses at which its drivers find the cell's devices."""
        except BaseException:
            self.close()
            raise

    @property
    def process_id(self) -> int:
        """Of the cell's process."""
        return self._process.pid

    def close(self) -> None:
        """End the cell. Safe to call twice."""
        self._line.close()
        try:
            self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    # ------------------------------------------------------------------------------------------------------ the bench

    @property
    def truth(self) -> TrueRig:
        """The true rig, which is the same wherever it is built."""
        if self._truth is None:
            self._truth = build_rig(self._rig)
        return self._truth

    @property
    def placed(self) -> SceneObject | None:
        """What lies on the bench."""
        return self._placed

    @property
    def view(self) -> View:
        """What the camera's pixels see of it."""
        if self._view is None:
            self._view = Renderer(self.truth).view(self._placed)
        return self._view

    @property
    def is_dark(self) -> bool:
        """Whether nothing shines on the bench."""
        return bool(self._do("is_dark"))

    def place(self, what: SceneObject | None, timeout_s: float = 30.0) -> None:
        """Lay something on the bench. Raises Conflict while a scan runs on and on."""
        self._do("place", what, timeout_s, answer_s=timeout_s + _ANSWER_S)
        self._placed, self._view = what, None

    def reseed(self, noise_seed: int) -> None:
        """Start the camera's counter and clock anew, with other noise."""
        self._do("reseed", noise_seed)

    # ------------------------------------------------------------------------------------------------ what can go wrong

    def unplug(self, device: str) -> None:
        """Pull the plug of ``camera``, ``lights``, ``projector0`` …; returns when it is gone."""
        self._do("unplug", device)

    def plug_in(self, device: str) -> None:
        """Plug it in again; returns when it can be found."""
        self._do("plug_in", device)

    def spoil_frames(self, *faults: FaultKind | None) -> None:
        """What happens to the next frames, the next one first; None is nothing."""
        self._do("spoil_frames", *faults)

    def darken(self, source: str) -> None:
        """``zone0`` …, ``projector0`` … takes commands from now on and sends no light."""
        self._do("darken", source)

    def delay(self, source: str) -> None:
        """``zone0`` …, ``projector0`` … does at each exposure, from now on, what it should have done at the one before."""
        self._do("delay", source)

    def cross(self, zone: int, lit: int) -> None:
        """A zone's command lights another one from now on."""
        self._do("cross", zone, lit)

    def after_exposures(self, count: int, what: str, *args: Any, **options: Any) -> None:
        """Do something of the above by its name as soon as so many further frames are exposed: between the steps of a scan."""
        self._do("after_exposures", count, what, *args, **options)

    def spoil_light_answers(self, fault: LineFault, commands: int = 1) -> None:
        """What happens to the next commands to the light controller."""
        self._do("spoil_light_answers", fault, commands)

    def spoil_projector_answers(self, projector: int, *, silent: bool = False, garbled: bool = False) -> None:
        """Whether a projector's controller answers not at all, or nonsense, from now on."""
        self._do("spoil_projector_answers", projector, silent=silent, garbled=garbled)

    def heal(self) -> None:
        """Mend everything and plug everything in."""
        self._do("heal")

    def _do(self, what: str, *args: Any, answer_s: float = _ANSWER_S, **options: Any) -> Any:
        return self._talk((what, args, options), answer_s)

    def _talk(self, message: Any, answer_s: float) -> Any:
        with self._talking:
            try:
                self._line.send(message)
                answer = self._line.recv() if self._line.poll(answer_s) else None
            except (OSError, EOFError) as cause:
                raise _lost("has ended") from cause
        if answer is None:
            raise _lost(f"does not answer within {answer_s:g} s")
        if isinstance(answer, _Failed):
            raise answer.error()
        return answer[0]


def _lost(how: str) -> DeviceUnavailable:
    return DeviceUnavailable(f"The emulated cell {how}.", cure="Start again; the cell starts with the rig.", detail="cell")


def _answer(cell: Cell, request: tuple[str, tuple[Any, ...], dict[str, Any]]) -> tuple[Any] | _Failed:
    what, args, options = request
    try:
        return (getattr(cell, what)(*args, **options),)
    except D3Error as error:
        return _Failed.of(error)


def _serve(line: Connection) -> None:
    rig, noise_seed = line.recv()
    try:
        cell = Cell(rig, noise_seed)
        cell.start()
    except D3Error as error:
        line.send(_Failed.of(error))
        return
    with closing(cell):
        line.send((cell.wired(),))
        while True:
            line.send(_answer(cell, line.recv()))


def main(descriptor: int) -> None:
    """What the cell's process runs until the other end of its pipe is closed.

    Args:
        descriptor: of its end of the pipe.
    """
    # Ctrl-C and a service's end are for the process that has the rig: it turns the lights off, and needs the cell for that.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        with Connection(descriptor) as line, suppress(EOFError, ConnectionError):
            _serve(line)
    finally:
        shutil.rmtree(os.environ["TMPDIR"], ignore_errors=True)  # of a process that was killed nobody else does
