"""Signing messages by Standard Webhooks (https://www.standardwebhooks.com, version 1)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets

PREFIX = "whsec_"


def new_secret() -> str:
    """A secret of 256 random bits, as the receiver has to enter it."""
    return PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def signed_headers(secret: str, message_id: str, timestamp_s: int, body: bytes) -> dict[str, str]:
    """The headers that let a receiver see who sent a message, that it is whole, and when it was sent.

    Args:
        secret: of :func:`new_secret`.
        message_id: the same at every try.
        timestamp_s: when it is sent, seconds since 1970.
        body: exactly what is sent.
    """
    key = base64.b64decode(secret.removeprefix(PREFIX))
    signature = hmac.digest(key, f"{message_id}.{timestamp_s}.".encode() + body, hashlib.sha256)
    return {"webhook-id": message_id, "webhook-timestamp": str(timestamp_s), "webhook-signature": f"v1,{base64.b64encode(signature).decode()}"}
