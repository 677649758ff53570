"""However the service ends in the middle of a scan, lights and projectors go dark: they outlive it, as in a real cell."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from demo_process import DemoService

from acquisition.simulation.cell_process import CellProcess
from acquisition.simulation.feeder import PartFeeder
from api.cli.demo import RECIPE
from rig_configs.files import SHIPPED, load_rig

# How long something is waited for that is sure to come, s.
_PATIENCE_S = 60.0


@pytest.fixture
def cell() -> Iterator[CellProcess]:
    with CellProcess(load_rig("emulated"), noise_seed=1) as cell:
        PartFeeder(cell, RECIPE).place(None, seed=2)
        yield cell


@pytest.fixture
def plant(cell: CellProcess, data_dir: Path, tmp_path: Path) -> Iterator[DemoService]:
    """A service whose rig is, as far as it knows, a real one."""
    rig = tmp_path / "rig"
    rig.mkdir()
    content = cell.rig.model_dump(mode="json", exclude={"simulation"})
    (rig / "rig.yaml").write_text(yaml.safe_dump(content))
    (rig / "calibration.yaml").write_bytes((SHIPPED / "emulated" / "calibration.yaml").read_bytes())
    service = DemoService(data_dir, "serve", "--rig", rig)
    service.start()
    yield service
    service.stop(signal.SIGKILL)


def wait_until(cell: CellProcess, is_dark: bool) -> None:
    """Look until it is so."""
    looking = threading.Event()
    stop = threading.Timer(_PATIENCE_S, looking.set)
    stop.start()
    while cell.is_dark is not is_dark:
        assert not looking.is_set(), f"the cell is not {'dark' if is_dark else 'lit'} after {_PATIENCE_S:g} s"
    stop.cancel()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=lambda number: number.name)
def test_the_cell_is_dark_after_the_service_was_ended_in_a_scan(plant: DemoService, cell: CellProcess, number: signal.Signals) -> None:
    with plant.signed_in() as client:
        client.post("/api/v1/inspections", json={"recipe": RECIPE}).raise_for_status()
        wait_until(cell, is_dark=False)
    plant.stop(number)
    wait_until(cell, is_dark=True)
