"""The service with a million inspections: list, get and statistics over HTTP, beside the same question put to SQLite directly; and what
overlapping the stages gains."""

from __future__ import annotations

import json
import random
import sqlite3
import statistics
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import uvicorn

from api.app import create_app
from api.log import configure_logging
from api.schemas import Role
from api.settings import Settings
from api.store.store import Store, open_store
from api.store.tallies import place_of, quarter_of

sys.path.insert(0, str(Path(__file__).parents[1] / "api"))  # the fake station is shared with the service's tests

from fake_station import FakeStation

INSPECTIONS = 1_000_000
REQUESTS = 300
START = datetime(2025, 1, 1, tzinfo=UTC)
EVERY_S = 31  # a year of inspections without a stop


def rows() -> list[dict]:
    """Rows of bench.json."""
    with TemporaryDirectory() as folder:
        configure_logging(Path(folder) / "log.jsonl")
        settings = Settings(data_dir=Path(folder), reserve_bytes=0)
        store = open_store(settings)
        start = time.perf_counter()
        ids = fill(store, INSPECTIONS)
        filled_s = time.perf_counter() - start
        size_gb = sum(path.stat().st_size for path in Path(folder).glob("*.sqlite3*")) / 1e9
        found = [_row("a million inspections, filled in bulk", filled_s, "s", f"{size_gb:.1f} GB")]
        station = FakeStation()
        for number in range(5):
            station.models.create(f"recipe_{number}", "bench", "", model_id="m")
        with serving(settings, store, station) as client:
            found += _measured(client, Path(folder) / "d3station.sqlite3", ids)
    return [*found, *_overlap()]


def fill(store: Store, count: int) -> list[str]:
    """Write so many finished inspections and their tallies; returns some of their identities."""
    rng = random.Random(1)
    raw = sqlite3.connect(store.data_dir / "d3station.sqlite3")
    raw.execute("PRAGMA synchronous=OFF")
    indices = raw.execute("SELECT name, sql FROM sqlite_master WHERE type='index' AND tbl_name='inspections' AND sql IS NOT NULL").fetchall()
    for name, _ in indices:
        raw.execute(f'DROP INDEX "{name}"')
    banks = json.dumps([{"name": name, "score": 0.31234567, "limit": 1.0} for name in ("rgb", "pseudo3d", "fused")])
    timings = json.dumps({"capture": 2.1, "photometric": 0.2, "structured_light": 0.4, "inference": 1.1, "total": 4.0})
    provenance = json.dumps(
        {"rig": "demo", "rig_sha256": "a" * 64, "calibration_id": "c", "calibration_sha256": "b" * 64, "model_id": "m", "model_sha256": "c" * 64}
    )
    artifacts = json.dumps(
        [{"name": n, "media_type": "image/png", "size_bytes": 1, "sha256": "d" * 64} for n in ("rgb.png", "xyz.tiff", "thumbnail.jpg")]
    )
    tallies: Counter[tuple[str, ...]] = Counter()

    def one(n: int) -> tuple[object, ...]:
        moment = START + timedelta(seconds=EVERY_S * n)
        evaluation = rng.choices(("OK", "NotOK", "NotDecidable"), (95, 4, 1))[0]
        bad = evaluation == "NotOK"
        region = {
            "x_px": rng.randrange(1300),
            "y_px": rng.randrange(900),
            "width_px": 20,
            "height_px": 20,
            "area_mm2": 0.1,
            "peak": 2.0,
            "modality": "rgb",
        }
        place = place_of(region, 1368, 912) if bad else None
        code = "device.frame_timeout" if evaluation == "NotDecidable" else None
        reason = json.dumps({"code": code, "message": "m", "cure": "c"}) if code else None
        stamp, recipe, lot = moment.strftime("%Y-%m-%d %H:%M:%S.000000"), f"recipe_{n // 1000 % 5}", f"L{n // 500}"
        quarter = quarter_of(moment).strftime("%Y-%m-%d %H:%M:%S.000000")
        tallies[quarter, recipe, lot, evaluation, "", "rgb" if bad else "", place or "", code or ""] += 1
        score = None if code else rng.gauss(1.8 if bad else 0.5, 0.1)
        return (f"{n:036d}", evaluation, reason, recipe, f"S{n}", lot, stamp, stamp, stamp, score, code, "rgb" if bad else None, place,
                json.dumps([region] if bad else []), banks, timings, provenance, artifacts)  # fmt: skip

    columns = (
        "id,evaluation,reason,recipe,serial,lot,created,started,finished,score,reason_code,modality,place,regions,banks,timings,provenance,artifacts"
    )
    raw.executemany(
        f"INSERT INTO inspections ({columns},state,station,requested_by,threshold,is_simulated,model_id) "
        f"VALUES ({','.join('?' * 18)},'finished','bench','bench',1.0,1,'m')",
        (one(n) for n in range(count)),
    )
    raw.executemany("INSERT INTO tallies VALUES (?,?,?,?,?,?,?,?,?)", ((*key, number) for key, number in tallies.items()))
    for _, sql in indices:
        raw.execute(sql)
    raw.commit()
    raw.close()
    return [f"{rng.randrange(count):036d}" for _ in range(REQUESTS)]


