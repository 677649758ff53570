"""A folder of numbered images as somebody's capture program left it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from rig_configs.errors import CaptureError
from structured_light.foreign_pattern import SKIP, CapturePattern, Role

SUFFIXES = (".png", ".tif", ".tiff", ".bmp", ".jpg", ".jpeg", ".pgm", ".ppm")


@dataclass(frozen=True, slots=True)
class ImageFolder:
    """The images of one capture with what each shows; read when asked for, never kept."""

    paths: dict[Role, Path]
    on_read: Callable[[Path], None] | None = None
    """Told of every image before it is read; some are read twice."""

    def colour(self, role: Role) -> NDArray[np.uint8 | np.uint16]:
        """(H, W) or (H, W, 3) RGB, uint8 or uint16.

        Raises:
            CaptureError: not a picture of whole numbers.
        """
        path = self.paths[role]
        if self.on_read is not None:
            self.on_read(path)
        image: Any = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        if image is None or image.dtype not in (np.uint8, np.uint16):
            found = "no picture" if image is None else f"of {image.dtype}"
            raise CaptureError(f"{path} is {found}.", cure="Give PNG, TIFF, BMP or JPEG images of 8 or 16 bits.", detail="image")
        if image.ndim == 3:
            image = cv2.cvtColor(image[..., :3], cv2.COLOR_BGR2RGB) if image.shape[2] >= 3 else image[..., 0]
        return np.ascontiguousarray(image)

    def grey(self, role: Role) -> NDArray[np.uint8 | np.uint16]:
        """(H, W) uint8 or uint16: a raw mosaic or mono image as it is, the luminance of a colour image.

        Raises:
            CaptureError: not a picture, or of another size than the first.
        """
        image: Any = self.colour(role)
        return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)) if image.ndim == 3 else image


def natural(path: Path) -> list[tuple[int, int, str]]:
    """Sort key under which image_10 comes after image_9."""
    return [(0, int(part), "") if part.isdigit() else (1, 0, part.lower()) for part in re.split(r"(\d+)", path.name) if part]


def open_images(folder: Path, pattern: CapturePattern, on_read: Callable[[Path], None] | None = None) -> ImageFolder:
    """The images of a folder in natural order of their names, matched to the pattern.

    Raises:
        CaptureError: no such folder, or not as many images as the pattern has; lists what the pattern needs in order.
    """
    if not folder.is_dir():
        raise CaptureError(f"There is no folder {folder}.", cure="Name the folder that holds the capture's images.", detail="missing")
    paths = sorted((p for p in folder.iterdir() if p.suffix.lower() in SUFFIXES and fnmatch(p.name, pattern.files)), key=natural)
    roles = pattern.sequence
    if len(paths) != len(roles):
        wanted = "; ".join(f"{i} {role or SKIP}" for i, role in enumerate(roles, 1))
        span = f" ({paths[0].name} to {paths[-1].name})" if paths else ""
        raise CaptureError(
            f"{folder} holds {len(paths)} images{span}; the pattern needs {len(roles)}.",
            cure=f"Correct the pattern description, or name the images by its 'files'. In order it needs: {wanted}.",
            detail="image_count",
        )
    return ImageFolder({role: path for role, path in zip(roles, paths, strict=True) if role is not None}, on_read)
