"""Emulated controllers, and projectors on them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from dlp_cell import SIZES, Pattern, Screen, config_of, some_patterns

from acquisition.drivers import dlp_controllers
from acquisition.drivers.dlp_planes import flash_images
from acquisition.drivers.dlp_projector import DlpProjector
from acquisition.simulation.dlp_controllers import EmulatedDlpc350, EmulatedDlpc900
from acquisition.simulation.dlp_controllers.peer import Peer


@pytest.fixture
def screen() -> Screen:
    return Screen()


@pytest.fixture
def flash_waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The waits for images from flash, seconds, none of which is slept."""
    waits: list[float] = []
    monkeypatch.setattr(dlp_controllers, "sleep", waits.append)
    return waits


@pytest.fixture(scope="session")
def flash(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("flash")
    flash_images(some_patterns(SIZES["dlpc350"]), folder)
    return folder


@pytest.fixture
def peer350(screen: Screen, flash: Path, flash_waits: list[float]) -> Iterator[EmulatedDlpc350]:
    with EmulatedDlpc350.of_folder(flash, screen.show) as peer:
        yield peer


@pytest.fixture
def peer900(screen: Screen) -> Iterator[EmulatedDlpc900]:
    with EmulatedDlpc900(1920, 1080, screen.show) as peer:
        yield peer


@pytest.fixture(params=["dlpc350", "dlpc900"])
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def peer(kind: str, request: pytest.FixtureRequest) -> Peer:
    return request.getfixturevalue({"dlpc350": "peer350", "dlpc900": "peer900"}[kind])


@pytest.fixture
def projector(kind: str, peer: Peer, flash: Path) -> Iterator[DlpProjector]:
    driver = DlpProjector(config_of(kind, peer.address, flash / "manifest.json" if kind == "dlpc350" else None))
    yield driver
    driver.close()


@pytest.fixture
def patterns(kind: str) -> list[Pattern]:
    return some_patterns(SIZES[kind])
