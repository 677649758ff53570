"""The real thing: the demo rig with its shipped calibration, taught from simulated scans, and the service as its own process."""

from __future__ import annotations

import fcntl
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from demo_process import DemoService
from panel_browser import chromium
from panel_station import SERIALS, Day, copy_station, make_station, running
from playwright.sync_api import Browser

from api.cli.demo import RECIPE
from api.cli.teach import DEFAULT_PARTS
from api.composition import OpenStation, open_station


@pytest.fixture(scope="session")
def taught_once(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A data folder with the demo's recipe taught as the demo teaches it: by the test process that first wants it, for all."""

    def teach(folder: Path) -> None:
        opened = open_station("demo", folder, seed=0)
        assert opened.hand is not None
        opened.station.teach(RECIPE, DEFAULT_PARTS, opened.hand.next_good_part)
        opened.station.close()

    return _made_once("taught", teach, tmp_path_factory, worker_id)


def _made_once(name: str, make: Callable[[Path], None], tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    own = tmp_path_factory.getbasetemp()
    folder = (own if worker_id == "master" else own.parent) / name
    with Path(f"{folder}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            make(folder.with_suffix(".new"))
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


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Not longer than a module: while Playwright is there, nothing else of a test process can run an event loop."""
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="session")
def panel_station(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A coarse rig and two recipes taught on it, which the tests of the panel copy."""
    return _made_once("panel", make_station, tmp_path_factory, worker_id)


@pytest.fixture(scope="session")
def day(panel_station: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Day]:
    """A running station that the tests of the panel share, with some parts inspected; each looks for its own parts by their serials."""
    with running(*copy_station(panel_station, tmp_path_factory.mktemp("day"))) as day:
        day.parts.extend(day.inspect(serial) for serial in SERIALS)
        yield day
