"""Photometric data by others: folders in the layouts that people use, of a sphere rendered here."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from scipy.io import savemat
from typer.testing import CliRunner

from api.cli.benchmark import error_picture
from api.cli.main import app
from photometric.benchmark import BenchmarkResult, least_absolute, run
from photometric.datasets import find_objects, load_object
from rig_configs.errors import SampleError

N, RADIUS = 96, 40.0
FOUR = [0, 2, 4, 6]
Array = NDArray[np.float64]


def sphere() -> tuple[Array, NDArray[np.bool_]]:
    """Normals in DiLiGenT's frame (x right, y up, z to the camera), zero off the object; the mask leaves the steep rim out."""
    v, u = np.mgrid[:N, :N]
    x, y = (u - N / 2) / RADIUS, (N / 2 - v) / RADIUS
    inside = x**2 + y**2 < 0.7
    n = np.where(inside[..., None], np.stack([x, y, np.sqrt(np.maximum(1 - x**2 - y**2, 0))], -1), 0)
    return n, inside


def directions(count: int) -> Array:
    azimuth = np.arange(count) * 2 * np.pi / min(count, 8) + 0.2
    slant = np.radians(np.where(np.arange(count) % 16 < 8, 35, 22))
    return np.stack([np.sin(slant) * np.cos(azimuth), np.sin(slant) * np.sin(azimuth), np.cos(slant)], -1)


def render(n: Array, light: Array, strength: Array) -> Array:
    """(H, W, 3) Lambertian, with a reddish albedo that varies over the sphere."""
    albedo = (0.6 + 0.2 * n[..., :1]) * np.array([0.9, 0.7, 0.5])
    return albedo * np.maximum(n @ light, 0)[..., None] * strength


def write_png16(path: Path, image: Array) -> None:
    cv2.imwrite(str(path), np.rint(np.clip(image, 0, 1) * 65535).astype(np.uint16)[..., ::-1])


def diligent(folder: Path, count: int = 40) -> Path:
    """The layout of DiLiGenT: 16-bit PNG, light_directions.txt, light_intensities.txt, mask.png, Normal_gt.mat, filenames.txt."""
    folder.mkdir(parents=True)
    n, mask = sphere()
    L = directions(count)
    strength = 0.8 + 0.3 * np.random.default_rng(0).random((count, 3))
    names = [f"{k + 1:03d}.png" for k in range(count)]
    for name, light, s in zip(names, L, strength, strict=True):
        write_png16(folder / name, render(n, light, s))
    np.savetxt(folder / "light_directions.txt", L)
    np.savetxt(folder / "light_intensities.txt", strength)
    (folder / "filenames.txt").write_text("\n".join(names) + "\n")
    cv2.imwrite(str(folder / "mask.png"), np.where(mask, 255, 0).astype(np.uint8))
    savemat(folder / "Normal_gt.mat", {"Normal_gt": n})
    cv2.imwrite(str(folder / "Normal_gt.png"), np.zeros((N, N, 3), np.uint8))  # a picture for people, not an image under a light
    return folder


def plain(folder: Path, lights: Callable[[Path, Array], Any], truth: Callable[[Path, Array], Any] | None, suffix: str = "png") -> Path:
    """Images img1 … img12, 8 bit mono, and what the caller writes."""
    folder.mkdir(parents=True)
    n, mask = sphere()
    L = directions(12)
    for k, light in enumerate(L):
        cv2.imwrite(str(folder / f"img{k + 1}.{suffix}"), np.rint(255 * render(n, light, np.ones(3)).mean(-1)).astype(np.uint8))
    lights(folder, L)
    if truth is not None:
        truth(folder, n)
    np.save(folder / "mask.npy", mask)
    return folder


def error(result: BenchmarkResult) -> float:
    return float(result.metrics["mean_deg"])


@pytest.mark.parametrize(("chosen", "method"), [(FOUR, "station"), (list(range(40)), "least-absolute")])
def test_a_diligent_folder_gives_the_true_normals(tmp_path: Path, chosen: list[int], method: str) -> None:
    thing = load_object(diligent(tmp_path / "ballPNG")).under(chosen)
    result = run(thing)
    assert result.method == method
    assert error(result) < 0.05
    assert result.metrics["pixels"] == thing.mask.sum()


@pytest.mark.parametrize("keep_steps", [False, True])
def test_the_height_is_the_spheres(tmp_path: Path, keep_steps: bool) -> None:
    result = run(load_object(diligent(tmp_path / "ball", 8)).under(FOUR), keep_steps=keep_steps)
    n, mask = sphere()
    truth = RADIUS * n[..., 2]
    away = (result.height_px - truth)[mask]
    assert np.std(away) < 0.02 * RADIUS
    assert np.isnan(result.height_px[~mask]).all()


