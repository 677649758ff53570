"""Tables of the station's database, and what all of its tables are made of. Every change needs a migration; a test compares the two."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Boolean, DateTime, Dialect, Float, ForeignKey, Index, Integer, MetaData, String, TypeDecorator, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

BIG = BigInteger().with_variant(Integer, "sqlite")


class Utc(TypeDecorator[datetime]):
    """A time in UTC. SQLite forgets time zones, so both ways are explicit; a time without a zone is refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a time zone cannot be stored")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """From UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """Base of all tables; constraints have names, so that later migrations can change them."""

    metadata = MetaData(
        naming_convention={
            "pk": "pk_%(table_name)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
        }
    )


class InspectionRow(Base):
    """One inspection; while it is not finished, also its place in the queue."""

    __tablename__ = "inspections"

    sequence: Mapped[int] = mapped_column(BIG, primary_key=True, autoincrement=True)
    """Order of acceptance: the queue runs up it, the history pages down it."""
    id: Mapped[str] = mapped_column(String(40), unique=True)
    state: Mapped[str] = mapped_column(String(20))
    stage: Mapped[str | None] = mapped_column(String(20))
    evaluation: Mapped[str] = mapped_column(String(20))
    reason: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    recipe: Mapped[str] = mapped_column(String(100))
    serial: Mapped[str | None] = mapped_column(String(100))
    lot: Mapped[str | None] = mapped_column(String(100))
    order: Mapped[str | None] = mapped_column("production_order", String(100))
    station: Mapped[str] = mapped_column(String(100))
    requested_by: Mapped[str] = mapped_column(String(100))
    created: Mapped[datetime] = mapped_column(Utc)
    started: Mapped[datetime | None] = mapped_column(Utc)
    finished: Mapped[datetime | None] = mapped_column(Utc)
    score: Mapped[float | None] = mapped_column(Float)
    threshold: Mapped[float | None] = mapped_column(Float)
    is_simulated: Mapped[bool] = mapped_column(Boolean)
    banks: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    regions: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    timings: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    provenance: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    artifacts: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    width_px: Mapped[int | None] = mapped_column(Integer)
    height_px: Mapped[int | None] = mapped_column(Integer)
    pixel_pitch_mm: Mapped[float | None] = mapped_column(Float)
    operator: Mapped[str | None] = mapped_column(String(100))
    deadline: Mapped[datetime | None] = mapped_column(Utc)
    recipe_version: Mapped[int | None] = mapped_column(Integer)
    model_id: Mapped[str | None] = mapped_column(String(100))
    reason_code: Mapped[str | None] = mapped_column(String(100))
    modality: Mapped[str | None] = mapped_column(String(20))
    """The bank that saw the strongest region; none where there is no region."""
    place: Mapped[str | None] = mapped_column(String(20))
    """Where in the image the strongest region is; see :func:`api.store.tallies.place_of`."""
    is_reviewed: Mapped[bool] = mapped_column(Boolean, default=False)
    reviewed_as: Mapped[str | None] = mapped_column(String(20))
    """What the last review says; ``evaluation`` stays what the station said."""
    reviews: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    is_pinned: Mapped[bool] = mapped_column(Boolean, default=False)
    kept_bytes: Mapped[int] = mapped_column(BIG, default=0)
    """What its files take on the disk."""
    files_removed: Mapped[datetime | None] = mapped_column(Utc)
    """When retention took its files."""

    __table_args__ = (
        Index("ix_inspections_state", "state", "sequence"),
        Index("ix_inspections_serial", "serial", "sequence"),
        Index("ix_inspections_lot", "lot", "sequence"),
        Index("ix_inspections_recipe", "recipe", "sequence"),
        Index("ix_inspections_evaluation", "evaluation", "sequence"),
        Index("ix_inspections_created", "created", "sequence"),
        Index("ix_inspections_order", "production_order", "sequence"),
        Index("ix_inspections_finished", "finished", "evaluation"),
        Index("ix_inspections_recipe_evaluation", "recipe", "evaluation", "sequence"),
        Index("ix_inspections_reviewed", "is_reviewed", "sequence"),
        Index("ix_inspections_model", "recipe", "model_id", "sequence"),
        Index(
            "ix_inspections_kept", "is_pinned", "evaluation", "sequence", sqlite_where=text("kept_bytes > 0"), postgresql_where=text("kept_bytes > 0")
        ),
        {"sqlite_autoincrement": True},
    )


class IdempotencyRow(Base):
    """Which request a key stood for."""

    __tablename__ = "idempotency_keys"

    key: Mapped[str] = mapped_column(String(200), primary_key=True)
    request_sha256: Mapped[str] = mapped_column(String(64))
    inspection_id: Mapped[str] = mapped_column(ForeignKey("inspections.id"))
    created: Mapped[datetime] = mapped_column(Utc)


class EventRow(Base):
    """Something listeners were told, kept so that one who was away can catch up."""

    __tablename__ = "events"

    id: Mapped[int] = mapped_column(BIG, primary_key=True, autoincrement=True)
    type: Mapped[str] = mapped_column(String(40))
    data: Mapped[dict[str, Any]] = mapped_column(JSON)
    created: Mapped[datetime] = mapped_column(Utc)

    __table_args__ = ({"sqlite_autoincrement": True},)
