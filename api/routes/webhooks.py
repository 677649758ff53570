"""Webhooks: who is told of what, what became of each message, and sending it again."""

from __future__ import annotations

import uuid
from datetime import timedelta
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Path, Query, Response
from sqlalchemy import func, select

from api.mes.guard import AddressRefused, refuse_literal
from api.mes.signing import new_secret
from api.problems import documented
from api.schemas import Role
from api.schemas_webhooks import (
    Delivery,
    DeliveryDetail,
    DeliveryPage,
    DeliveryState,
    NewWebhook,
    SecretRotation,
    Webhook,
    WebhookChange,
    WebhookRequest,
)
from api.security import Principal, requires
from api.service import Service, Serving
from api.store import audit, outbox, webhook_secrets
from api.store.clock import now
from api.store.tables_webhooks import WebhookRow
from rig_configs.errors import Conflict, Unprocessable

router = APIRouter(prefix="/webhooks", tags=["webhooks"])

MAX_WEBHOOKS = 50
_ACCESS = documented(HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.SERVICE_UNAVAILABLE)
_FOUND = _ACCESS | documented(HTTPStatus.NOT_FOUND)
_BODY = documented(HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)

Admin = Annotated[Principal, requires(Role.ADMIN)]
WebhookId = Annotated[str, Path(description="Identity of the webhook.", max_length=40)]
DeliveryId = Annotated[str, Path(description="The message's webhook-id.", max_length=60)]


@router.get("", responses=_ACCESS)
def list_webhooks(_caller: Admin, service: Serving) -> list[Webhook]:
    """All webhooks, oldest first."""
    with service.store.read() as session:
        return [outbox.webhook_of(row) for row in session.scalars(select(WebhookRow).order_by(WebhookRow.created, WebhookRow.id))]


@router.post("", status_code=HTTPStatus.CREATED, responses=_ACCESS | _BODY | documented(HTTPStatus.CONFLICT))
def create_webhook(wanted: WebhookRequest, caller: Admin, service: Serving, response: Response) -> NewWebhook:
    """Have an address told of events. The answer holds the secret that messages are signed with; it is shown this once."""
    _refuse_address(service, wanted.url)
    row = WebhookRow(
        id=str(uuid.uuid4()),
        url=wanted.url,
        description=wanted.description,
        events=[event.value for event in dict.fromkeys(wanted.events)],
        created=now(),
    )
    secret = new_secret()
    with service.store.write() as session:
        if (session.scalar(select(func.count()).select_from(WebhookRow)) or 0) >= MAX_WEBHOOKS:
            raise Conflict(f"There are {MAX_WEBHOOKS} webhooks already.", cure="Delete one that is not used any more.", detail="webhooks")
        session.add(row)
        session.flush()
        webhook_secrets.add(session, service.store.sealing, row.id, secret)
        audit.record(session, caller, "webhook.create", row.id, after=outbox.webhook_of(row))
    response.headers["Location"] = f"/api/v1/webhooks/{row.id}"
    return NewWebhook(**outbox.webhook_of(row).model_dump(), secret=secret)


@router.get("/{webhook_id}", responses=_FOUND)
def get_webhook(webhook_id: WebhookId, _caller: Admin, service: Serving) -> Webhook:
    """One webhook, without its secret."""
    with service.store.read() as session:
        return outbox.webhook_of(outbox.get(session, webhook_id))


@router.patch("/{webhook_id}", responses=_FOUND | _BODY)
def change_webhook(webhook_id: WebhookId, change: WebhookChange, caller: Admin, service: Serving) -> Webhook:
    """Change a webhook. Disabling it gives up what waits for it."""
    if change.url is not None:
        _refuse_address(service, change.url)
    with service.store.write() as session:
        row = outbox.get(session, webhook_id)
        before = outbox.webhook_of(row)
        if change.url is not None:
            row.url = change.url
        if change.events is not None:
            row.events = [event.value for event in dict.fromkeys(change.events)]
        if change.description is not None:
            row.description = change.description
        if change.is_disabled is False:
            row.disabled = row.disabled_reason = None
        elif change.is_disabled and row.disabled is None:
            outbox.disable(session, row, f"Disabled by {caller.name}.")
        audit.record(session, caller, "webhook.change", row.id, before=before, after=outbox.webhook_of(row))
        return outbox.webhook_of(row)


