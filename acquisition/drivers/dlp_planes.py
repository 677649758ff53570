"""Patterns as bit planes of 24-bit images, and the list of what is in a DLPC350's flash.

Both controllers take patterns as planes of images of 24 bits: a black-and-white pattern is one plane, a grey one eight that start
at plane 0, 8 or 16. In the DLPC350's images green holds planes 0 to 7, red 8 to 15 and blue 16 to 23 (DLPU010, "Pattern Number
Mapping").

The DLPC350 shows only what is in its flash, which only the maker's firmware tool can write. :func:`flash_images` makes the images
for that tool, and a manifest of them; the driver refuses patterns that are not in the manifest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rig_configs.errors import RigFileError

PLANES = 24
MANIFEST = "manifest.json"


class Placed(BaseModel):
    """Where a pattern is."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    sha256: str = Field(description="SHA-256 of the pattern's size and pixels.")
    image: int = Field(ge=0, description="Number of the 24-bit image.")
    plane: int = Field(ge=0, lt=PLANES, description="The pattern's lowest bit plane in the image.")
    bits: int = Field(ge=1, le=8, description="Bits a pixel.")

    @property
    def number(self) -> int:
        """The pattern's number in its image, counted in patterns of its depth."""
        return self.plane // self.bits


class Manifest(BaseModel):
    """What is in a projector's flash."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    width_px: int = Field(gt=0, description="Projector columns.")
    height_px: int = Field(gt=0, description="Projector rows.")
    images: tuple[str, ...] = Field(description="Files of the 24-bit images, in the order in which they are in flash.")
    first_image: int = Field(ge=0, description="Number in flash of the first of them.")
    patterns: tuple[Placed, ...] = Field(description="Every pattern, and where it is.")


def fingerprint(pattern: NDArray[np.uint8]) -> str:
    """SHA-256 of a pattern, (H, W) uint8: its size and its pixels."""
    return hashlib.sha256(f"{pattern.shape[0]}x{pattern.shape[1]}:".encode() + np.ascontiguousarray(pattern).tobytes()).hexdigest()


def bits_of(pattern: NDArray[np.uint8]) -> int:
    """1 for a pattern of nothing but black (0) and white (255), else 8."""
    return 1 if bool(np.all((pattern == 0) | (pattern == 255))) else 8


def place(patterns: Sequence[NDArray[np.uint8]]) -> list[Placed]:
    """Give each pattern its place, in order: grey ones at the next plane 0, 8 or 16, black-and-white ones at the next plane.

    Args:
        patterns: each (H, W) uint8.
    """
    placed: list[Placed] = []
    free = 0
    for pattern in patterns:
        bits = bits_of(pattern)
        free += -free % bits
        placed.append(Placed(sha256=fingerprint(pattern), image=free // PLANES, plane=free % PLANES, bits=bits))
        free += bits
    return placed


def pack(patterns: Sequence[NDArray[np.uint8]], placed: Sequence[Placed]) -> list[NDArray[np.uint32]]:
    """The images that hold the patterns.

    Args:
        patterns: each (H, W) uint8.
        placed: the place of each.

    Returns:
        For each image (H, W) uint32; bit n of a pixel is plane n.
    """
    images = [np.zeros(patterns[0].shape, np.uint32) for _ in range(1 + max(p.image for p in placed))]
    for pattern, spot in zip(patterns, placed, strict=True):
        images[spot.image] |= (pattern if spot.bits == 8 else pattern & 1).astype(np.uint32) << np.uint32(spot.plane)
    return images


def flash_images(patterns: Sequence[NDArray[np.uint8]], folder: Path, first_image: int = 0) -> Path:
    """Write the images that a DLPC350's firmware must hold, and their manifest.

    Args:
        patterns: each (1140, 912) uint8; as the rig will load them.
        folder: where ``flash_00.bmp`` and so on, and ``manifest.json`` go; made if missing.
        first_image: number in flash that the first image will have; 0 when the firmware holds no others before.

    Returns:
        Path of the manifest, for ``manifest:`` in rig.yaml.

    Raises:
        ValueError: no patterns, or of different sizes.
    """
    if not patterns or len({p.shape for p in patterns}) != 1:
        raise ValueError("patterns of one size are needed, at least one")
    placed = place(patterns)
    folder.mkdir(parents=True, exist_ok=True)
    names: list[str] = []
    for number, image in enumerate(pack(patterns, placed)):
        green, red, blue = (((image >> shift) & 0xFF).astype(np.uint8) for shift in (0, 8, 16))
        names.append(f"flash_{number:02d}.bmp")
        if not cv2.imwrite(str(folder / names[-1]), np.dstack([blue, green, red])):
            raise OSError(f"{folder / names[-1]} cannot be written")
    height, width = patterns[0].shape
    manifest = Manifest(width_px=width, height_px=height, images=tuple(names), first_image=first_image, patterns=tuple(placed))
    path = folder / MANIFEST
    path.write_text(manifest.model_dump_json(indent=1), encoding="utf-8")
    return path


def read_manifest(path: Path) -> Manifest:
    """Read a manifest that :func:`flash_images` wrote.

    Raises:
        RigFileError: missing or damaged.
    """
    try:
        return Manifest.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, ValidationError) as cause:
        raise RigFileError(
            f"{path}, the list of what is in a projector's flash, cannot be read.",
            cure="Write images and manifest again (docs/projectors.md), and name the manifest in rig.yaml.",
            detail="flash_manifest",
        ) from cause
