"""The command line and the demo service, run as processes of their own."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

CLI = [sys.executable, "-m", "api.cli.main"]


def run_cli(*arguments: str | Path, timeout_s: float = 240) -> subprocess.CompletedProcess[str]:
    """A command as a person runs it."""
    return subprocess.run([*CLI, *map(str, arguments)], capture_output=True, text=True, timeout=timeout_s, check=False)


class DemoService:
    """``d3station demo``, or another command that serves, as a process of its own."""

    def __init__(self, data_dir: Path, *command: str | Path) -> None:
        self._data_dir = data_dir
        self._command = [str(word) for word in command] or ["demo"]
        self._process: subprocess.Popen[str] | None = None
        self.link = ""

    def start(self, port: int = 0) -> str:
        """Start, on a free port unless it is told which, and wait for the sign-in link."""
        self._process = subprocess.Popen(
            [*CLI, *self._command, "--port", str(port), "--data-dir", str(self._data_dir)], stderr=subprocess.PIPE, text=True
        )
        assert self._process.stderr is not None
        printed: list[str] = []
        watchdog = threading.Timer(180, self._process.kill)
        watchdog.start()
        try:
            for line in self._process.stderr:
                printed.append(line)
                if found := re.search(r"http://\S+/#/sign-in/\S+", line):
                    self.link = found[0]
                    break
            else:
                pytest.fail("the service printed no link: " + "".join(printed))
        finally:
            watchdog.cancel()
        # Somebody must read on, or a full pipe would stop the service.
        self._reader = threading.Thread(target=self._process.stderr.read)
        self._reader.start()
        return self.link

    @property
    def address(self) -> str:
        return self.link.split("/#/")[0]

    @contextmanager
    def signed_in(self) -> Iterator[httpx.Client]:
        """A client that used the link."""
        with httpx.Client(base_url=self.address, headers={"Origin": self.address}, timeout=60) as client:
            client.post("/api/v1/sessions", json={"token": self.link.rsplit("/", 1)[1]}).raise_for_status()
            yield client

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Stop by a signal; returns the exit status."""
        assert self._process is not None
        if self._process.poll() is None:
            self._process.send_signal(number)
        status = self._process.wait(30)
        self._reader.join(30)
        assert self._process.stderr is not None
        self._process.stderr.close()
        return status
