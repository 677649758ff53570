"""``d3station db``: upkeep of the database."""

from __future__ import annotations

import getpass
import logging
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Any

import typer

from api.cli.common import DATA_DIR, DataDirOption, JsonOption, print_json, progress_bar, stderr

app = typer.Typer(no_args_is_help=True)


@app.callback()
def prepare() -> None:
    """Upkeep of the database: SQLite in the data folder, or what D3STATION_DATABASE names."""
    from api.log import configure_logging

    configure_logging(level=logging.WARNING)  # standard output is for results alone


@app.command()
def upgrade(
    with_backup: Annotated[bool, typer.Option("--backup/--no-backup", help="Whether to back up first, where anything has to change.")] = True,
    data_dir: DataDirOption = DATA_DIR,
) -> None:
    """Bring the database to the schema of this version; it is backed up first."""
    from api.settings import Settings
    from api.store.store import Store

    store = Store(Settings(data_dir=data_dir).database_url, data_dir)
    try:
        made = store.upgrade(backup_first=with_backup)
    finally:
        store.close()
    if made is not None:
        stderr.print(f"As it was before: {made}", markup=False, soft_wrap=True)
    stderr.print(f"The database in {data_dir} is up to date.", markup=False)


@app.command()
def backup(
    to: Annotated[Path | None, typer.Option(help="File to write; one of its own in the data folder's 'backups' when not given.")] = None,
    data_dir: DataDirOption = DATA_DIR,
) -> None:
    """Write a consistent copy of the database and print its name; the service may go on working meanwhile."""
    from api.settings import Settings
    from api.store.backup import backup

    sys.stdout.write(f"{backup(Settings(data_dir=data_dir).database_url, data_dir, to=to)}\n")


@app.command()
def restore(backup_file: Annotated[Path, typer.Argument(metavar="FILE", help="What 'db backup' wrote.")], data_dir: DataDirOption = DATA_DIR) -> None:
    """Put a backup in the database's place; the service must be stopped. What was there before is kept."""
    from api.service_lock import ServiceLock
    from api.settings import Settings
    from api.store import audit
    from api.store.backup import restore
    from api.store.database import known_revisions
    from api.store.store import open_store

    settings = Settings(data_dir=data_dir)
    data_dir.mkdir(parents=True, exist_ok=True)
    with ServiceLock(data_dir):
        before = restore(settings.database_url, data_dir, backup_file, known_revisions())
        store = open_store(settings)
        try:
            with store.write() as session:
                audit.record(session, audit.Actor(getpass.getuser(), "command"), "database.restore", backup_file.name)
        finally:
            store.close()
    stderr.print(f"{backup_file} is the database now." + (f" The one before: {before}" if before else ""), markup=False, soft_wrap=True)


@app.command()
def check(
    as_json: JsonOption = False,
    files: Annotated[bool, typer.Option("--files", help="Also read every file that is kept with inspections: hours on a large archive.")] = False,
    data_dir: DataDirOption = DATA_DIR,
) -> None:
    """Look for damage, for a schema of another version, for tampering with the audit log, and for files that are not what was stored.

    Exits 1 where there is any.
    """
    from api.settings import Settings
    from api.store.checking import check

    with progress_bar("Reading files") if files else nullcontext() as progress:
        report = check(Settings(data_dir=data_dir).database_url, data_dir, progress)
    if as_json:
        print_json(report.model_dump(mode="json"))
    else:
        _tell(report)
    if report.problems:
        raise typer.Exit(1)


def _tell(report: Any) -> None:
    for problem in report.problems:
        stderr.print(problem, style="bold red", markup=False)
    if not report.problems:
        stderr.print("The database is sound.")
    if report.files is not None:
        stderr.print(f"{report.files.files} files of {report.files.inspections} inspections were read; {report.files.wrong} are wrong.")
    stderr.print(
        f"Schema {report.revision}; {report.audit_rows} changes in the audit log, the last one is {report.audit_head_sha256}.",
        markup=False,
        soft_wrap=True,
    )
