"""What crosses the REST boundary about webhooks."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from api.schemas import PRINTABLE, Schema


class WebhookEvent(StrEnum):
    """What a webhook can be told."""

    INSPECTION_FINISHED = "inspection.finished"
    INSPECTION_REVIEWED = "inspection.reviewed"
    STATION_ERROR = "station.error"
    STATION_RECOVERED = "station.recovered"


PING = "ping"
"""The event of a test message."""


class DeliveryState(StrEnum):
    """Where a message is."""

    PENDING = "pending"
    DELIVERED = "delivered"
    DEAD = "dead"


WebhookUrl = Annotated[str, Field(min_length=8, max_length=2000, pattern=r"^https?://[\x21-\x7e]+$")]
Events = Annotated[list[WebhookEvent], Field(min_length=1, max_length=len(WebhookEvent))]

# ---------------------------------------------------------------------------------------------------------- requests


class WebhookRequest(Schema):
    """Make a webhook."""

    url: WebhookUrl = Field(description="Where messages are sent: http or https, without user name or password.")
    events: Events = Field(default=[WebhookEvent.INSPECTION_FINISHED], description="What it is told of.")
    description: str = Field(default="", max_length=200, pattern=PRINTABLE, description="What it is for.")


class WebhookChange(Schema):
    """Change a webhook; what is not given stays."""

    url: WebhookUrl | None = Field(default=None, description="Where messages are sent from now on, those that wait too.")
    events: Events | None = Field(default=None, description="What it is told of from now on.")
    description: str | None = Field(default=None, max_length=200, pattern=PRINTABLE, description="What it is for.")
    is_disabled: bool | None = Field(default=None, description="Whether it is told nothing any more; enabled again, it is told of what happens then.")


class SecretRotation(Schema):
    """Exchange a webhook's secret."""

    overlap_hours: float = Field(default=24.0, ge=0, le=720, description="How long messages are signed with the secret before, too, h.")


# ----------------------------------------------------------------------------------------------------------- answers


class Webhook(Schema):
    """An address that is told of events."""

    id: str = Field(description="Identity of the webhook.")
    url: str = Field(description="Where messages are sent.")
    events: list[WebhookEvent] = Field(description="What it is told of.")
    description: str = Field(description="What it is for.")
    created: datetime = Field(description="When it was made (UTC).")
    disabled: datetime | None = Field(description="Since when it is told nothing any more (UTC); none otherwise.")
    disabled_reason: str | None = Field(description="Why it is disabled; none otherwise.")


class NewWebhook(Webhook):
    """A webhook that was just made, or was given another secret."""

    secret: str = Field(description="What its messages are signed with; it is shown this once.")


class Attempt(Schema):
    """One try to deliver a message."""

    moment: datetime = Field(description="When (UTC).")
    status: int | None = Field(description="HTTP status that the receiver answered; none where nobody answered.")
    error: str | None = Field(description="Why it failed; none where it did not.")
    seconds: float = Field(description="How long it took, s.")


class Delivery(Schema):
    """A message to one webhook."""

    id: str = Field(description="The message's webhook-id, the same at every try.")
    event: str = Field(description="What it tells of.")
    state: DeliveryState = Field(description="pending, delivered, or dead: given up.")
    attempts: int = Field(description="How often it was tried.")
    created: datetime = Field(description="When the event happened (UTC).")
    due: datetime | None = Field(description="When it is tried next (UTC); none unless pending.")
    finished: datetime | None = Field(description="When it was delivered or given up (UTC).")


class DeliveryDetail(Delivery):
    """A message to one webhook, whole."""

    body: str = Field(description="What is sent.")
    log: list[Attempt] = Field(description="Every try, oldest first.")


class DeliveryPage(Schema):
    """Messages to a webhook, newest first."""

    items: list[Delivery] = Field(description="The messages.")
    next_cursor: str | None = Field(description="Give it back as 'cursor' for the next page; none at the end.")
