"""A camera and a projector of nobody's make: what they see, by OpenCV's projection, and the files that people's programs write."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import yaml
from numpy.typing import NDArray

from rig_configs.files import load_calibration

W, H, PW, PH = 320, 240, 512, 384
Array = NDArray[np.float64]

K_CAM = np.array([[500, 0, 161.5], [0, 501, 118.2], [0, 0, 1.0]])
D_CAM = np.array([-0.08, 0.05, 1e-3, -5e-4, 0.01])
K_PROJ = np.array([[800, 0, 254.0], [0, 803, 190.0], [0, 0, 1.0]])
D_PROJ = np.array([0.05, -0.1, -1e-3, 8e-4, 0.0])
R = cv2.Rodrigues(np.array([0.02, -0.38, 0.01]))[0]
T = np.array([185.0, 3.0, 40.0])


def see(depth_of: Callable[[Array], Array]) -> tuple[Array, Array]:
    """Points that the camera's pixels see, (H, W, 3) in its own frame, and where the projector lights them, (H, W, 2)."""
    v, u = np.mgrid[:H, :W].astype(float)
    criteria = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 100, 1e-14)
    ideal = np.asarray(cv2.undistortPoints(np.stack([u, v], -1).reshape(-1, 1, 2), K_CAM, D_CAM, criteria=criteria)).reshape(H, W, 2)
    rays = np.concatenate([ideal, np.ones((H, W, 1))], -1)
    xyz = rays * depth_of(rays)[..., None]
    lit = np.asarray(cv2.projectPoints(xyz.reshape(-1, 1, 3), R, T, K_PROJ, D_PROJ)[0]).reshape(H, W, 2)
    return xyz, lit


def plane(rays: Array) -> Array:
    """A tilted plane about 500 mm away."""
    n = np.array([0.1, -0.15, 1.0])
    return 500 / (rays @ n)


def sphere_on_plane(rays: Array) -> Array:
    """A sphere of 60 mm radius before the plane."""
    c, r = np.array([5.0, -3.0, 470.0]), 60.0
    a, b = (rays**2).sum(-1), rays @ c
    disc = b**2 - a * (c @ c - r**2)
    near = (b - np.sqrt(np.maximum(disc, 0))) / a
    return np.where(disc > 0, np.minimum(near, plane(rays)), plane(rays))


@dataclass
class Projection:
    """Renders what a projector shows, given by profiles along its columns (or rows)."""

    lit: Array
    blur_px: float = 0.5
    full: int = 255
    noise_dn: float = 0.6

    def image(self, profile: Array, axis: str = "columns", rng: np.random.Generator | None = None) -> NDArray[Any]:
        x = self.lit[..., 0 if axis == "columns" else 1]
        other, limit = (self.lit[..., 1], PH) if axis == "columns" else (self.lit[..., 0], PW)
        soft = cv2.GaussianBlur(np.asarray(profile, np.float64)[None], (0, 0), self.blur_px, borderType=cv2.BORDER_REPLICATE)[0]
        value = np.interp(x, np.arange(len(soft)), soft)
        value[(x < -0.5) | (x > len(soft) - 0.5) | (other < -0.5) | (other > limit - 0.5)] = 0
        rng = rng or np.random.default_rng(abs(hash(profile.tobytes())) % 2**32)
        dn = self.full * (0.04 + 0.8 * value) + rng.normal(size=value.shape) * self.noise_dn * self.full / 255
        return np.clip(np.rint(dn), 0, self.full).astype(np.uint8 if self.full == 255 else np.uint16)


def gray_profiles(length: int, bits: int, unit: float = 1, offset: float = 0) -> list[Array]:
    """Widest stripes first."""
    code = np.floor((np.arange(length) + offset) / unit).astype(int)
    code ^= code >> 1
    return [((code >> (bits - 1 - i)) & 1).astype(float) for i in range(bits)]


def fringes(length: int, period: float, shifts: list[float], crest: float = 0) -> list[Array]:
    x = np.arange(length)
    return [0.5 + 0.5 * np.cos(2 * np.pi * (x - crest) / period + np.radians(s)) for s in shifts]


Profiles = list[tuple[Array, str]]


def along(axis: str, profiles: list[Array]) -> Profiles:
    return [(p, axis) for p in profiles]


