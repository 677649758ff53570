"""What viewers load: tiles that together are the picture, a small cloud that is the part, frames as they were captured."""

from __future__ import annotations

import io
import json
import re
import threading
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import cv2
import httpx
import numpy as np
import pytest
from fake_station import GOOD, FakeStation
from tiny_parts import H, W, outcome_of, part

from api import small_cloud, tiles
from api.file_cache import FileCache
from api.outcome import ArtifactFile
from api.pictures import depth_files, encode, picture_files, tiff
from api.service import Service
from structured_light.formats import write_ply
from structured_light.point_map import PointMap

URL = "/api/v1/inspections"
WAIT = {"Prefer": "wait=30"}


def decoded(content: bytes) -> np.ndarray:
    return cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)


def test_tiles_together_are_the_picture(operator: httpx.Client, fake: FakeStation, service: Service) -> None:
    rng = np.random.default_rng(0)
    overlay = cv2.resize(rng.integers(0, 255, (9, 12, 4), np.uint8), (700, 560))
    files = [
        ArtifactFile("anomaly.png", "image/png", encode(".png", overlay)),
        ArtifactFile("rgb.png", "image/png", encode(".png", overlay[..., :3])),
    ]
    fake.next = replace(GOOD, artifacts=files, width_px=700, height_px=560)
    base = f"{URL}/{operator.post(URL, json={'recipe': 'bolt'}, headers=WAIT).json()['id']}/tiles"
    told = operator.get(f"{base}/anomaly.dzi")
    assert told.headers["content-type"].startswith("application/xml")
    size, overlap = int(re.search(r'TileSize="(\d+)"', told.text)[1]), int(re.search(r'Overlap="(\d+)"', told.text)[1])
    assert ('Width="700"' in told.text, 'Height="560"' in told.text, 'Format="png"' in told.text) == (True, True, True)
    whole = np.zeros((560, 700, 4), np.uint8)
    for row in range(3):
        for column in range(3):
            tile = operator.get(f"{base}/anomaly_files/10/{column}_{row}.png")
            pixels = decoded(tile.content)
            top, left = (row * size - overlap if row else 0), (column * size - overlap if column else 0)
            whole[top : top + pixels.shape[0], left : left + pixels.shape[1]] = pixels
    assert (whole[..., [2, 1, 0, 3]] == overlay).all()
    assert decoded(operator.get(f"{base}/anomaly_files/0/0_0.png").content).shape[:2] == (1, 1)
    rgb = operator.get(f"{base}/rgb_files/9/0_0.jpg")
    assert (rgb.headers["content-type"], decoded(rgb.content).shape) == ("image/jpeg", (255, 255, 3))
    assert "immutable" in rgb.headers["cache-control"]
    for nothing in ("rgb_files/9/9_9.jpg", "rgb_files/11/0_0.jpg", "depth_files/0/0_0.jpg", "depth.dzi"):
        assert operator.get(f"{base}/{nothing}").status_code == 404, nothing
    for nonsense in ("rgb_files/9/..%2f..%2fx.jpg", "evil.dzi", "rgb_files/9/0_0.exe"):
        assert operator.get(f"{base}/{nonsense}").status_code in (404, 422), nonsense


def test_levels_are_those_that_openseadragon_counts() -> None:
    assert [tiles.levels(w, h) for w, h in ((1, 1), (2, 1), (256, 100), (257, 100), (5472, 3648))] == [0, 1, 8, 9, 13]


