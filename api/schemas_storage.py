"""The disk and the backups as they cross the REST boundary."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from api.retention import Why
from api.schemas import Schema


class Storage(Schema):
    """The disk of the data folder, and how long files are kept on it."""

    free_bytes: int = Field(description="Free space, bytes.")
    total_bytes: int = Field(description="Size of the disk, bytes.")
    reserve_bytes: int = Field(description="Space that results leave free, bytes; below it inspections are refused with 507.")
    inspections_with_files: int = Field(description="Inspections whose files are kept.")
    pinned: int = Field(description="Of those, how many are pinned and stay.")
    kept_bytes: int = Field(description="What those files take, bytes.")
    keep_days: float = Field(description="How long files are kept, days.")
    keep_days_not_ok: float = Field(description="How long files of what is NotOK, or was found so, are kept, days.")
    keep_count: int | None = Field(description="Of how many inspections at most files are kept; none means any number.")
    orphans: list[str] = Field(description="Folders that belonged to no inspection when the service started; the first hundred. They are left alone.")


class GoingFiles(Schema):
    """Files that one rule would remove."""

    why: Why = Field(description="By age, because there are more than shall be kept, or because the disk gets full.")
    inspections: int = Field(description="Of how many inspections.")
    size_bytes: int = Field(description="What they take, bytes.")
    oldest: datetime = Field(description="When the oldest of these inspections was asked for (UTC).")
    newest: datetime = Field(description="When the newest was (UTC).")


class RetentionPreview(Schema):
    """What would be removed now."""

    going: list[GoingFiles] = Field(description="By rule, in the order in which they go.")
    inspections: int = Field(description="Inspections that would lose their files; their records stay.")
    size_bytes: int = Field(description="What would become free, bytes.")


class Backup(Schema):
    """A backup of the database in the data folder."""

    name: str = Field(description="Name of the file.")
    created: datetime = Field(description="When it was written (UTC).")
    size_bytes: int = Field(description="Its size, bytes.")
    url: str = Field(description="Where to get it.")
    restore_command: str = Field(description="What puts it in the database's place, on the station's computer, once the service is stopped.")


class BackupCheck(Schema):
    """What looking into a backup found."""

    name: str = Field(description="Name of the file.")
    is_sound: bool = Field(description="Whether it could be put back.")
    problems: list[str] = Field(description="What is wrong with it; empty where nothing is.")
    sha256: str = Field(description="SHA-256 of the file, to compare a copy elsewhere with.")