def save_png(path: Path, n: Array) -> None:
    coded = np.where((n**2).sum(-1, keepdims=True) > 0, np.rint((n + 1) / 2 * 65535), 0).astype(np.uint16)
    cv2.imwrite(str(path), coded[..., ::-1])


PLAIN = {
    "npy": (lambda f, L: np.save(f / "lights.npy", L), lambda f, n: np.save(f / "normals.npy", n)),
    "transposed_txt_and_mat": (
        lambda f, L: np.savetxt(f / "lights.txt", L.T),
        lambda f, n: savemat(f / "normal.mat", {"anything": n, "scale": 2.0}),
    ),
    "csv_and_png16": (lambda f, L: np.savetxt(f / "lights.csv", L, delimiter=","), lambda f, n: save_png(f / "normal_gt.png", n)),
    "float_tiff": (
        lambda f, L: np.save(f / "lights.npy", L),
        lambda f, n: tifffile.imwrite(f / "normals.tiff", n.astype(np.float32), photometric="rgb"),
    ),
}


@pytest.mark.parametrize("layout", PLAIN)
def test_plain_folders_in_several_spellings(tmp_path: Path, layout: str) -> None:
    thing = load_object(plain(tmp_path / "thing", *PLAIN[layout]))
    assert [path.name for path in thing.images[:2] + thing.images[9:10]] == ["img1.png", "img2.png", "img10.png"]
    assert error(run(thing.under(FOUR))) < 0.5  # 8 bit


def test_images_may_lie_in_a_folder_of_their_own(tmp_path: Path) -> None:
    folder = plain(tmp_path / "thing", *PLAIN["npy"])
    (folder / "images").mkdir()
    for path in folder.glob("img*.png"):
        path.rename(folder / "images" / path.name)
    assert error(run(load_object(folder).under(FOUR))) < 0.5


def test_the_length_of_a_direction_is_its_intensity(tmp_path: Path) -> None:
    def uneven(folder: Path, L: Array) -> None:
        strength = np.linspace(0.5, 1, len(L))
        for k, s in enumerate(strength):
            image = cv2.imread(str(folder / f"img{k + 1}.png"), cv2.IMREAD_GRAYSCALE)
            assert image is not None
            cv2.imwrite(str(folder / f"img{k + 1}.png"), np.rint(image * s).astype(np.uint8))
        np.save(folder / "lights.npy", L * strength[:, None])

    assert error(run(load_object(plain(tmp_path / "thing", uneven, PLAIN["npy"][1])).under(FOUR))) < 0.7


def test_a_frame_with_y_down_is_turned_when_asked_and_never_guessed(tmp_path: Path) -> None:
    down = np.array([1, -1, 1])
    folder = plain(tmp_path / "thing", lambda f, L: np.save(f / "lights.npy", L * down), lambda f, n: np.save(f / "normals.npy", n * down))
    # lights and truth agree either way; the height shows that the frame is wrong
    n, mask = sphere()
    bent = run(load_object(folder).under(FOUR))
    right = run(load_object(folder, flip=["lights-y", "truth-y"]).under(FOUR))
    assert error(bent) == pytest.approx(error(right), abs=0.1)
    truth = RADIUS * n[..., 2]
    assert np.std((right.height_px - truth)[mask]) < 0.03 * RADIUS
    assert np.std((bent.height_px - truth)[mask]) > 0.1 * RADIUS
    # one of them turned alone is an error of the data, and stays one
    assert error(run(load_object(folder, flip=["lights-y"]).under(FOUR))) > 20


def test_many_lights_see_past_a_highlight_and_a_shadow() -> None:
    L = directions(40)
    n = np.array([0.2, -0.1, 0.97]) / np.linalg.norm([0.2, -0.1, 0.97])
    signal = np.maximum(L @ n, 0)[None].astype(np.float32).repeat(2, axis=0)
    signal[0, 3:6] *= 3
    signal[1, 10:18] = 0.002
    found = least_absolute(signal, np.ones(signal.shape, bool), L)
    assert np.degrees(np.arccos(np.clip(found @ n, -1, 1))).max() < 0.1
    squares = np.linalg.lstsq(L, signal.T, rcond=None)[0].T
    squares /= np.linalg.norm(squares, axis=1, keepdims=True)
    assert np.degrees(np.arccos(squares @ n)).min() > 1


