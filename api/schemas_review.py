"""What people say of inspections, as it crosses the REST boundary."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from api.schemas import PRINTABLE, Evaluation, Schema


class ReviewRequest(Schema):
    """Confirm or overrule a verdict."""

    evaluation: Literal[Evaluation.OK, Evaluation.NOT_OK] = Field(description="What the part is.")
    reason: str | None = Field(
        default=None, min_length=1, max_length=400, pattern=PRINTABLE, description="Why; needed where the verdict is overruled."
    )


class PinRequest(Schema):
    """Keep an inspection's files for good, or no longer."""

    is_pinned: bool = Field(description="Whether its files are kept for good.")
