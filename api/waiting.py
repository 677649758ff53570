"""Waiting for a verdict."""

from __future__ import annotations

import asyncio
import contextlib

from fastapi.concurrency import run_in_threadpool

from api.schemas import Inspection, InspectionState
from api.store import inspections
from api.store.store import Store


async def finished(store: Store, inspection_id: str, wait_s: float) -> Inspection:
    """The inspection when it is finished, or as it is after ``wait_s``. Raises NotFound."""

    def look() -> Inspection:
        with store.read() as session:
            return inspections.inspection_of(inspections.get(session, inspection_id))

    loop = asyncio.get_running_loop()
    deadline = loop.time() + wait_s
    with store.bell.listen() as rung:
        while True:
            rung.clear()
            inspection = await run_in_threadpool(look)
            left_s = deadline - loop.time()
            if inspection.state is InspectionState.FINISHED or left_s <= 0:
                return inspection
            with contextlib.suppress(TimeoutError):  # not wait_for, which before Python 3.12 can lose a cancellation
                async with asyncio.timeout(left_s):
                    await rung.wait()