def write_capture(folder: Path, profiles: Profiles, projection: Projection, suffix: str = "png", colour: bool = False) -> Path:
    folder.mkdir()
    rng = np.random.default_rng(7)
    for i, (profile, axis) in enumerate(profiles):
        length = PW if axis == "columns" else PH
        image = projection.image(profile[:length], axis, rng)
        if colour:
            image = np.stack([image // 2, image, image // 3], -1)
        assert cv2.imwrite(str(folder / f"frame_{i}.{suffix}"), image)  # 10 follows 9: the names' natural order
    return folder


def write_pattern(path: Path, description: dict[str, Any]) -> Path:
    path.write_text(yaml.safe_dump({"projector": {"width_px": PW, "height_px": PH}, **description}))
    return path


def write_slstudio(path: Path, T_mm: Array = T) -> Path:
    """The keys of SLStudio, by OpenCV's own writer."""
    storage = cv2.FileStorage(str(path), cv2.FILE_STORAGE_WRITE)
    matrices = {"Kc": K_CAM, "kc": D_CAM.reshape(1, 5), "Kp": K_PROJ, "kp": D_PROJ.reshape(1, 5), "Rp": R, "Tp": T_mm.reshape(3, 1)}
    for key, matrix in matrices.items():
        storage.write(key, matrix)
    for key, value in {"frameWidth": W, "frameHeight": H, "screenResX": PW, "screenResY": PH}.items():
        storage.write(key, value)
    storage.write("cam_error", 0.12)
    storage.release()
    return path


def write_moreno(path: Path) -> Path:
    """OpenCV YAML written by hand, as by older programs: kc in a column of four, T in metres."""

    def matrix(name: str, values: Array) -> str:
        rows, cols = np.atleast_2d(values).shape
        data = ", ".join(f"{v:.12g}" for v in np.ravel(values))
        return f"{name}: !!opencv-matrix\n   rows: {rows}\n   cols: {cols}\n   dt: d\n   data: [ {data} ]\n"

    parts = {"cam_K": K_CAM, "cam_kc": D_CAM[:, None], "proj_K": K_PROJ, "proj_kc": D_PROJ[:4, None], "R": R, "T": T[:, None] / 1000}
    path.write_text("%YAML:1.0\n---\n" + "".join(matrix(k, v) for k, v in parts.items()) + "stereo_error: 0.3\n")
    return path


def write_ros(folder: Path) -> list[Path]:
    """A camera_info pair as cameracalibrator writes it, with its rectification by OpenCV."""
    R1, R2, P1, P2, *_ = cv2.stereoRectify(K_CAM, D_CAM, K_PROJ, D_PROJ, (W, H), R, T[:, None] / 1000)
    paths = []
    for name, size, K, d, rectify, P in (("camera", (W, H), K_CAM, D_CAM, R1, P1), ("projector", (PW, PH), K_PROJ, D_PROJ, R2, P2)):
        content = {
            "image_width": size[0], "image_height": size[1], "camera_name": name, "distortion_model": "plumb_bob",
            "camera_matrix": {"rows": 3, "cols": 3, "data": K.ravel().tolist()},
            "distortion_coefficients": {"rows": 1, "cols": 5, "data": d.ravel().tolist()},
            "rectification_matrix": {"rows": 3, "cols": 3, "data": np.asarray(rectify).ravel().tolist()},
            "projection_matrix": {"rows": 3, "cols": 4, "data": np.asarray(P).ravel().tolist()},
        }  # fmt: skip
        paths.append(folder / f"{name}.yaml")
        paths[-1].write_text(yaml.safe_dump(content))
    return paths


def write_plain(path: Path) -> Path:
    path.write_text(yaml.safe_dump({"M1": K_CAM.tolist(), "D1": D_CAM.tolist(), "M2": K_PROJ.tolist(), "D2": D_PROJ.tolist(), "R": R.tolist(),
                                    "T": T.tolist()}))  # fmt: skip
    return path


def write_kalibr(path: Path) -> Path:
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = R, T / 1000
    chain: dict[str, Any] = {}
    for name, size, K, d in (("cam0", (W, H), K_CAM, D_CAM), ("cam1", (PW, PH), K_PROJ, D_PROJ)):
        chain[name] = {"camera_model": "pinhole", "distortion_model": "radtan", "intrinsics": [K[0, 0], K[1, 1], K[0, 2], K[1, 2]],
                       "distortion_coeffs": d[:4], "resolution": size}  # fmt: skip
    chain["cam1"]["T_cn_cnm1"] = pose
    path.write_text(yaml.safe_dump(json.loads(json.dumps(chain, default=lambda a: a.tolist()))))
    return path


def write_own(path: Path) -> Path:
    """Our own calibration.yaml, of a rig frame 500 mm before the camera, with two projectors."""
    demo = load_calibration("demo").model_dump(mode="json")
    turn, origin = np.diag([1.0, -1.0, -1.0]), np.array([0, 0, 500.0])

    def device(size: tuple[int, int], K: Array, d: Array, rotation: Array, t: Array) -> dict[str, Any]:
        return {"width_px": size[0], "height_px": size[1], "fx_px": K[0, 0], "fy_px": K[1, 1], "cx_px": K[0, 2], "cy_px": K[1, 2],
                "distortion": d.tolist(), "rotation": rotation.tolist(), "translation_mm": t.tolist()}  # fmt: skip

    demo["camera"] = device((W, H), K_CAM, D_CAM, turn, origin)
    right = device((PW, PH), K_PROJ, D_PROJ, R @ turn, R @ origin + T)
    demo["projectors"] = [{"name": "other", **right}, {"name": "right", **right}]
    path.write_text(yaml.safe_dump(json.loads(json.dumps(demo, default=float))))
    return path
