"""The files kept with an inspection: pictures for people, arrays and a cloud for engineers."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np
import tifffile
from cv2.typing import MatLike
from numpy.typing import NDArray

from api.outcome import ArtifactFile
from api.reconstruction import Reconstruction
from photometric.camera import pixel_pitch_mm
from photometric.fused_height import fuse_height
from rig_configs.calibration import Pinhole
from structured_light.formats import write_ply

THUMBNAIL_WIDTH = 228
# A picture of so many pixels also gets an overview that fills a screen: a browser takes seconds over the whole of it. The panel's viewer
# goes over to tiles from the same size on.
LARGE_PX = 6_000_000
OVERVIEW_PX = 1600
# The overlay starts to show at this share of the limit, so that a good part stays nearly clean, and is opaque at three times the limit.
FAINT = 0.7
OPAQUE = 3.0


def reconstruction_files(result: Reconstruction, *, with_points: bool = True) -> list[ArtifactFile]:
    """Pictures of a reconstruction, and its point map and cloud where wanted."""
    height, width = result.foreground.shape
    small = cv2.resize(result.rgb, (THUMBNAIL_WIDTH, round(THUMBNAIL_WIDTH * height / width)), interpolation=cv2.INTER_AREA)
    pictures = [
        ArtifactFile("thumbnail.jpg", "image/jpeg", encode(".jpg", small)),
        *picture_files("rgb", result.rgb),
        *picture_files("pseudo3d", result.photometric.pseudo3d),
        *depth_files("depth", result.points.xyz_mm[..., 2], result.foreground),
    ]
    if not with_points:
        return pictures
    return [
        *pictures,
        ArtifactFile("xyz.tiff", "image/tiff", tiff(result.points.xyz_mm)),
        ArtifactFile("cloud.ply", "application/octet-stream", cloud(result)),
    ]


def height_files(result: Reconstruction, camera: Pinhole) -> list[ArtifactFile]:
    """The fused height, the cloud's trueness with the normals' detail, as a picture and as numbers (mm, rig frame)."""
    photometric, points = result.photometric, result.points
    height_mm = fuse_height(
        photometric.normals, photometric.valid, points.xyz_mm[..., 2], points.sigma_z_mm, pixel_pitch_mm(camera), float(camera.centre_mm[2])
    )
    return [
        *depth_files("height", height_mm, result.foreground),
        ArtifactFile("fused_height.tiff", "image/tiff", tiff(height_mm)),
    ]


def anomaly_files(anomaly_map: NDArray[np.float32]) -> list[ArtifactFile]:
    """The anomaly map as an overlay for people and as numbers."""
    return [
        *picture_files("anomaly", anomaly_overlay(anomaly_map)),
        ArtifactFile("anomaly.tiff", "image/tiff", tiff(anomaly_map)),
    ]


def picture_files(name: str, picture: NDArray[np.uint8]) -> list[ArtifactFile]:
    """A picture, (H, W, 3) RGB or (H, W, 4) RGBA, without loss; of a large one an overview, too."""
    files = [ArtifactFile(f"{name}.png", "image/png", encode(".png", picture))]
    height, width = picture.shape[:2]
    if width * height > LARGE_PX:
        factor = OVERVIEW_PX / max(width, height)
        small = cv2.resize(picture, (round(width * factor), round(height * factor)), interpolation=cv2.INTER_AREA)
        suffix, media_type = (".png", "image/png") if picture.shape[2] == 4 else (".jpg", "image/jpeg")
        files.append(ArtifactFile(f"{name}_overview{suffix}", media_type, encode(suffix, small)))
    return files


def depth_files(name: str, z_mm: NDArray[np.float32], foreground: NDArray[np.bool_]) -> list[ArtifactFile]:
    """A depth picture, and the heights that its colours begin and end at, for its legend."""
    ends = colour_ends_mm(z_mm[np.isfinite(z_mm) & foreground])
    files = picture_files(name, depth_picture(z_mm, foreground))
    if ends is not None:
        files.append(ArtifactFile(f"{name}.json", "application/json", json.dumps({"low_mm": ends[0], "high_mm": ends[1]}).encode()))
    return files


def colour_ends_mm(z_mm: NDArray[np.float32]) -> tuple[float, float] | None:
    """The heights that the colours of a depth picture begin and end at; half a per cent at each end is left out. None without points."""
    if z_mm.size == 0:
        return None
    low, high = np.percentile(z_mm, [0.5, 99.5])
    return float(low), float(high)


def depth_picture(z_mm: NDArray[np.float32], foreground: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Height of the part in colours (Turbo), (H, W, 3) RGB; the plane is dark grey, unknown pixels black."""
    known = np.isfinite(z_mm)
    picture = np.zeros((*z_mm.shape, 3), np.uint8)
    picture[known & ~foreground] = 43
    part = known & foreground
    ends = colour_ends_mm(z_mm[part])
    if ends is not None:
        low, high = ends
        level = np.clip((z_mm - low) / max(high - low, 1e-6), 0, 1)
        level = (np.nan_to_num(level) * 255).astype(np.uint8)
        turbo = cv2.applyColorMap(np.arange(256, dtype=np.uint8), cv2.COLORMAP_TURBO).reshape(256, 3)[:, ::-1]
        picture[part] = turbo[level[part]]
    return picture


def anomaly_overlay(anomaly_map: NDArray[np.float32]) -> NDArray[np.uint8]:
    """The anomaly map as an overlay, (H, W, 4) RGBA: clear below the limit, amber at it, red and opaque far above."""
    strength = np.clip((anomaly_map - FAINT) / (OPAQUE - FAINT), 0, 1)
    overlay = np.empty((*anomaly_map.shape, 4), np.uint8)
    overlay[..., 0] = 255
    overlay[..., 1] = (190 * (1 - strength)).astype(np.uint8)
    overlay[..., 2] = 40
    overlay[..., 3] = (255 * np.sqrt(strength)).astype(np.uint8)
    return overlay


def tiff(array: NDArray[np.generic]) -> bytes:
    """A float32 array as a compressed TIFF."""
    file = io.BytesIO()
    tifffile.imwrite(file, array, compression="zlib", compressionargs={"level": 1}, photometric="minisblack", metadata=None)
    return file.getvalue()


def cloud(result: Reconstruction) -> bytes:
    """The part's points as binary PLY with normals, colour and σ."""
    part = replace(result.points, views=np.where(result.foreground, result.points.views, 0).astype(np.uint8))
    with TemporaryDirectory() as folder:
        path = Path(folder) / "cloud.ply"
        write_ply(path, part, normals=result.photometric.normals, rgb=result.rgb)
        return path.read_bytes()


def encode(suffix: str, picture: MatLike) -> bytes:
    """A picture, (H, W) grey, (H, W, 3) RGB or (H, W, 4) RGBA, uint8, as the bytes of a ``.png`` or ``.jpg`` file."""
    order = {3: cv2.COLOR_RGB2BGR, 4: cv2.COLOR_RGBA2BGRA}
    picture = picture if picture.ndim == 2 else cv2.cvtColor(picture, order[picture.shape[2]])
    options = [cv2.IMWRITE_PNG_COMPRESSION, 1] if suffix == ".png" else [cv2.IMWRITE_JPEG_QUALITY, 88]
    done, data = cv2.imencode(suffix, picture, options)
    if not done:
        raise ValueError(f"OpenCV cannot encode a {picture.shape} {picture.dtype} picture as {suffix}")
    return data.tobytes()
