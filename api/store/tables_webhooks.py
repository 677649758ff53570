"""Tables of webhooks: who is told, what is still to be delivered, and what came of each try."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import JSON, Float, ForeignKey, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from api.store.tables import BIG, Base, Utc


class WebhookRow(Base):
    """An address that is told of events."""

    __tablename__ = "webhooks"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    url: Mapped[str] = mapped_column(String(2000))
    description: Mapped[str] = mapped_column(String(200))
    events: Mapped[list[str]] = mapped_column(JSON)
    created: Mapped[datetime] = mapped_column(Utc)
    disabled: Mapped[datetime | None] = mapped_column(Utc)
    disabled_reason: Mapped[str | None] = mapped_column(String(500))


class WebhookSecretRow(Base):
    """What messages to a webhook are signed with; two of them while a receiver is changed from one to the other."""

    __tablename__ = "webhook_secrets"

    sequence: Mapped[int] = mapped_column(BIG, primary_key=True, autoincrement=True)
    webhook_id: Mapped[str] = mapped_column(ForeignKey("webhooks.id"))
    sealed: Mapped[str] = mapped_column(String(300))
    """See :class:`api.store.sealing.Sealing`."""
    created: Mapped[datetime] = mapped_column(Utc)
    expires: Mapped[datetime | None] = mapped_column(Utc)
    """Until when messages are signed with it, too; none for the one that stays."""

    __table_args__ = (Index("ix_webhook_secrets_webhook", "webhook_id", "sequence"), {"sqlite_autoincrement": True})


class DeliveryRow(Base):
    """A message to one webhook: the outbox until it is delivered or given up, the delivery log after that."""

    __tablename__ = "webhook_deliveries"

    sequence: Mapped[int] = mapped_column(BIG, primary_key=True, autoincrement=True)
    id: Mapped[str] = mapped_column(String(60), unique=True)
    """The ``webhook-id``: the same at every try, so that a receiver can tell a repeated message."""
    webhook_id: Mapped[str] = mapped_column(ForeignKey("webhooks.id"))
    event: Mapped[str] = mapped_column(String(60))
    body: Mapped[str] = mapped_column(Text)
    """Exactly what is sent and signed."""
    state: Mapped[str] = mapped_column(String(20))
    attempts: Mapped[int] = mapped_column(Integer)
    created: Mapped[datetime] = mapped_column(Utc)
    due: Mapped[datetime] = mapped_column(Utc)
    finished: Mapped[datetime | None] = mapped_column(Utc)

    __table_args__ = (
        Index("ix_webhook_deliveries_due", "state", "due"),
        Index("ix_webhook_deliveries_webhook", "webhook_id", "sequence"),
        Index("ix_webhook_deliveries_finished", "finished"),
        {"sqlite_autoincrement": True},
    )


class AttemptRow(Base):
    """One try to deliver a message."""

    __tablename__ = "webhook_attempts"

    sequence: Mapped[int] = mapped_column(BIG, primary_key=True, autoincrement=True)
    delivery: Mapped[int] = mapped_column(ForeignKey("webhook_deliveries.sequence"))
    moment: Mapped[datetime] = mapped_column(Utc)
    status: Mapped[int | None] = mapped_column(Integer)
    """What the receiver answered; none where nobody did."""
    error: Mapped[str | None] = mapped_column(String(500))
    seconds: Mapped[float] = mapped_column(Float)

    __table_args__ = (Index("ix_webhook_attempts_delivery", "delivery"), {"sqlite_autoincrement": True})
