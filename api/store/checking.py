"""Whether a database is sound, of this version, and its audit log untouched."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pydantic import BaseModel, Field
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from api.store import audit
from api.store.artifacts import ArtifactFolders
from api.store.backup import problems_of, sqlite_file
from api.store.checking_files import FilesReport, check_files
from api.store.database import current_revision, known_revisions, make_engine
from rig_configs.errors import NotFound


class DatabaseReport(BaseModel):
    """What checking a database found."""

    database: str = Field(description="What was checked.")
    revision: str | None = Field(description="The schema it has.")
    problems: list[str] = Field(description="What is wrong; empty where it is sound.")
    audit_rows: int = Field(description="Changes in the audit log, up to the first broken one.")
    audit_head_sha256: str | None = Field(description="Hash of the last of these. Noted elsewhere, it tells of changes that were cut off.")
    files: FilesReport | None = Field(default=None, description="What was found of the files of inspections; none where they were not read.")


def check(database_url: str, data_dir: Path, files: Callable[[float, str], None] | None = None) -> DatabaseReport:
    """Check a database; writes nothing, and a service may go on working meanwhile.

    Args:
        database_url: the database.
        data_dir: the data folder.
        files: told how far the files of inspections are read, too; without it they are not.

    Raises:
        NotFound: there is none.
    """
    file = sqlite_file(database_url)
    report = DatabaseReport(database=str(file or "PostgreSQL"), revision=None, problems=[], audit_rows=0, audit_head_sha256=None)
    if file is not None:
        if not file.is_file():
            raise NotFound(f"There is no database in {data_dir}.", cure="Name the data folder with --data-dir.", detail="database")
        report.problems += problems_of(file)
        if report.problems:
            return report
    engine = make_engine(database_url)
    try:
        report.revision, known = current_revision(engine), known_revisions()
        if report.revision != known[0]:
            report.problems.append(f"The schema is {report.revision}, of this version it is {known[0]}. Run: d3station db upgrade")
            return report
        with Session(engine) as session:
            chain = audit.check(session)
        report.audit_rows, report.audit_head_sha256 = chain.rows, chain.head_sha256
        if chain.broken:
            report.problems.append(f"The audit log was tampered with: {chain.broken}.")
        if files is not None:
            report.files = check_files(engine, ArtifactFolders(data_dir / "artifacts"), files)
            report.problems += report.files.problems
    except SQLAlchemyError as error:
        report.problems.append(f"The database does not answer: {type(error).__name__}.")
    finally:
        engine.dispose()
    return report
