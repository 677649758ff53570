"""The station that the panel's tests work on: the demo's rig with fewer pixels, so that a part takes a second, as a service of its own."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from demo_process import DemoService
from known_rig import write_known_rig

from api.cli.demo import RECIPE
from api.cli.teach import DEFAULT_PARTS
from api.composition import open_station
from rig_configs.files import SHIPPED

OTHER_RECIPE = "connector_housing_female"
SEED = 42
"""Feeds six good and two defective parts, then one of each."""
LOT = "L-2611-044"
SERIALS = [f"01{number}-A" for number in range(51, 59)]
PASSWORD = "correct horse battery"
# Pictures of what was seen stay here; D3STATION_SCREENSHOTS=docs/images renews those of the documentation, which are of the whole demo rig.
SEEN = Path("test-artifacts/panel")
IN_THE_DOCUMENTATION = os.environ.get("D3STATION_SCREENSHOTS")
PARTS = {RECIPE: DEFAULT_PARTS if IN_THE_DOCUMENTATION else 10, OTHER_RECIPE: 5}
"""How many good parts each recipe is taught from."""


def make_station(folder: Path) -> None:
    """Write a rig and a data folder with two recipes taught on it."""
    rig = folder / "rig"
    if IN_THE_DOCUMENTATION:
        shutil.copytree(SHIPPED / "demo", rig)
    else:
        rig.mkdir(parents=True)
        write_known_rig(rig)
    opened = open_station(rig, folder / "data", seed=SEED)
    assert opened.hand is not None
    for recipe, parts in PARTS.items():
        opened.station.teach(recipe, parts, opened.hand.next_good_part)
    opened.station.close()


def copy_station(made: Path, to: Path, *faults: dict[str, Any]) -> tuple[Path, Path]:
    """A rig folder and a data folder of one's own; the rig has faults that strike by themselves."""
    rig = Path(shutil.copytree(made / "rig", to / "rig"))
    content = yaml.safe_load((rig / "rig.yaml").read_text("utf-8"))
    content["simulation"]["faults"] = list(faults)
    (rig / "rig.yaml").write_text(yaml.safe_dump(content), "utf-8")
    shutil.copytree(made / "data" / "models", to / "data" / "models")
    return rig, to / "data"


@dataclass(frozen=True, slots=True)
class Day:
    """A running station, and who may work on it."""

    service: DemoService
    admin: httpx.Client
    cookies: list[Any]
    """The admin's session, as a browser keeps it."""
    parts: list[dict[str, Any]]
    """What was inspected before the tests."""

    @property
    def address(self) -> str:
        return self.service.address

    def inspect(self, serial: str) -> dict[str, Any]:
        """Inspect the next part without a browser."""
        body = {"recipe": RECIPE, "serial": serial, "lot": LOT}
        answer = self.admin.post("/api/v1/inspections", json=body, headers={"Idempotency-Key": f"part-{serial}", "Prefer": "wait=60"})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def inspections(self, **wanted: str) -> list[dict[str, Any]]:
        """What the station knows of some parts, newest first."""
        found = self.admin.get("/api/v1/inspections", params=wanted).raise_for_status().json()["items"]
        return [self.admin.get(f"/api/v1/inspections/{one['id']}").json() for one in found]

    def recipe(self, name: str = RECIPE) -> dict[str, Any]:
        """A recipe as it is now."""
        return self.admin.get(f"/api/v1/recipes/{name}").raise_for_status().json()


@contextmanager
def running(rig: Path, data_dir: Path) -> Iterator[Day]:
    """The station as a service, while the block runs."""
    service = DemoService(data_dir, "demo", "--rig", rig, "--seed", str(SEED))
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("D3STATION_WEBHOOK_NETWORKS", '["127.0.0.0/8"]')  # a test's receiver listens there
        service.start()
    try:
        with service.signed_in() as admin:
            admin.put("/api/v1/rig/recipe", json={"recipe": RECIPE}).raise_for_status()
            admin.post("/api/v1/users", json={"name": "wei", "role": "operator", "password": PASSWORD}).raise_for_status()
            cookie = {"name": "d3station_session", "value": admin.cookies["d3station_session"], "url": service.address, "httpOnly": True}
            yield Day(service, admin, [cookie], [])
    finally:
        service.stop(signal.SIGKILL)
