"""``d3station access``: what scripts take from standard output is the key and nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from typer.testing import CliRunner, Result

from api.cli.access import app
from api.cli.db import app as db
from api.log import configure_logging
from rig_configs.errors import Conflict, NotFound, Unprocessable


@pytest.fixture(autouse=True)
def fresh_logging() -> Iterator[None]:
    """As in a new process."""
    structlog.reset_defaults()
    yield
    configure_logging()


@pytest.fixture
def password(tmp_path: Path) -> Path:
    file = tmp_path / "password"
    file.write_text("correct horse battery\n")
    return file


def run(tmp_path: Path, *arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [*map(str, arguments), "--data-dir", str(tmp_path / "data")])


def test_keys_and_links_are_printed_alone(tmp_path: Path) -> None:
    key = run(tmp_path, "key", "plc", "--scope", "trigger", "--days", "30")
    assert key.exit_code == 0
    assert key.stdout.startswith("d3_")
    assert key.stdout.count("\n") == 1
    link = run(tmp_path, "link", "--role", "engineer", "--url", "http://station")
    assert link.stdout.startswith("http://station/#/sign-in/")
    assert link.stdout.count("\n") == 1
    (listed,) = json.loads(run(tmp_path, "keys", "--json").stdout)
    assert (listed["name"], listed["scope"], listed["last_used"]) == ("plc", "trigger", None)
    assert listed["expires"]
    assert run(tmp_path, "revoke", "plc").exit_code == 0
    assert "revoked" in run(tmp_path, "keys").stdout
    assert isinstance(run(tmp_path, "revoke", "none").exception, NotFound)
    backup = CliRunner().invoke(db, ["backup", "--data-dir", str(tmp_path / "data")])
    assert Path(backup.stdout.strip()).is_file()


def test_users_are_made_changed_and_locked_out(tmp_path: Path, password: Path) -> None:
    assert run(tmp_path, "user", "mary", "--role", "admin", "--password-file", password).exit_code == 0
    assert run(tmp_path, "user", "carl", "--password-file", password).exit_code == 0
    assert run(tmp_path, "user", "carl", "--role", "engineer").exit_code == 0
    assert run(tmp_path, "user", "carl", "--disable").exit_code == 0
    assert isinstance(run(tmp_path, "user", "mary", "--disable").exception, Conflict)
    assert isinstance(run(tmp_path, "user", "Bad Name", "--password-file", password).exception, Unprocessable)
    mary, carl = sorted(json.loads(run(tmp_path, "users", "--json").stdout), key=lambda user: user["role"])
    assert (mary["name"], mary["role"], mary["disabled"]) == ("mary", "admin", None)
    assert (carl["name"], carl["role"]) == ("carl", "engineer")
    assert carl["disabled"]