@contextmanager
def serving(settings: Settings, store: Store, station: FakeStation | None = None) -> Generator[httpx.Client]:
    """A service on a socket of its own, and a client with a key."""
    app = create_app(settings, station or FakeStation(), store=store)
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error", access_log=False))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.05)
    key = app.state.service.accounts.create_key("bench", Role.OPERATOR)
    address = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/api/v1"
    try:
        with httpx.Client(base_url=address, headers={"Authorization": f"Bearer {key}"}, timeout=60) as client:
            yield client
    finally:
        server.should_exit = True
        thread.join(30)


def _measured(client: httpx.Client, database: Path, ids: list[str]) -> list[dict]:
    raw = sqlite3.connect(database)
    end = START + timedelta(seconds=EVERY_S * INSPECTIONS)
    month = {"from": (end - timedelta(days=30)).isoformat(), "to": end.isoformat()}
    year = {"from": START.isoformat(), "to": end.isoformat()}
    edge = quarter_of(end - timedelta(days=30)).strftime("%Y-%m-%d %H:%M:%S.000000")

    def get(path: str, **params: str) -> Callable[[int], object]:
        return lambda _: client.get(path, params=params).raise_for_status().content

    def drift(**params: str) -> Callable[[int], object]:
        return get("/statistics/drift", recipe=f"recipe_{'1' if 'lot' in params else '3'}", **params)

    def sql(query: str, *parameters: object) -> Callable[[int], object]:
        return lambda _: raw.execute(query, parameters).fetchall()

    newest = sql("SELECT * FROM inspections ORDER BY sequence DESC LIMIT 50")
    bad = sql("SELECT * FROM inspections WHERE recipe='recipe_3' AND evaluation='NotOK' ORDER BY sequence DESC LIMIT 50")
    by_verdict = sql("SELECT evaluation, count(*) FROM inspections WHERE finished >= ? GROUP BY evaluation", edge)
    all_verdicts = sql("SELECT evaluation, count(*) FROM inspections WHERE finished >= '2025' GROUP BY evaluation")
    last_day = sql(
        "SELECT evaluation, count(*) FROM inspections INDEXED BY ix_inspections_finished WHERE finished >= ? GROUP BY evaluation",
        (end - timedelta(days=1)).strftime("%Y-%m-%d %H:%M:%S.000000"),
    )
    lot_scores = sql("SELECT id, score FROM inspections WHERE lot='L503' AND evaluation='OK' ORDER BY sequence DESC LIMIT 500")
    scores = sql("SELECT id, score FROM inspections WHERE recipe='recipe_3' AND model_id='m' AND score IS NOT NULL ORDER BY sequence DESC LIMIT 500")
    cases: list[tuple[str, Callable[[int], object], Callable[[int], object], int]] = [
        ("list the newest 50", get("/inspections"), newest, REQUESTS),
        ("list 50 bad ones of a recipe", get("/inspections", recipe="recipe_3", evaluation="NotOK"), bad, REQUESTS),
        ("list 50 of a span long ago", get("/inspections", **{"from": "2025-02-01T00:00:00Z", "to": "2025-02-02T00:00:00Z"}), newest, REQUESTS),
        (
            "get one",
            lambda n: client.get(f"/inspections/{ids[n % len(ids)]}").raise_for_status().content,
            lambda n: raw.execute("SELECT * FROM inspections WHERE id=?", (ids[n % len(ids)],)).fetchall(),
            REQUESTS,
        ),
        ("yield by day over a month", get("/statistics/yield", **month), by_verdict, 40),
        ("yield by day over a year", get("/statistics/yield", **year), all_verdicts, 10),
        ("Pareto by place over a year", get("/statistics/pareto", **year), all_verdicts, 10),
        ("p-chart by shift over a month", get("/statistics/p-chart", **month), by_verdict, 40),
        ("p-chart by lot over a year", get("/statistics/p-chart", by="lot", **year), all_verdicts, 10),
        ("verdicts of the last day", get("/statistics/counts", since=(end - timedelta(days=1)).isoformat()), last_day, 40),
        ("drift of a recipe", drift(last="500"), scores, 40),
        ("drift of a lot long ago", drift(lot="L503", last="500"), lot_scores, 40),
    ]
    found: list[dict] = []
    for name, ask, direct, times in cases:
        asked, plain = _seconds(ask, times), _seconds(direct, times)
        ratio = statistics.median(asked) / statistics.median(plain)
        p99_ms = 1e3 * sorted(asked)[min(len(asked) - 1, int(0.99 * len(asked)))]
        found.append(
            _row(f"{name}: requests", 1 / statistics.fmean(asked), "1/s", f"plain SQL {1 / statistics.fmean(plain):.0f} 1/s, {ratio:.2g} × its time")
        )
        found.append(_row(f"{name}: p99", p99_ms, "ms", f"of {times}, one caller, a million inspections"))
    raw.close()
    return found


