"""Times as callers give them: RFC 3339 with a time zone. Pydantic alone would take a bare number for seconds since 1970."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AwareDatetime, BeforeValidator

_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)")


def _rfc3339(value: object) -> object:
    if isinstance(value, str) and not _RFC3339.fullmatch(value):
        raise ValueError("not a time with a time zone such as 2025-03-01T12:00:00Z or 2025-03-01T12:00:00+01:00 (write + as %2B)")
    return value


Moment = Annotated[AwareDatetime, BeforeValidator(_rfc3339)]
