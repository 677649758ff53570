"""The service's log: one JSON object a line, with the inspection it belongs to."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import structlog


class _StandardError(logging.Handler):
    """Writes to what standard error is at that moment, also where it is exchanged later (progress bars, tests)."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line."""
        print(self.format(record), file=sys.stderr, flush=True)


def configure_logging(file: Path | None = None, level: int = logging.INFO) -> None:
    """Send everything that is logged, by structlog or the standard library, to standard error or a file, as JSON.

    Args:
        file: where to; standard error when none is given.
        level: the least that is logged.

    Tracebacks are plain text: structlog's own pretty ones print local variables, which may be images or secrets.
    """
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=False,
    )
    handler = _StandardError() if file is None else logging.FileHandler(file, encoding="utf-8")
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared, processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, structlog.processors.JSONRenderer()]
        )
    )
    root = logging.getLogger()
    for old in [h for h in root.handlers if isinstance(h, _StandardError | logging.FileHandler)]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level)
    for noisy in ("alembic", "httpx", "matplotlib", "numba"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
