"""Calibrations of other rigs: one camera and one projector, from the files that common programs write.

Read are OpenCV's FileStorage (XML or YAML) and plain YAML with the keys of SLStudio (``Kc kc Kp kp Rp Tp``), of the local-homography
program of Moreno and Taubin (``cam_K cam_kc proj_K proj_kc R T``) or of OpenCV's stereo sample (``M1 D1 M2 D2 R T``); a pair of ROS
``camera_info`` files, the projector as the right camera; Kalibr's camera chain, the projector as ``cam1``; and our own ``calibration.yaml``. Rotation and translation take camera
coordinates to projector coordinates: x_projector = R x_camera + T.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import yaml
from numpy.typing import NDArray
from pydantic import ValidationError

from rig_configs.calibration import Calibration, Pinhole, ProjectorCalibration
from rig_configs.errors import CalibrationError

Array = NDArray[np.float64]
Size = tuple[int, int]

CAMERA_AXES = np.diag([1.0, -1.0, -1.0])
"""Rotation from a frame with y up and z towards the camera, which the solvers need, to a camera's own: x right, y down, z forward."""
KEYS = (("Kc", "kc", "Kp", "kp", "Rp", "Tp"), ("cam_K", "cam_kc", "proj_K", "proj_kc", "R", "T"), ("M1", "D1", "M2", "D2", "R", "T"))
"""Camera matrix and distortion of camera and projector, rotation and translation, as programs name them."""
CAMERA_SIZE_KEYS = (("frameWidth", "frameHeight"), ("cam_width", "cam_height"), ("image_width", "image_height"))
PROJECTOR_SIZE_KEYS = (("screenResX", "screenResY"), ("proj_width", "proj_height"))
METRE_MM = 1000.0


@dataclass(frozen=True, slots=True)
class Pair:
    """A camera and a projector in one frame."""

    camera: Pinhole
    projector: ProjectorCalibration
    in_camera_frame: bool
    """Whether the frame is the camera's own, turned so that y is up and z towards the camera; else it is our rig's."""

    def points_out(self, xyz_mm: NDArray[np.float32]) -> NDArray[np.float32]:
        """Points as they are given out: of a foreign rig in the camera's own frame, x right, y down, z forward; changed in place."""
        if self.in_camera_frame:
            np.negative(xyz_mm[..., 1:], out=xyz_mm[..., 1:])
        return xyz_mm


def load_pair(paths: Sequence[Path], camera_size: Size, projector_size: Size, unit_mm: float | None = None, projector: str | None = None) -> Pair:
    """Read a calibration.

    Args:
        paths: one file with both devices, or two files of one device each, camera first.
        camera_size: width and height of the images.
        projector_size: width and height of the projected patterns.
        unit_mm: mm in one unit of the translation; by default 1 of OpenCV's files, 1000 of ROS and Kalibr.
        projector: which projector, where our own calibration has several.

    Raises:
        CalibrationError: unreadable, of an unknown kind, incomplete, or of devices of another size.
    """
    contents = [_read(path) for path in paths]
    name = " and ".join(str(path) for path in paths)
    if len(contents) == 2:
        pair = _ros(contents, name, METRE_MM if unit_mm is None else unit_mm)
    elif len(contents) == 1 and "calibration_id" in contents[0]:
        pair = _own(contents[0], name, projector)
    elif len(contents) == 1 and "cam1" in contents[0]:
        pair = _kalibr(contents[0], name, METRE_MM if unit_mm is None else unit_mm)
    elif len(contents) == 1 and "camera_matrix" in contents[0]:
        raise CalibrationError(f"{name} is one camera's.", cure="Give --calibration twice: the camera's file, then the projector's.", detail="pair")
    elif len(contents) == 1:
        pair = _stereo(contents[0], name, camera_size, projector_size, 1.0 if unit_mm is None else unit_mm)
    else:
        raise CalibrationError(f"{len(contents)} calibration files were given.", cure="Give one, or camera and projector.", detail="pair")
    for what, device, size in (("camera", pair.camera, camera_size), ("projector", pair.projector, projector_size)):
        if (device.width_px, device.height_px) != size:
            raise CalibrationError(
                f"{name} is of a {what} of {device.width_px} x {device.height_px} pixels, the {'images' if what == 'camera' else 'patterns'} have "
                f"{size[0]} x {size[1]}.",
                cure="Give the calibration of these devices at this size.",
                detail="size",
            )
    return pair