class _Slow(FakeStation):
    """Capturing and judging take 0.2 s each."""

    def capture(self, *arguments):
        time.sleep(0.2)
        return super().capture(*arguments)

    def judge(self, *arguments):
        time.sleep(0.2)
        return super().judge(*arguments)


def _overlap() -> list[dict]:
    """Twenty parts that are all asked for at once, and twenty of which each is asked for when the one before has its verdict."""
    with TemporaryDirectory() as folder:
        settings = Settings(data_dir=Path(folder), queue_limit=100, reserve_bytes=0)
        with serving(settings, open_store(settings), _Slow()) as client:
            start = time.perf_counter()
            for _ in range(20):
                client.post("/inspections", json={"recipe": "bolt"}, headers={"Prefer": "wait=30"}).raise_for_status()
            one_by_one_s = time.perf_counter() - start
            start = time.perf_counter()
            posts = [client.post("/inspections", json={"recipe": "bolt"}).json() for _ in range(20)]
            while client.get(f"/inspections/{posts[-1]['id']}").json()["state"] != "finished":
                time.sleep(0.01)
            overlapped_s = time.perf_counter() - start
    gain = one_by_one_s / overlapped_s
    return [
        {
            "name": "gain of overlapped stages, 0.2 s capture and 0.2 s judgement",
            "value": gain,
            "unit": "×",
            "against": "one after another, 20 parts, a fake station",
            "bar": ">= 1.7",
            "holds": gain >= 1.7,
        }
    ]


def _seconds(work: Callable[[int], object], times: int) -> list[float]:
    work(0)
    taken: list[float] = []
    for n in range(times):
        start = time.perf_counter()
        work(n)
        taken.append(time.perf_counter() - start)
    return taken


def _row(name: str, value: float, unit: str, against: str) -> dict:
    return {"name": name, "value": value, "unit": unit, "against": against, "bar": None, "holds": None}
