"""The real thing: the demo rig with its shipped calibration, taught from simulated scans, and the service as its own process."""

from __future__ import annotations

import fcntl
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from demo_process import DemoService

from api.cli.demo import RECIPE
from api.cli.teach import DEFAULT_PARTS
from api.composition import OpenStation, open_station


@pytest.fixture(scope="session")
def taught_once(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A data folder with the demo's recipe taught as the demo teaches it: by the test process that first wants it, for all."""
    own = tmp_path_factory.getbasetemp()
    folder = (own if worker_id == "master" else own.parent) / "taught"
    with Path(f"{folder}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            opened = open_station("demo", folder.with_suffix(".new"), seed=0)
            assert opened.hand is not None
            opened.station.teach(RECIPE, DEFAULT_PARTS, opened.hand.next_good_part)
            opened.station.close()
            folder.with_suffix(".new").rename(folder)
    return folder


@pytest.fixture
def data_dir(taught_once: Path, tmp_path: Path) -> Path:
    """A data folder of the test's own with the taught recipe."""
    shutil.copytree(taught_once / "models", tmp_path / "data" / "models")
    return tmp_path / "data"


@pytest.fixture
def opened(data_dir: Path) -> Iterator[OpenStation]:
    """A taught station; the test lays the parts."""
    opened = open_station("demo", data_dir, seed=1, automatic_hand=False)
    yield opened
    opened.station.close()


@pytest.fixture
def service(data_dir: Path) -> Iterator[DemoService]:
    """The running demo."""
    service = DemoService(data_dir)
    service.start()
    yield service
    service.stop(signal.SIGKILL)