@router.delete("/{webhook_id}", status_code=HTTPStatus.NO_CONTENT, responses=_FOUND)
def delete_webhook(webhook_id: WebhookId, caller: Admin, service: Serving) -> None:
    """Delete a webhook with its messages, delivered or not."""
    with service.store.write() as session:
        row = outbox.get(session, webhook_id)
        audit.record(session, caller, "webhook.delete", row.id, before=outbox.webhook_of(row))
        outbox.remove(session, row)


@router.post("/{webhook_id}/rotate-secret", responses=_FOUND | _BODY)
def rotate_webhook_secret(webhook_id: WebhookId, wanted: SecretRotation, caller: Admin, service: Serving) -> NewWebhook:
    """Give a webhook another secret, shown this once. For a while messages are signed with both, so that the receiver can be changed over."""
    secret, overlap = new_secret(), timedelta(hours=wanted.overlap_hours)
    with service.store.write() as session:
        row = outbox.get(session, webhook_id)
        webhook_secrets.rotate(session, service.store.sealing, row.id, secret, overlap)
        audit.record(session, caller, "webhook.rotate_secret", row.id, after=wanted)
        return NewWebhook(**outbox.webhook_of(row).model_dump(), secret=secret)


@router.post("/{webhook_id}/ping", status_code=HTTPStatus.ACCEPTED, responses=_FOUND | documented(HTTPStatus.CONFLICT))
def ping_webhook(webhook_id: WebhookId, caller: Admin, service: Serving) -> Delivery:
    """Send a test message of type `ping`. Follow it in the webhook's deliveries."""
    with service.store.write() as session:
        row = outbox.ping(session, outbox.get(session, webhook_id))
        audit.record(session, caller, "webhook.ping", webhook_id, after={"message": row.id})
        return outbox.delivery_of(row)


@router.get("/{webhook_id}/deliveries", responses=_FOUND)
def list_deliveries(
    webhook_id: WebhookId,
    _caller: Admin,
    service: Serving,
    state: Annotated[DeliveryState | None, Query(description="Only messages in this state; 'dead' are those given up.")] = None,
    cursor: Annotated[str | None, Query(pattern=r"^[0-9]{1,18}$", description="'next_cursor' of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=200, description="Lines on a page.")] = 50,
) -> DeliveryPage:
    """Messages to a webhook, newest first. Those finished more than 30 days ago are gone."""
    with service.store.read() as session:
        outbox.get(session, webhook_id)
        rows, following = outbox.page(session, webhook_id, state, int(cursor) if cursor else None, limit)
    return DeliveryPage(items=[outbox.delivery_of(row) for row in rows], next_cursor=None if following is None else str(following))


@router.get("/{webhook_id}/deliveries/{delivery_id}", responses=_FOUND)
def get_delivery(webhook_id: WebhookId, delivery_id: DeliveryId, _caller: Admin, service: Serving) -> DeliveryDetail:
    """A message with its body and every try."""
    with service.store.read() as session:
        return outbox.detail_of(session, outbox.delivery(session, webhook_id, delivery_id))


@router.post("/{webhook_id}/deliveries/{delivery_id}/resend", status_code=HTTPStatus.ACCEPTED, responses=_FOUND | documented(HTTPStatus.CONFLICT))
def resend_delivery(webhook_id: WebhookId, delivery_id: DeliveryId, caller: Admin, service: Serving) -> Delivery:
    """Send a message again now, delivered or given up; it keeps its webhook-id, so a receiver can tell that it is the same."""
    with service.store.write() as session:
        row = outbox.delivery(session, webhook_id, delivery_id)
        outbox.send_again(outbox.get(session, webhook_id), row)
        audit.record(session, caller, "webhook.resend", webhook_id, after={"message": row.id})
        return outbox.delivery_of(row)


def _refuse_address(service: Service, url: str) -> None:
    try:
        refuse_literal(url, service.settings.webhook_networks)
    except AddressRefused as refused:
        raise Unprocessable(
            f"Messages cannot be sent there: {refused}.", cure="Give another address, or ask an admin to allow its network.", detail="webhook_url"
        ) from refused
