"""Tables of what the station produces beside its inspections: their tally by quarter of an hour, and long work."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Float, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from api.store.tables import Base, Utc


class TallyRow(Base):
    """How many inspections of one kind were finished within a quarter of an hour; empty text stands for none.

    Statistics over years read some thousand of these in place of millions of inspections.
    """

    __tablename__ = "tallies"

    quarter: Mapped[datetime] = mapped_column(Utc, primary_key=True)
    recipe: Mapped[str] = mapped_column(String(100), primary_key=True)
    lot: Mapped[str] = mapped_column(String(100), primary_key=True)
    evaluation: Mapped[str] = mapped_column(String(20), primary_key=True)
    reviewed_as: Mapped[str] = mapped_column(String(20), primary_key=True)
    modality: Mapped[str] = mapped_column(String(20), primary_key=True)
    place: Mapped[str] = mapped_column(String(20), primary_key=True)
    reason_code: Mapped[str] = mapped_column(String(100), primary_key=True)
    inspections: Mapped[int] = mapped_column(Integer)

    __table_args__ = (Index("ix_tallies_recipe", "recipe", "quarter"), Index("ix_tallies_lot", "lot", "quarter"))


class TaskRow(Base):
    """Long work that somebody asked for: teaching, judging stored samples again."""

    __tablename__ = "tasks"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    recipe: Mapped[str] = mapped_column(String(100))
    state: Mapped[str] = mapped_column(String(20))
    share: Mapped[float] = mapped_column(Float)
    message: Mapped[str] = mapped_column(String(400))
    requested_by: Mapped[str] = mapped_column(String(100))
    created: Mapped[datetime] = mapped_column(Utc)
    finished: Mapped[datetime | None] = mapped_column(Utc)
    reason: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    result: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))

    __table_args__ = (Index("ix_tasks_created", "created"),)
