"""What webhooks' messages are signed with: kept sealed, and exchanged without a message that the receiver cannot verify."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from api.store.clock import now
from api.store.sealing import Sealing
from api.store.tables_webhooks import WebhookSecretRow


def add(session: Session, sealing: Sealing, webhook_id: str, secret: str) -> None:
    """Give a webhook its secret."""
    session.add(WebhookSecretRow(webhook_id=webhook_id, sealed=sealing.seal(secret), created=now()))
    session.flush()


def rotate(session: Session, sealing: Sealing, webhook_id: str, secret: str, overlap: timedelta) -> None:
    """Give a webhook another secret; messages are signed with the one before it, too, for the time of the overlap."""
    session.execute(delete(WebhookSecretRow).where(WebhookSecretRow.webhook_id == webhook_id, WebhookSecretRow.expires.is_not(None)))
    session.execute(update(WebhookSecretRow).where(WebhookSecretRow.webhook_id == webhook_id).values(expires=now() + overlap))
    add(session, sealing, webhook_id, secret)


def valid(session: Session, webhook_id: str) -> list[str]:
    """The sealed secrets that messages are signed with now, newest first."""
    query = select(WebhookSecretRow.sealed).where(
        WebhookSecretRow.webhook_id == webhook_id, or_(WebhookSecretRow.expires.is_(None), WebhookSecretRow.expires > now())
    )
    return list(session.scalars(query.order_by(WebhookSecretRow.sequence.desc())))


def remove(session: Session, webhook_id: str) -> None:
    """Forget a webhook's secrets."""
    session.execute(delete(WebhookSecretRow).where(WebhookSecretRow.webhook_id == webhook_id))
