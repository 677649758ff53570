"""Teaching by the command line is a change like any other: made with its row in the audit log, or not at all."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import Any, cast

import pytest
from fake_station import FakeStation
from sqlalchemy import select
from tiny_parts import part

from api.cli import teach as command
from api.composition import OpenStation
from api.recipes import Recipes
from api.settings import Settings
from api.store import audit
from api.store.store import open_store
from api.store.tables_people import AuditRow
from rig_configs.errors import ServiceError


@pytest.fixture
def opened(fake: FakeStation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OpenStation:
    fake.models = Recipes(tmp_path / "models", ("bolt",))
    fake.samples = [part(seed) for seed in range(5)]
    monkeypatch.setattr(command, "_ask", lambda _: None)
    return OpenStation(cast("Any", fake), None, None, tmp_path)


def test_who_taught_by_command_is_in_the_audit_log(opened: OpenStation, tmp_path: Path) -> None:
    command.teach_with_bar(opened, tmp_path, "bolt", 5)
    made = opened.station.models.definition("bolt")
    assert (made.version, made.by) == (1, getpass.getuser())
    store = open_store(Settings(data_dir=tmp_path))
    with store.read() as session:
        (row,) = session.scalars(select(AuditRow)).all()
        assert (row.actor, row.actor_kind, row.action, row.target) == (getpass.getuser(), "command", "model.teach", f"bolt/{made.model_id}")
    store.close()


def test_where_the_audit_log_takes_no_row_the_old_model_stays(opened: OpenStation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise ServiceError("The log is full.", cure="Free space.")

    monkeypatch.setattr(audit, "record", refuse)
    with pytest.raises(ServiceError):
        command.teach_with_bar(opened, tmp_path, "bolt", 5)
    assert not opened.station.models.is_taught("bolt")
