"""The outbox: messages to webhooks, written in the transaction of what they tell of, so that neither is there without the other."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel
from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from api.schemas_webhooks import PING, Attempt, Delivery, DeliveryDetail, DeliveryState, Webhook, WebhookEvent
from api.store import webhook_secrets
from api.store.clock import now
from api.store.tables_webhooks import AttemptRow, DeliveryRow, WebhookRow
from rig_configs.errors import Conflict, NotFound

LOG_KEPT = timedelta(days=30)
"""How long a message is kept once it is delivered or given up."""
_ERASED_AT_ONCE = 500


def announce(session: Session, event: WebhookEvent, data: BaseModel) -> None:
    """Add a message to every webhook that is told of such an event.

    Args:
        session: the transaction that makes it true.
        event: what happened.
        data: what is told of it.
    """
    for webhook in session.scalars(select(WebhookRow).where(WebhookRow.disabled.is_(None))):
        if event in webhook.events:
            _add(session, webhook, event, data.model_dump(mode="json"))


def ping(session: Session, webhook: WebhookRow) -> DeliveryRow:
    """Add a test message to one webhook.

    Raises:
        Conflict: it is disabled.
    """
    if webhook.disabled is not None:
        raise Conflict("This webhook is disabled.", cure="Enable it first.", detail="webhook_disabled")
    return _add(session, webhook, PING, {"webhook": webhook.id})


def _add(session: Session, webhook: WebhookRow, event: str, data: dict[str, Any]) -> DeliveryRow:
    moment = now()
    body = json.dumps({"type": event, "timestamp": moment.isoformat(), "data": data}, ensure_ascii=False, allow_nan=False)
    row = DeliveryRow(
        id=f"msg_{uuid.uuid4().hex}",
        webhook_id=webhook.id,
        event=event,
        body=body,
        state=DeliveryState.PENDING,
        attempts=0,
        created=moment,
        due=moment,
    )
    session.add(row)
    session.flush()
    return row


# -------------------------------------------------------------------------------------------------------- the sender's


def waiting(session: Session) -> dict[str, datetime]:
    """When each enabled webhook with messages that wait has its next one due."""
    query = (
        select(DeliveryRow.webhook_id, func.min(DeliveryRow.due))
        .join(WebhookRow, WebhookRow.id == DeliveryRow.webhook_id)
        .where(DeliveryRow.state == DeliveryState.PENDING, WebhookRow.disabled.is_(None))
        .group_by(DeliveryRow.webhook_id)
    )
    return {row[0]: row[1] for row in session.execute(query)}


def next_due(session: Session, webhook_id: str) -> tuple[WebhookRow, DeliveryRow] | None:
    """The oldest message that a webhook should be sent now, if any."""
    found = session.execute(
        select(WebhookRow, DeliveryRow)
        .join(DeliveryRow, WebhookRow.id == DeliveryRow.webhook_id)
        .where(WebhookRow.id == webhook_id, WebhookRow.disabled.is_(None), DeliveryRow.state == DeliveryState.PENDING, DeliveryRow.due <= now())
        .order_by(DeliveryRow.sequence)
        .limit(1)
    ).one_or_none()
    return None if found is None else (found[0], found[1])


def delivered(session: Session, sequence: int, attempt: Attempt, *, was_down: bool) -> None:
    """A message arrived. Where the receiver was down before, all that wait for it are due now."""
    row = _tried(session, sequence, attempt)
    if row is None:
        return
    row.state, row.finished = DeliveryState.DELIVERED, attempt.moment
    if was_down:
        session.execute(
            update(DeliveryRow).where(DeliveryRow.webhook_id == row.webhook_id, DeliveryRow.state == DeliveryState.PENDING).values(due=attempt.moment)
        )


def failed(session: Session, sequence: int, attempt: Attempt, again: datetime | None) -> None:
    """A message did not arrive; it is tried again, or given up where ``again`` is none."""
    row = _tried(session, sequence, attempt)
    if row is None:
        return
    if again is None:
        row.state, row.finished = DeliveryState.DEAD, attempt.moment
    else:
        row.due = again


def gone(session: Session, sequence: int, attempt: Attempt) -> None:
    """The receiver said that it wants no more (410): the webhook is disabled, and what waits for it is given up."""
    row = _tried(session, sequence, attempt)
    if row is None:
        return
    disable(session, session.get_one(WebhookRow, row.webhook_id), "The receiver answered 410 Gone.")


def disable(session: Session, webhook: WebhookRow, reason: str) -> None:
    """Tell a webhook nothing any more; what waits for it is given up."""
    webhook.disabled, webhook.disabled_reason = now(), reason
    session.execute(
        update(DeliveryRow)
        .where(DeliveryRow.webhook_id == webhook.id, DeliveryRow.state == DeliveryState.PENDING)
        .values(state=DeliveryState.DEAD, finished=webhook.disabled)
    )


def _tried(session: Session, sequence: int, attempt: Attempt) -> DeliveryRow | None:
    """Log a try; none where the webhook was deleted meanwhile."""
    row = session.get(DeliveryRow, sequence)
    if row is not None:
        row.attempts += 1
        session.add(AttemptRow(delivery=sequence, **attempt.model_dump()))
    return row


def erase_old(session: Session) -> int:
    """Erase a few of the messages that were finished long ago; returns how many."""
    old = select(DeliveryRow.sequence).where(DeliveryRow.finished < now() - LOG_KEPT).limit(_ERASED_AT_ONCE)
    sequences = list(session.scalars(old))
    _erase(session, sequences)
    return len(sequences)


def _erase(session: Session, sequences: list[int]) -> None:
    session.execute(delete(AttemptRow).where(AttemptRow.delivery.in_(sequences)))
    session.execute(delete(DeliveryRow).where(DeliveryRow.sequence.in_(sequences)))


# -------------------------------------------------------------------------------------------------------- the routes'


def get(session: Session, webhook_id: str) -> WebhookRow:
    """A webhook. Raises NotFound."""
    row = session.get(WebhookRow, webhook_id)
    if row is None:
        raise NotFound("There is no such webhook.", cure="GET /api/v1/webhooks lists all.", detail="webhook")
    return row


def remove(session: Session, webhook: WebhookRow) -> None:
    """Delete a webhook with its messages."""
    for sequences in _chunks(session, webhook.id):
        _erase(session, sequences)
    webhook_secrets.remove(session, webhook.id)
    session.delete(webhook)


def _chunks(session: Session, webhook_id: str) -> Iterator[list[int]]:
    while sequences := list(session.scalars(select(DeliveryRow.sequence).where(DeliveryRow.webhook_id == webhook_id).limit(_ERASED_AT_ONCE))):
        yield sequences


def delivery(session: Session, webhook_id: str, delivery_id: str) -> DeliveryRow:
    """A message to a webhook. Raises NotFound."""
    row = session.scalar(select(DeliveryRow).where(DeliveryRow.webhook_id == webhook_id, DeliveryRow.id == delivery_id))
    if row is None:
        raise NotFound(
            "This webhook has no such message.", cure="GET its deliveries; those finished more than 30 days ago are gone.", detail="delivery"
        )
    return row


def page(session: Session, webhook_id: str, state: DeliveryState | None, before: int | None, limit: int) -> tuple[list[DeliveryRow], int | None]:
    """Messages to a webhook, newest first, and the cursor of the next page."""
    query = select(DeliveryRow).where(DeliveryRow.webhook_id == webhook_id).order_by(DeliveryRow.sequence.desc()).limit(limit + 1)
    if state is not None:
        query = query.where(DeliveryRow.state == state)
    if before is not None:
        query = query.where(DeliveryRow.sequence < before)
    rows = list(session.scalars(query))
    return rows[:limit], rows[limit - 1].sequence if len(rows) > limit else None


def send_again(webhook: WebhookRow, row: DeliveryRow) -> None:
    """Make a message due now, whatever became of it; it keeps its identity.

    Raises:
        Conflict: its webhook is disabled.
    """
    if webhook.disabled is not None:
        raise Conflict("This webhook is disabled.", cure="Enable it first.", detail="webhook_disabled")
    row.state, row.due, row.finished, row.attempts = DeliveryState.PENDING, now(), None, 0


def webhook_of(row: WebhookRow) -> Webhook:
    """A row as a schema, without its secret."""
    return Webhook.model_validate({name: getattr(row, name) for name in Webhook.model_fields})


def delivery_of(row: DeliveryRow) -> Delivery:
    """A row as a line of the log."""
    due = row.due if row.state == DeliveryState.PENDING else None
    return Delivery.model_validate({name: getattr(row, name) for name in Delivery.model_fields} | {"due": due})


def detail_of(session: Session, row: DeliveryRow) -> DeliveryDetail:
    """A row whole, with every try."""
    tries = session.scalars(select(AttemptRow).where(AttemptRow.delivery == row.sequence).order_by(AttemptRow.sequence))
    log = [Attempt(moment=a.moment, status=a.status, error=a.error, seconds=a.seconds) for a in tries]
    return DeliveryDetail(**delivery_of(row).model_dump(), body=row.body, log=log)