def test_what_fills_a_screen_is_made_apart_from_the_finest_tiles(tmp_path: Path) -> None:
    smooth = cv2.resize(np.random.default_rng(1).integers(0, 255, (5, 40, 3), np.uint8), (4321, 501))
    cv2.imwrite(str(tmp_path / "rgb.png"), smooth)
    for name, wanted in (("coarse", tiles.part_of(11)), ("fine", tiles.part_of(13))):
        (tmp_path / name).mkdir()
        tiles.write_pyramid(tmp_path / "rgb.png", "rgb", tmp_path / name, wanted)
    assert {path.name for path in (tmp_path / "coarse").iterdir()} == {str(level) for level in range(12)}
    assert {path.name for path in (tmp_path / "fine").iterdir()} == {"12", "13"}
    last = decoded((tmp_path / "coarse" / "11" / "4_0.jpg").read_bytes())
    assert last.shape[:2] == (126, -(-4321 // 4) - 4 * tiles.TILE_PX + tiles.OVERLAP_PX)
    quarter = cv2.resize(smooth, (1081, 126), interpolation=cv2.INTER_AREA)[:, -last.shape[1] :]
    assert np.abs(last.astype(int) - quarter).mean() < 2


def test_the_small_cloud_is_the_part_within_its_quantisation(operator: httpx.Client, fake: FakeStation) -> None:
    sample = part(1)
    anomaly = np.linspace(0, 4, H * W, dtype=np.float32).reshape(H, W)
    outcome = outcome_of(sample)
    fake.next = replace(outcome, artifacts=[*outcome.artifacts, ArtifactFile("anomaly.tiff", "image/tiff", tiff(anomaly))])
    base = f"{URL}/{operator.post(URL, json={'recipe': 'bolt'}, headers=WAIT).json()['id']}/cloud.bin"
    content = operator.get(base).content
    magic, version, n, full, *box = small_cloud.HEADER.unpack_from(content)
    least, size = np.array(box[:3]), np.array(box[3:])
    there = sample.foreground
    assert (magic, version, n, full, len(content)) == (b"D3PC", 2, there.sum(), there.sum(), 40 + 16 * n)
    assert (np.frombuffer(content, "<u4", n, 40) == np.flatnonzero(there)).all()
    xyz = least + size * np.frombuffer(content, "<u2", 3 * n, 40 + 4 * n).reshape(n, 3) / 65535
    assert np.abs(xyz - sample.xyz_mm[there]).max() <= (size / 65535).max()
    assert (np.frombuffer(content, np.uint8, 3 * n, 40 + 12 * n).reshape(n, 3) == sample.rgb[there]).all()
    shown = np.frombuffer(content, np.uint8, n, 40 + 15 * n)
    assert np.abs(shown / 85 - np.minimum(anomaly[there], 3)).max() <= 0.5 / 85 + 1e-6
    assert (np.frombuffer(content, "<u2", n, 40 + 10 * n) == small_cloud.SIGMA_UNKNOWN).all()  # this part has no cloud.ply
    fewer = operator.get(base, params={"points": 100}).content
    assert small_cloud.HEADER.unpack_from(fewer)[2:4] == (100, full)


def test_a_point_of_the_small_cloud_knows_how_well_it_was_measured(tmp_path: Path) -> None:
    sample = part(1)
    there = sample.foreground
    sigma_z_mm = np.where(there, np.linspace(0.0004, 0.02, H * W, dtype=np.float32).reshape(H, W), np.nan).astype(np.float32)
    cloud = PointMap(sample.xyz_mm, sigma_z_mm, there.astype(np.uint8))
    write_ply(tmp_path / "cloud.ply", cloud, rgb=sample.rgb)
    read = small_cloud.sigma_of(tmp_path / "cloud.ply")
    content = small_cloud.quantised(sample.xyz_mm, sample.rgb, None, there, read)
    n = int(there.sum())
    assert np.abs(np.frombuffer(content, "<u2", n, 40 + 10 * n) / 100 - 1000 * sigma_z_mm[there]).max() <= 0.006  # µm
    of_another = small_cloud.quantised(sample.xyz_mm, sample.rgb, None, there, sigma_z_mm[there][:-1])
    assert (np.frombuffer(of_another, "<u2", n, 40 + 10 * n) == small_cloud.SIGMA_UNKNOWN).all()


def test_frames_that_were_kept_leave_as_they_were_captured(operator: httpx.Client, fake: FakeStation, service: Service) -> None:
    frames = service.settings.data_dir / "scratch" / "one"
    frames.mkdir(parents=True)
    content = {f"zone{n}.tiff": bytes([n]) * 3_000_000 for n in range(3)} | {"capture.json": b"{}"}
    for name, data in content.items():
        (frames / name).write_bytes(data)
    fake.next = replace(GOOD, frames=frames)
    found = operator.post(URL, json={"recipe": "bolt"}, headers=WAIT).json()
    assert not frames.exists()
    answer = operator.get(f"{URL}/{found['id']}/frames.zip")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        assert {Path(name).name: archive.read(name) for name in archive.namelist()} == content
    fake.next = GOOD
    other = operator.post(URL, json={"recipe": "bolt"}, headers=WAIT).json()
    assert operator.get(f"{URL}/{other['id']}/frames.zip").json()["code"] == "not_found.frames"


def test_the_cache_forgets_what_was_used_least_recently(tmp_path: Path) -> None:
    made: list[str] = []

    def make(folder: Path) -> None:
        made.append(folder.name)
        (folder / "x").write_bytes(bytes(400))

    cache = FileCache(tmp_path, 1000)
    for key in ("a", "b", "a", "c", "a", "b"):
        assert (cache.folder(key, make) / "x").is_file()
    assert [name.removesuffix(".partial") for name in made] == ["a", "b", "c", "b"]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a", "b"]
    with pytest.raises(ZeroDivisionError):
        cache.folder("d", lambda _: 1 / 0)
    assert "d" not in {p.name.split(".")[0] for p in tmp_path.iterdir()}
    again = FileCache(tmp_path, 1000)
    again.folder("a", make)
    assert len(made) == 4


def test_files_are_made_while_others_are_and_none_twice(tmp_path: Path) -> None:
    """A large picture's tiles take seconds: what another one shows does not wait for them."""
    cache, made = FileCache(tmp_path, 1000), []
    slow_is_made, quick_is_there = threading.Event(), threading.Event()

    def slow(folder: Path) -> None:
        made.append(folder)
        slow_is_made.set()
        assert quick_is_there.wait(30)
        (folder / "x").write_bytes(b"slow")

    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(cache.folder, "slow", slow) for _ in range(2)]
        assert slow_is_made.wait(30)
        cache.folder("quick", lambda folder: made.append(folder))
        quick_is_there.set()
        assert {(future.result() / "x").read_bytes() for future in both} == {b"slow"}
    assert len(made) == 2


def test_a_large_picture_has_an_overview_and_a_small_one_needs_none() -> None:
    picture = cv2.resize(np.random.default_rng(0).integers(0, 255, (20, 30, 4), np.uint8), (3200, 2000))
    name, small = "anomaly", picture_files("anomaly", picture[:200, :320])
    assert [file.name for file in small] == ["anomaly.png"]
    whole, overview = picture_files(name, picture)
    assert (whole.name, overview.name) == ("anomaly.png", "anomaly_overview.png")
    expected = cv2.resize(picture, (1600, 1000), interpolation=cv2.INTER_AREA)
    assert (decoded(overview.content)[..., [2, 1, 0, 3]] == expected).all()
    assert [file.name for file in picture_files("rgb", picture[..., :3])] == ["rgb.png", "rgb_overview.jpg"]


def test_the_legend_of_a_depth_picture_tells_the_heights_that_its_colours_end_at() -> None:
    z_mm, part = np.tile(np.linspace(1, 3, 1000, dtype=np.float32), (10, 1)), np.ones((10, 1000), bool)
    z_mm[:, 0] = np.nan
    picture, told = depth_files("depth", z_mm, part)
    ends = json.loads(told.content)
    assert (ends["low_mm"], ends["high_mm"]) == pytest.approx((1.01, 2.99), abs=0.004)
    colours = decoded(picture.content)[5]
    first, last = np.searchsorted(z_mm[5, 1:], (ends["low_mm"], ends["high_mm"])) + 1
    assert (colours[1:first] == colours[1]).all()
    assert (colours[last:] == colours[-1]).all()
    assert (colours[first + 8] != colours[1]).any()
    assert [file.name for file in depth_files("depth", np.full_like(z_mm, np.nan), part)] == ["depth.png"]