def _read(path: Path) -> dict[str, Any]:
    """Top-level keys of an XML or YAML file; matrices as arrays."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        if text.lstrip().startswith(("<?xml", "<opencv_storage", "%YAML", "{")):
            return _file_storage(text)
        if "!!opencv-matrix" in text:  # OpenCV's YAML that lost its first line
            return _file_storage("%YAML:1.0\n---\n" + text)
        content = yaml.safe_load(text)
    except (cv2.error, SystemError) as cause:  # how OpenCV's binding tells a file that ends too early
        raise CalibrationError(f"{path} is not a whole file of OpenCV's FileStorage.", cure="Write or copy it again.", detail="file") from cause
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as cause:
        raise CalibrationError(f"{path} cannot be read: {cause}.", cure="Give a calibration in XML or YAML.", detail="file") from cause
    if not isinstance(content, dict):
        raise CalibrationError(f"{path} has no keys.", cure="Give a calibration in XML or YAML.", detail="file")
    return content


def _file_storage(text: str) -> dict[str, Any]:
    storage = cv2.FileStorage(text, cv2.FILE_STORAGE_READ | cv2.FILE_STORAGE_MEMORY)
    try:
        root = storage.root()
        found: dict[str, Any] = {}
        for key in root.keys():  # noqa: SIM118 - a FileNode is no dict
            node = root.getNode(key)
            if node.isMap():
                found[key] = node.mat() if "data" in node.keys() else None  # noqa: SIM118
            elif node.isSeq():
                found[key] = [node.at(i).real() for i in range(node.size()) if node.at(i).isReal() or node.at(i).isInt()]
            elif node.isReal() or node.isInt():
                found[key] = node.real()
            else:
                found[key] = node.string()
        return found
    finally:
        storage.release()


def _array(value: Any) -> Array | None:
    """A matrix in any of its spellings: an array, nested lists, or rows, cols and data."""
    if isinstance(value, Mapping) and "data" in value:
        value = value["data"]
    try:
        return np.asarray(value, np.float64)
    except (TypeError, ValueError):
        return None


def _take(content: Mapping[str, Any], key: str, size: int, name: str) -> Array:
    array = _array(content.get(key))
    if array is None or array.size != size or not np.isfinite(array).all():
        found = "is missing" if key not in content else f"is not {size} numbers"
        raise CalibrationError(f"{name}: {key} {found}.", cure="Give a complete calibration of camera and projector.", detail="incomplete")
    return array.reshape(3, 3) if size == 9 else array.reshape(-1)


def _distortion(value: Any, key: str, name: str) -> tuple[float, ...]:
    array = _array(value)
    d = np.zeros(0) if array is None else array.reshape(-1)
    if len(d) > 14 or np.any(d[5:]):
        raise CalibrationError(
            f"{name}: the distortion {key} has {len(d)} coefficients.",
            cure="Calibrate with k1, k2, p1, p2 and k3 alone, without OpenCV's rational, thin-prism or fish-eye model.",
            detail="distortion",
        )
    return tuple(float(v) for v in np.pad(d[:5], (0, max(0, 5 - len(d)))))


def _device(size: Size, K: Array, d: tuple[float, ...], R: Array, t: Array, name: str) -> dict[str, Any]:
    if abs(K[0, 1]) > 1e-3 * K[0, 0] or abs(K[2, 2] - 1) > 1e-6:
        raise CalibrationError(f"{name}: a camera matrix is skewed or not scaled to 1.", cure="Give matrices of OpenCV's kind.", detail="matrix")
    if np.abs(R @ R.T - np.eye(3)).max() > 1e-3 or np.linalg.det(R) < 0:
        raise CalibrationError(f"{name}: the rotation is none.", cure="Give R as a 3 x 3 rotation from camera to projector.", detail="rotation")
    return {
        "width_px": size[0], "height_px": size[1], "fx_px": float(K[0, 0]), "fy_px": float(K[1, 1]), "cx_px": float(K[0, 2]),
        "cy_px": float(K[1, 2]), "distortion": d, "rotation": tuple(map(tuple, R.tolist())), "translation_mm": tuple(t.tolist()),
    }  # fmt: skip


def _pair(sizes: tuple[Size, Size], K: Sequence[Array], d: Sequence[tuple[float, ...]], R: Array, t_mm: Array, name: str) -> Pair:
    try:
        camera = Pinhole(**_device(sizes[0], K[0], d[0], CAMERA_AXES, np.zeros(3), name))
        projector = ProjectorCalibration(name="projector", **_device(sizes[1], K[1], d[1], R @ CAMERA_AXES, t_mm, name))
    except ValidationError as cause:
        raise CalibrationError(f"{name}: {cause.errors()[0]['msg']}.", cure="Give a complete calibration.", detail="values") from cause
    if np.linalg.norm(t_mm) < 1e-6:
        raise CalibrationError(
            f"{name} says that the projector stands where the camera stands.",
            cure="Give the translation from camera to projector.",
            detail="baseline",
        )
    return Pair(camera, projector, in_camera_frame=True)


def _stereo(content: dict[str, Any], name: str, camera_size: Size, projector_size: Size, unit_mm: float) -> Pair:
    for keys in KEYS:
        if keys[0] in content and keys[2] in content:
            break
    else:
        known = "; ".join(" ".join(keys) for keys in KEYS)
        raise CalibrationError(f"{name} has none of the keys known.", cure=f"Name the matrices in one of these ways: {known}.", detail="keys")
    Kc, Kp, R, T = (_take(content, keys_i, size, name) for keys_i, size in zip((keys[0], keys[2], keys[4], keys[5]), (9, 9, 9, 3), strict=True))
    distortions = [_distortion(content.get(key), key, name) for key in (keys[1], keys[3])]
    sizes = (_size(content, CAMERA_SIZE_KEYS) or camera_size, _size(content, PROJECTOR_SIZE_KEYS) or projector_size)
    return _pair(sizes, (Kc, Kp), distortions, R, T * unit_mm, name)


def _size(content: Mapping[str, Any], keys: tuple[tuple[str, str], ...]) -> Size | None:
    for width, height in keys:
        if content.get(width) and content.get(height):
            return int(content[width]), int(content[height])
    return None


def _ros(contents: Sequence[dict[str, Any]], name: str, unit_mm: float) -> Pair:
    """The projector stands where rectification and projection matrices put the right camera: x_2 = R_2ᵀ (R_1 x_1 + K_2'⁻¹ P_2[:, 3])."""
    K, d, R, sizes = [], [], [], []
    for content in contents:
        model = content.get("distortion_model", "plumb_bob")
        if model not in ("plumb_bob", "rational_polynomial"):
            raise CalibrationError(f"{name}: the distortion model is {model}.", cure="Calibrate with plumb_bob.", detail="distortion")
        K.append(_take(content, "camera_matrix", 9, name))
        d.append(_distortion(content.get("distortion_coefficients"), "distortion_coefficients", name))
        R.append(_take(content, "rectification_matrix", 9, name))
        size = _size(content, CAMERA_SIZE_KEYS)
        if size is None:
            raise CalibrationError(f"{name}: image_width or image_height is missing.", cure="Give complete camera_info files.", detail="incomplete")
        sizes.append(size)
    P = [_take(content, "projection_matrix", 12, name).reshape(3, 4) for content in contents]
    shift = [np.linalg.solve(p[:, :3], p[:, 3]) for p in P]
    return _pair((sizes[0], sizes[1]), K, d, R[1].T @ R[0], R[1].T @ (shift[1] - shift[0]) * unit_mm, name)


def _kalibr(content: dict[str, Any], name: str, unit_mm: float) -> Pair:
    K, d, sizes = [], [], []
    for key in ("cam0", "cam1"):
        device = content.get(key)
        model = (device.get("camera_model"), device.get("distortion_model")) if isinstance(device, dict) else None
        if not isinstance(device, dict) or model not in (("pinhole", "radtan"), ("pinhole", "none")):
            raise CalibrationError(f"{name}: {key} is {model}.", cure="Calibrate camera and projector as pinhole with radtan.", detail="distortion")
        fx, fy, cx, cy = _take(device, "intrinsics", 4, name)
        K.append(np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]]))
        d.append(_distortion(device.get("distortion_coeffs"), "distortion_coeffs", name))
        width, height = _take(device, "resolution", 2, name)
        sizes.append((int(width), int(height)))
    pose = _take(content["cam1"], "T_cn_cnm1", 16, name).reshape(4, 4)
    return _pair((sizes[0], sizes[1]), K, d, pose[:3, :3], pose[:3, 3] * unit_mm, name)


def _own(content: dict[str, Any], name: str, projector: str | None) -> Pair:
    try:
        calibration = Calibration.model_validate(content)
    except ValidationError as cause:
        first = cause.errors()[0]
        where = ".".join(str(p) for p in first["loc"])
        raise CalibrationError(f"{name}: {where}: {first['msg']}.", cure="Give a calibration.yaml as calibrate writes it.") from cause
    known = {p.name: p for p in calibration.projectors}
    if projector is None and len(known) == 1:
        return Pair(calibration.camera, calibration.projectors[0], in_camera_frame=False)
    if projector not in known:
        raise CalibrationError(f"{name} has the projectors {', '.join(known)}.", cure="Name the one that shone with --projector.", detail="projector")
    return Pair(calibration.camera, known[projector], in_camera_frame=False)
