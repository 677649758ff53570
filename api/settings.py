"""How the service is set up: environment variables that begin with ``D3STATION_``, or arguments."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfoNotFoundError

from pydantic import Field, IPvAnyNetwork, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from api.shifts import time_zone


class Settings(BaseSettings):
    """Settings of the service. Each can be given as ``D3STATION_<NAME>`` in the environment."""

    model_config = SettingsConfigDict(env_prefix="D3STATION_", extra="forbid")

    data_dir: Path = Field(default=Path("d3station-data"), description="Folder for the database and the files kept with inspections.")
    database: str | None = Field(
        default=None,
        description="SQLAlchemy URL of the database, such as postgresql+psycopg://user@host/d3station; SQLite in data_dir when not given.",
    )
    station_name: str = Field(default="station-1", min_length=1, max_length=100, description="Name of the station, written on every inspection.")
    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(default=8000, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    session_hours: float = Field(default=12.0, gt=0, le=24 * 31, description="How long a signed-in browser stays signed in, h.")
    trusted_recipe_keys: tuple[str, ...] = Field(
        default=(), description="Fingerprints of other stations' signing keys whose recipes may be imported, as a JSON list in the environment."
    )
    reserve_bytes: int = Field(
        default=500_000_000,
        ge=0,
        description="Space that results leave free on the disk, bytes; when it is touched, inspections are refused with 507.",
    )
    keep_days: float = Field(default=90.0, gt=0, description="How long the files of an inspection are kept, days.")
    keep_days_not_ok: float = Field(default=730.0, gt=0, description="How long the files of what is NotOK, or was found so, are kept, days.")
    keep_count: int | None = Field(default=None, ge=1, description="Of how many inspections at most files are kept; any number when not given.")
    cache_bytes: int = Field(default=1_000_000_000, ge=0, description="What tiles and small clouds, made on demand, may take on the disk, bytes.")
    plant_time_zone: str = Field(
        default="UTC", max_length=60, description="IANA name of the plant's time zone, by which days and shifts are counted."
    )
    shift_starts: tuple[Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):(00|15|30|45)$")], ...] = Field(
        default=("06:00", "14:00", "22:00"),
        min_length=1,
        max_length=24,
        description="When shifts begin, local time, as a JSON list in the environment.",
    )
    calibration_days: float = Field(default=180.0, gt=0, description="Age from which a calibration is warned of, days.")
    deadline_s: float = Field(default=600.0, gt=0, le=86_400, description="Within what time an inspection has its verdict, or ends NotDecidable, s.")
    queue_limit: int = Field(default=20, ge=1, le=10_000, description="Inspections that may wait; more are refused with 503 and Retry-After.")

    reachable_without_admin: bool = Field(
        default=False,
        description="Listen beyond this machine although no admin has a password; for a container whose port is published to its own machine alone.",
    )
    tls_certificate: Path | None = Field(default=None, description="PEM file with the certificate and those it is signed by; with it, HTTPS.")
    tls_key: Path | None = Field(default=None, description="PEM file with the certificate's private key.")
    trusted_proxies: str = Field(
        default="", description="Addresses of reverse proxies whose X-Forwarded-For and -Proto are believed, separated by commas; none by default."
    )
    webhook_networks: list[IPvAnyNetwork] = Field(
        default=[], description='Private networks that webhooks may lead into, such as ["10.2.0.0/16"]; public addresses are always allowed.'
    )

    @field_validator("plant_time_zone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        try:
            time_zone(name)
        except (ZoneInfoNotFoundError, ValueError) as cause:
            raise ValueError(f"there is no time zone '{name}'; give an IANA name such as Europe/Berlin") from cause
        return name

    @field_validator("shift_starts")
    @classmethod
    def _rising(cls, starts: tuple[str, ...]) -> tuple[str, ...]:
        if list(starts) != sorted(set(starts)):
            raise ValueError("shift_starts must rise: give the earliest first")
        return starts

    @property
    def database_url(self) -> str:
        """SQLAlchemy URL of the database in use."""
        return self.database or f"sqlite:///{(self.data_dir / 'd3station.sqlite3').resolve()}"
