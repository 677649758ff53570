"""The base of everything that is read from a file."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Strict(BaseModel):
    """Unknown keys are errors, values do not change once read."""

    model_config = ConfigDict(extra="forbid", frozen=True)
