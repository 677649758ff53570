"""Live events of the service: how much later the last of many listeners hears a verdict than the first."""

from __future__ import annotations

import asyncio
import json
import statistics
import threading
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx

from api.log import configure_logging
from api.settings import Settings
from api.store.store import open_store
from tests.benchmarks.bench_service import serving

LISTENERS = 200
INSPECTIONS = 10


def rows() -> list[dict[str, Any]]:
    """Rows of bench.json."""
    with TemporaryDirectory() as folder:
        configure_logging(Path(folder) / "log.jsonl")
        settings = Settings(data_dir=Path(folder), queue_limit=100, reserve_bytes=0)
        with serving(settings, open_store(settings)) as client:
            alone_s, many_s = (statistics.median(_last_heard(client, listeners)) for listeners in (1, LISTENERS))
    return [
        {
            "name": f"from a trigger's answer to its verdict at the last of {LISTENERS} listeners",
            "value": 1e3 * many_s,
            "unit": "ms",
            "against": f"{1e3 * alone_s:.0f} ms with one listener; median of {INSPECTIONS} inspections, a fake station",
            "bar": None,
            "holds": None,
        }
    ]


def _last_heard(client: httpx.Client, listeners: int) -> list[float]:
    """For each inspection the seconds until every listener has heard that it is finished."""
    heard: dict[str, list[float]] = {}
    ready, changed = threading.Semaphore(0), threading.Condition()

    async def listen(line: httpx.AsyncClient) -> None:
        async with line.stream("GET", "/events") as events:
            async for text in events.aiter_lines():
                if not text.startswith("data:"):
                    continue
                data = json.loads(text[5:])
                if data.get("state") == "finished" and "evaluation" in data:
                    with changed:
                        heard.setdefault(data["id"], []).append(time.perf_counter())
                        changed.notify_all()
                elif "queued" in data:  # the station's state, which every listener is told first
                    ready.release()

    async def all_listen() -> None:
        limits = httpx.Limits(max_connections=None)
        async with httpx.AsyncClient(base_url=client.base_url, headers=client.headers, timeout=None, limits=limits) as line:
            await asyncio.gather(*(listen(line) for _ in range(listeners)))

    loop = asyncio.new_event_loop()
    listening = loop.create_task(all_listen())
    thread = threading.Thread(target=_run, args=(loop, listening))
    thread.start()
    for _ in range(listeners):
        assert ready.acquire(timeout=60), "a listener was told nothing"
    taken: list[float] = []
    for _ in range(INSPECTIONS):
        posted = client.post("/inspections", json={"recipe": "bolt"}).raise_for_status().json()["id"]
        start = time.perf_counter()
        with changed:
            assert changed.wait_for(lambda posted=posted: len(heard.get(posted, ())) >= listeners, timeout=60)
            taken.append(max(heard[posted]) - start)
    loop.call_soon_threadsafe(listening.cancel)
    thread.join()
    return taken


def _run(loop: asyncio.AbstractEventLoop, task: asyncio.Task[None]) -> None:
    try:
        loop.run_until_complete(task)
    except asyncio.CancelledError:
        pass
    finally:
        loop.close()
