"""What an operator waits for, in a real browser on the operator's page.

Until the page is first painted, from an empty cache, and until a part of 20 megapixels is seen after its verdict: picture and anomaly
map, decoded.
"""

from __future__ import annotations

import shutil
import statistics
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np
from playwright.sync_api import Browser, Page, sync_playwright

from api.accounts import Accounts
from api.log import configure_logging
from api.outcome import ArtifactFile, Outcome
from api.pictures import THUMBNAIL_WIDTH, anomaly_files, encode, picture_files
from api.schemas import Role
from api.settings import Settings
from api.store.store import open_store
from tests.benchmarks.bench_service import serving

sys.path.insert(0, str(Path(__file__).parents[1] / "api"))  # the fake station is shared with the service's tests

from fake_station import BAD, FakeStation

WIDTH, HEIGHT = 5472, 3648
PARTS = 5
LOADS = 5
BAR_S = 0.5
PAINT_BAR_S = 1.0
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

# The page hears of the verdict by an event as the panel does; what is seen is in the document, loaded and decoded, at the next frame.
WAIT = """
  () => new Promise((listens) => {
    window.seen = new Promise((resolve) => {
      const events = new EventSource("/api/v1/events");
      events.onopen = listens;
      events.addEventListener("inspection", (event) => {
        const { id, state } = JSON.parse(event.data);
        if (state !== "finished") return;
        events.close();
        const heard = performance.now();
        const wanted = ["rgb_overview.jpg", "anomaly_overview.png"].map((name) => `${id}/artifacts/${name}`);
        const look = async () => {
          const images = wanted.map((url) => [...document.images].find((image) => image.src.endsWith(url)));
          if (!images.every((image) => image && image.complete && image.naturalWidth > 0)) return requestAnimationFrame(look);
          await Promise.all(images.map((image) => image.decode()));
          requestAnimationFrame(() => resolve({ id, seconds: (performance.now() - heard) / 1000 }));
        };
        look();
      });
    });
  })
"""
PAINTED = """
  () => new Promise((resolve) => new PerformanceObserver((list) => {
    const [paint] = list.getEntriesByName("first-contentful-paint");
    if (paint) resolve(paint.startTime / 1000);
  }).observe({ type: "paint", buffered: true }))
"""
WHOLE = """
  async (id) => {
    const begun = performance.now();
    await Promise.all(["rgb.png", "anomaly.png"].map(async (name) => {
      const image = new Image();
      image.src = `/api/v1/inspections/${id}/artifacts/${name}`;
      await image.decode();
    }));
    return (performance.now() - begun) / 1000;
  }
"""


def rows() -> list[dict]:
    """Rows of bench.json."""
    if CHROMIUM is None:
        print("There is no Chromium here: what is seen cannot be measured.", file=sys.stderr)
        return []
    station = FakeStation()
    with TemporaryDirectory() as folder:
        configure_logging(Path(folder) / "log.jsonl")
        settings = Settings(data_dir=Path(folder), reserve_bytes=0)
        store = open_store(settings)
        token = Accounts(store, 12).create_sign_in_token(Role.OPERATOR)
        with serving(settings, store, station) as client, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
            address = str(client.base_url).split("/api/")[0]
            painted = [_first_paint(browser, address) for _ in range(LOADS)]
            page = browser.new_page(viewport={"width": 1920, "height": 1080})
            page.goto(f"{address}/#/sign-in/{token}")
            page.get_by_role("button", name="INSPECT").wait_for()
            seen, whole = [], []
            for number in range(PARTS + 1):
                station.next = _part(number)
                seconds, of_whole = _see(page, lambda: client.post("/inspections", json={"recipe": "bolt"}).raise_for_status())
                if number:  # the first part also loads the viewer
                    seen.append(seconds)
                    whole.append(of_whole)
            browser.close()
    against = f"the whole pictures in the same browser: {statistics.median(whole):.2f} s"
    return [
        _row("first paint of the panel, nothing cached", statistics.median(painted), f"slowest of {LOADS}: {max(painted):.2f} s", PAINT_BAR_S),
        _row("20 MP result on screen after its verdict", statistics.median(seen), against, BAR_S),
    ]


def _row(name: str, value: float, against: str, bar_s: float) -> dict:
    return {"name": name, "value": value, "unit": "s", "against": against, "bar": f"≤ {bar_s} s", "holds": value <= bar_s}


def _first_paint(browser: Browser, address: str) -> float:
    context = browser.new_context(viewport={"width": 1920, "height": 1080})
    page = context.new_page()
    page.goto(address)
    seconds = page.evaluate(PAINTED)
    context.close()
    return seconds


def _see(page: Page, trigger: Callable[[], object]) -> tuple[float, float]:
    page.evaluate(WAIT)
    trigger()
    found = page.evaluate("() => window.seen")
    return found["seconds"], page.evaluate(WHOLE, found["id"])


def _part(seed: int) -> Outcome:
    """A part of another look each time, with a defect in its map."""
    rng = np.random.default_rng(seed)
    rgb = cv2.resize(rng.integers(60, 200, (228, 342, 3), np.uint8), (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    rgb = cv2.add(rgb, rng.integers(0, 6, (HEIGHT, WIDTH, 3), np.uint8))  # a camera's noise
    smooth = cv2.resize(rng.random((20, 30), np.float32), (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    small = cv2.resize(rgb, (THUMBNAIL_WIDTH, round(THUMBNAIL_WIDTH * HEIGHT / WIDTH)), interpolation=cv2.INTER_AREA)
    files = [ArtifactFile("thumbnail.jpg", "image/jpeg", encode(".jpg", small)), *picture_files("rgb", rgb), *anomaly_files(2 * smooth)]
    return replace(BAD, artifacts=files, width_px=WIDTH, height_px=HEIGHT)
