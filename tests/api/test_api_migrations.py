"""Databases of earlier schemas keep what is in them when they are brought up to date."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command

from api import statistics
from api.schemas_statistics import By, Cause, Verdict
from api.settings import Settings
from api.shifts import Calendar
from api.statistics import Span
from api.store import outbox, webhook_secrets
from api.store.database import known_revisions, migration_config
from api.store.store import Store
from api.store.tables import InspectionRow

START = datetime(2026, 11, 2, 6, tzinfo=UTC)
REGION = {"x_px": 80, "y_px": 70, "width_px": 10, "height_px": 10, "area_mm2": 1.2, "peak": 2.0, "modality": "pseudo3d"}
FIRST = known_revisions()[-1]


def old_row(number: int, evaluation: str) -> dict[str, object]:
    """An inspection as the first schema has it; the last of four still runs."""
    finished = START + timedelta(minutes=number)
    return {
        "id": f"i{number}", "state": "running" if number == 3 else "finished", "evaluation": evaluation, "recipe": "bolt", "lot": "L1", "station": "s",
        "requested_by": "line-3", "created": finished, "finished": None if number == 3 else finished, "score": 0.4, "threshold": 1.0,
        "is_simulated": True, "banks": [], "regions": [REGION] if evaluation == "NotOK" else [],
        "provenance": {"model_id": "d3m-1"}, "artifacts": [{"name": "rgb.png", "size_bytes": 7}, {"name": "xyz.tiff", "size_bytes": 5}],
        "reason": {"code": "device.frame_timeout", "message": "m", "cure": "c"} if evaluation == "NotDecidable" else None,
        "width_px": 90, "height_px": 90,
    }  # fmt: skip


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str | None:
    """URL of a database without a schema; none for SQLite in the data folder."""
    if request.param == "sqlite":
        return None
    server = request.getfixturevalue("postgresql")
    monkeypatch.setenv("PATH", f"{server.programs}:/usr/bin:/bin")  # a migration begins with a backup
    return server.new_database(empty=True)


def test_inspections_of_the_first_schema_are_kept_and_counted(tmp_path: Path, empty_database: str | None) -> None:
    settings = Settings(data_dir=tmp_path / "data", database=empty_database)
    settings.data_dir.mkdir()
    store = Store(settings.database_url, settings.data_dir)
    try:
        with store.engine.begin() as connection:
            command.upgrade(migration_config(connection), FIRST)
            table = sa.Table("inspections", sa.MetaData(), autoload_with=connection)
            for name in ("banks", "regions", "provenance", "artifacts", "reason"):
                table.c[name].type = sa.JSON(none_as_null=True)
            connection.execute(sa.insert(table), [old_row(n, said) for n, said in enumerate(("OK", "NotOK", "NotDecidable", "Undefined"))])
        store.upgrade()
        with store.read() as session:
            rows = session.scalars(sa.select(InspectionRow).order_by(InspectionRow.sequence)).all()
            span = Span.of(START - timedelta(days=1), START + timedelta(days=1))
            counted = statistics.yields(session, span, By.RECIPE, Verdict.STATION, Calendar(UTC, ())).overall
            places = statistics.pareto(session, span, Cause.PLACE, Verdict.STATION)
            reasons = statistics.pareto(session, span, Cause.REASON, Verdict.STATION)
        assert [row.id for row in rows] == ["i0", "i1", "i2", "i3"]
        assert {row.model_id for row in rows} == {"d3m-1"}
        assert {row.kept_bytes for row in rows} == {12}
        assert not any(row.is_reviewed or row.reviews for row in rows)
        assert (counted.ok, counted.not_ok, counted.not_decidable) == (1, 1, 1)  # what still ran is counted when it ends
        assert [(cause.cause, cause.inspections) for cause in places.causes] == [(rows[1].place, 1)]
        assert rows[1].place == "lowerright"
        assert [cause.cause for cause in reasons.causes] == ["device.frame_timeout"]
    finally:
        store.close()


def test_secrets_of_webhooks_that_lay_open_are_sealed(tmp_path: Path, empty_database: str | None) -> None:
    settings = Settings(data_dir=tmp_path / "data", database=empty_database)
    store = Store(settings.database_url, settings.data_dir)
    try:
        with store.engine.begin() as connection:
            command.upgrade(migration_config(connection), "0003")
            table = sa.Table("webhooks", sa.MetaData(), autoload_with=connection)
            row = {"id": "hook", "url": "https://mes.test/", "description": "", "events": "[]", "secret": "whsec_abc", "created": START}
            connection.execute(sa.insert(table), row)
            deliveries = sa.Table("webhook_deliveries", sa.MetaData(), autoload_with=connection)
            message = {
                "id": "msg",
                "webhook_id": "hook",
                "event": "ping",
                "body": "{}",
                "state": "pending",
                "attempts": 0,
                "created": START,
                "due": START,
            }
            connection.execute(sa.insert(deliveries), message)
        store.upgrade()
        with store.read() as session:
            (sealed,) = webhook_secrets.valid(session, "hook")
            assert outbox.delivery(session, "hook", "msg").body == "{}"
        assert "whsec" not in sealed
        assert store.sealing.open(sealed) == "whsec_abc"
        assert "secret" not in {column["name"] for column in sa.inspect(store.engine).get_columns("webhooks")}
        assert (settings.data_dir / "keys" / "secrets.key").stat().st_mode & 0o777 == 0o600
    finally:
        store.close()