def test_a_folder_without_truth_gives_normals_and_no_number(tmp_path: Path) -> None:
    result = run(load_object(plain(tmp_path / "thing", PLAIN["npy"][0], None)).under(FOUR))
    assert result.metrics == {}
    n, mask = sphere()
    assert (result.normals * n).sum(-1)[mask].mean() > 0.999


def solve(folder: Path, lights: list[int] | None, flip: list[str]) -> BenchmarkResult:
    thing = load_object(folder, flip)
    return run(thing if lights is None else thing.under(lights))


def test_what_is_wrong_with_a_folder_is_said(tmp_path: Path) -> None:
    def told(match: str, change: Callable[[Path], Any], lights: list[int] | None = None, flip: list[str] | None = None) -> None:
        folder = diligent(tmp_path / match.replace(" ", "_").replace(".", "").replace("*", ""), 5)
        change(folder)
        with pytest.raises(SampleError, match=match) as raised:
            solve(folder, lights, flip or [])
        assert raised.value.cure

    told("names 003.png, which is not there", lambda f: (f / "003.png").unlink())
    told("no picture of 8 or 16 bits", lambda f: (f / "001.png").write_bytes(b"broken"))
    told("has 5 images .* and 4 lights", lambda f: np.savetxt(f / "light_directions.txt", directions(4)))
    told("cannot be read", lambda f: (f / "light_directions.txt").write_text("a b c"))
    told("does not hold 5 positive intensities", lambda f: np.savetxt(f / "light_intensities.txt", np.zeros((5, 3))))
    told("the mask is 10 x 96 pixels", lambda f: cv2.imwrite(str(f / "mask.png"), np.ones((N, 10), np.uint8)))
    told("the mask is empty", lambda f: cv2.imwrite(str(f / "mask.png"), np.zeros((N, N), np.uint8)))
    told("holds 0 normal maps", lambda f: savemat(f / "Normal_gt.mat", {"n": np.zeros(3)}))
    told("says nothing of its lights", lambda f: (f / "light_directions.txt").unlink())
    told("has no light 7", lambda f: None, [0, 1, 7])
    told("named twice", lambda f: None, [0, 1, 1])
    told("2 lights of .* do not tell normals", lambda f: None, [0, 1])
    told("shines from behind", lambda f: None, flip=["lights-z"])
    told("cannot be flipped", lambda f: None, flip=["y"])
    with pytest.raises(SampleError, match="no object under known lights"):
        find_objects(tmp_path / "nothing")


def test_the_command_tells_one_object_and_a_table_of_many(tmp_path: Path) -> None:
    for name in ("ball10", "ball9"):
        diligent(tmp_path / "data" / "pms" / name, 8)
    one = tmp_path / "one.json"
    arguments = ["benchmark", "photometric", str(tmp_path / "data" / "pms" / "ball9"), "--lights", "0,2,4,6", "--json", str(one)]
    done = CliRunner().invoke(app, [*arguments, "--out", str(tmp_path / "one")])
    assert done.exit_code == 0, done.output
    report = json.loads(one.read_text())
    assert report["mean_deg"] < 0.05
    assert {"mean_deg", "median_deg", "p95_deg", "pixels"} <= set(report)
    assert sorted(p.name for p in (tmp_path / "one").iterdir()) == ["error.png", "height.png", "height.tiff", "normals.png", "normals.tiff"]
    done = CliRunner().invoke(
        app, ["benchmark", "photometric", str(tmp_path / "data"), "--json", "-", "--lights", "0,2,4,6", "--out", str(tmp_path / "many")]
    )
    assert done.exit_code == 0, done.output
    many = json.loads(done.stdout)
    assert list(many["objects"]) == ["pms/ball9", "pms/ball10"]
    assert many["pixels"] == sum(o["pixels"] for o in many["objects"].values())
    assert many["mean_of_objects_deg"] == pytest.approx(np.mean([o["mean_deg"] for o in many["objects"].values()]))
    assert (tmp_path / "many" / "pms" / "ball10" / "error.png").is_file()


def test_the_error_map_has_one_scale_for_all_objects() -> None:
    error_deg = np.full((50, 200), np.nan, np.float32)
    error_deg[:, :100], error_deg[:, 100:150] = 0, 60
    picture = error_picture(error_deg)
    assert picture.shape == (90, 200, 3)
    np.testing.assert_array_equal(picture[10, 10], picture[56, 0])  # 0° has the scale's first colour
    np.testing.assert_array_equal(picture[10, 120], picture[56, 199])  # beyond 45° its last
    assert not picture[10, 180].any()
