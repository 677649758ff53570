"""Photometric data by others: DiLiGenT folders, and plain folders of images with known lights.

One object is one folder:

- images, beside the other files or in a folder ``images``, in the order of ``filenames.txt``, else in the natural order of their names;
  8 or 16 bit, mono or colour, linear in light;
- ``light_directions.txt`` or ``lights.npy/txt/csv``: a row a light, (K, 3), from the object to the light; (3, K) is taken, too;
- ``light_intensities.txt`` or ``.npy``, (K,) or (K, 3) for red, green and blue; where there is none, the length of each direction is its
  light's intensity;
- ``mask.png`` or ``.npy`` where the object is; the whole image without one;
- the true normals, if known: ``Normal_gt.mat`` or ``normal*``/``*normal*_gt`` as ``.mat``, ``.npy`` or ``.png`` (8 or 16 bit, n = 2v/max - 1).

Lights and truth are expected in DiLiGenT's frame, which is the rig's: x along the image's columns, y **up** the image, z towards the camera.
Data of another frame is turned by ``flip``; nothing is guessed, for the sign with the smaller error is not evidence of a frame.

Reference: B. Shi et al., A benchmark dataset and evaluation for non-Lambertian and uncalibrated photometric stereo, CVPR 2016.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import tifffile
from numpy.typing import NDArray
from scipy.io import loadmat

from rig_configs.errors import SampleError

IMAGES = (".png", ".tif", ".tiff", ".bmp", ".jpg", ".jpeg", ".pgm", ".ppm")
LIGHTS = ("light_directions.txt", "light_directions.npy", "lights.npy", "lights.txt", "lights.csv")
INTENSITIES = ("light_intensities.txt", "light_intensities.npy", "intensities.txt", "intensities.npy")
MASKS = ("mask.png", "mask.npy", "mask.tif", "mask.bmp")
FLIPS = ("lights-x", "lights-y", "lights-z", "truth-x", "truth-y", "truth-z")

_TRUTH = re.compile(r"(gt_?|true_?)?normals?(_?(gt|true|truth|map))?\.(mat|npy|png|tiff?)", re.IGNORECASE)
_DEPTH = 3

F64 = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class PhotometricObject:
    """One object under known distant lights, in the rig's frame."""

    name: str
    images: tuple[Path, ...]
    directions: F64
    """(K, 3) unit vectors from the object to each light."""
    intensities: F64
    """(K, 3) of red, green and blue."""
    mask: NDArray[np.bool_]
    """(H, W) where the object is."""
    normals: NDArray[np.float32] | None
    """(H, W, 3) true unit normals, zero where not known."""

    def under(self, lights: Sequence[int]) -> PhotometricObject:
        """The same object under some of its lights.

        Raises:
            SampleError: a light that there is not, or one twice.
        """
        wrong = [k for k in lights if not 0 <= k < len(self.images)]
        if wrong or len(set(lights)) < len(lights):
            raise SampleError(
                f"{self.name} has no light {wrong[0]}." if wrong else "A light is named twice.",
                cure=f"Name lights from 0 to {len(self.images) - 1}, each once.",
                detail="lights",
            )
        pick = list(lights)
        return replace(self, images=tuple(self.images[k] for k in pick), directions=self.directions[pick], intensities=self.intensities[pick])

    def luminance(self, light: int) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """What a light of intensity 1 would show, and where the image is saturated.

        Returns:
            (H, W) float32, shares of full scale over the light's intensity, the mean of the channels; (H, W) bool.

        Raises:
            SampleError: unreadable, or of another size than the mask.
        """
        image = _picture(self.images[light])
        if image.shape[:2] != self.mask.shape:
            raise SampleError(
                f"{self.images[light]} is {image.shape[1]} x {image.shape[0]} pixels, {self.name} has {self.mask.shape[1]} x {self.mask.shape[0]}.",
                cure="Give images, mask and normals of one size.",
                detail="size",
            )
        full = np.iinfo(image.dtype).max
        share = image.astype(np.float32) / np.float32(full)
        strength = self.intensities[light].astype(np.float32)
        if image.ndim == 3:
            return (share / strength).mean(axis=2), (image == full).any(axis=2)
        return share / strength.mean(), image == full


def find_objects(folder: Path) -> list[Path]:
    """Folders of objects: the folder itself, or those in it, three levels down at most, in natural order.

    Raises:
        SampleError: none is there.
    """
    if _first(folder, LIGHTS):
        return [folder]
    found = {path.parent for depth in range(1, _DEPTH + 1) for name in LIGHTS for path in folder.glob("/".join(["*"] * depth) + "/" + name)}
    if not found:
        raise SampleError(
            f"{folder} holds no object under known lights.",
            cure=f"Name a folder with images and one of {', '.join(LIGHTS)}, or a folder of such folders; docs/data.md describes them.",
            detail="missing",
        )
    return sorted(found, key=_natural)


def load_object(folder: Path, flip: Collection[str] = ()) -> PhotometricObject:
    """Read one object's lights, mask and truth; images are read when they are used.

    Args:
        folder: the object's folder.
        flip: components to change the sign of, of ``FLIPS``: where lights or truth are given in another frame.

    Raises:
        SampleError: something is missing, unreadable, or does not fit the rest.
    """
    unknown = set(flip) - set(FLIPS)
    if unknown:
        raise SampleError(f"'{sorted(unknown)[0]}' cannot be flipped.", cure=f"Name some of {', '.join(FLIPS)}.", detail="flip")
    lights = _first(folder, LIGHTS)
    if lights is None:
        raise SampleError(f"{folder} says nothing of its lights.", cure=f"Add one of {', '.join(LIGHTS)}.", detail="lights")
    raw = _vectors(_numbers(lights), lights)
    images = _image_paths(folder)
    if len(images) != len(raw):
        raise SampleError(
            f"{folder} has {len(images)} images ({images[0].name if images else 'none'} to {images[-1].name if images else 'none'}) "
            f"and {len(raw)} lights.",
            cure=f"Give a light for each image in {lights.name}; filenames.txt can name the images.",
            detail="lights",
        )
    length = np.linalg.norm(raw, axis=1)
    if not (length > 0).all():
        raise SampleError(f"{lights}: light {int(np.argmin(length))} has no direction.", cure="Give directions to the lights.", detail="lights")
    directions = raw / length[:, None] * _signs(flip, "lights")
    intensities = _intensities(folder, length)
    truth = _truth(folder)
    normals = None if truth is None else truth * _signs(flip, "truth").astype(np.float32)
    mask_file = _first(folder, MASKS)
    shape = tuple(_picture(images[0]).shape[:2])
    mask = np.ones(shape, bool) if mask_file is None else _mask(mask_file)
    arrays: dict[str, NDArray[Any] | None] = {"mask": mask, "truth": normals}
    for what, array in arrays.items():
        if array is not None and array.shape[:2] != shape:
            raise SampleError(
                f"{folder}: the {what} is {array.shape[1]} x {array.shape[0]} pixels, the images are {shape[1]} x {shape[0]}.",
                cure="Give images, mask and normals of one size.",
                detail="size",
            )
    if not mask.any():
        raise SampleError(f"{folder}: the mask is empty.", cure="Give a mask that is not 0 where the object is.", detail="mask")
    return PhotometricObject(folder.resolve().name, tuple(images), directions, intensities, mask, normals)


def _first(folder: Path, names: Sequence[str]) -> Path | None:
    return next((folder / name for name in names if (folder / name).is_file()), None)


def _natural(path: Path) -> list[tuple[int, int, str]]:
    return [(0, int(part), "") if part.isdigit() else (1, 0, part.lower()) for part in re.split(r"(\d+)", str(path)) if part]


def _signs(flip: Collection[str], what: str) -> F64:
    return np.array([-1.0 if f"{what}-{axis}" in flip else 1.0 for axis in "xyz"])


def _image_paths(folder: Path) -> list[Path]:
    listed = folder / "filenames.txt"
    if listed.is_file():
        paths = [folder / line.strip() for line in listed.read_text(encoding="utf-8").splitlines() if line.strip()]
        missing = [path.name for path in paths if not path.is_file()]
        if missing:
            raise SampleError(f"{listed} names {missing[0]}, which is not there.", cure="Copy the object's folder again.", detail="image")
        return paths
    other = re.compile(r"mask\b", re.IGNORECASE)
    inner = folder / "images"
    found = [
        p
        for p in (inner if inner.is_dir() else folder).iterdir()
        if p.suffix.lower() in IMAGES and not other.match(p.name) and not _TRUTH.fullmatch(p.name)
    ]
    return sorted(found, key=_natural)


def _picture(path: Path) -> NDArray[Any]:
    """(H, W) or (H, W, 3) RGB, uint8 or uint16."""
    image: Any = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if image is None or image.dtype not in (np.uint8, np.uint16):
        raise SampleError(f"{path} is no picture of 8 or 16 bits.", cure="Give PNG, TIFF, BMP or JPEG images.", detail="image")
    return cv2.cvtColor(image[..., :3], cv2.COLOR_BGR2RGB) if image.ndim == 3 and image.shape[2] >= 3 else image.reshape(image.shape[:2])


def _numbers(path: Path) -> NDArray[Any]:
    try:
        if path.suffix == ".npy":
            return np.load(path, allow_pickle=False)
        return np.loadtxt(path, delimiter="," if "," in path.read_text(encoding="utf-8").partition("\n")[0] else None, ndmin=2)
    except (OSError, ValueError, UnicodeDecodeError) as cause:
        raise SampleError(f"{path} cannot be read: {cause}.", cure="Give a table of numbers.", detail="numbers") from cause


def _vectors(values: NDArray[Any], path: Path) -> F64:
    array = np.asarray(values, np.float64)
    if array.ndim == 2 and array.shape[1] != 3 and array.shape[0] == 3:
        array = array.T
    if array.ndim != 2 or array.shape[1] != 3 or not np.isfinite(array).all():
        raise SampleError(f"{path} holds {array.shape}, not (K, 3) numbers.", cure="Give a row of x y z for each light.", detail="numbers")
    return array


def _intensities(folder: Path, lengths: F64) -> F64:
    path = _first(folder, INTENSITIES)
    if path is None:
        return np.repeat(lengths[:, None], 3, axis=1)
    values = np.asarray(_numbers(path), np.float64)
    values = values.reshape(-1, 1) if values.size == len(lengths) else _vectors(values, path)
    if len(values) != len(lengths) or not (values > 0).all():
        raise SampleError(f"{path} does not hold {len(lengths)} positive intensities.", cure="Give one row a light.", detail="numbers")
    return np.repeat(values, 3, axis=1) if values.shape[1] == 1 else values


def _mask(path: Path) -> NDArray[np.bool_]:
    values = _numbers(path) if path.suffix == ".npy" else _picture(path)
    return np.any(np.atleast_3d(values) > 0, axis=2)


def _truth(folder: Path) -> NDArray[np.float32] | None:
    files = sorted((p for p in folder.iterdir() if _TRUTH.fullmatch(p.name)), key=lambda p: (".mat", ".npy").index(p.suffix.lower())
                   if p.suffix.lower() in (".mat", ".npy") else 2)  # fmt: skip
    if not files:
        return None
    path = files[0]
    read = {".mat": _matrix, ".npy": _numbers, ".tif": _grid, ".tiff": _grid}.get(path.suffix.lower(), _coded)
    values = read(path)
    if values.ndim != 3 or values.shape[2] != 3:
        raise SampleError(f"{path} holds {values.shape}, not (H, W, 3) normals.", cure="Give a normal for every pixel.", detail="truth")
    length = np.linalg.norm(np.nan_to_num(values), axis=2, keepdims=True)
    return np.where(length > 0.5, np.nan_to_num(values) / np.maximum(length, 1e-9), 0).astype(np.float32)


def _matrix(path: Path) -> NDArray[Any]:
    try:
        content = loadmat(path)
    except (OSError, ValueError, NotImplementedError) as cause:
        raise SampleError(f"{path} cannot be read: {cause}.", cure="Save it as a MATLAB file of version 7 or older.", detail="truth") from cause
    maps = [v for k, v in content.items() if not k.startswith("__") and getattr(v, "ndim", 0) == 3 and v.shape[2] == 3]
    if len(maps) != 1:
        raise SampleError(f"{path} holds {len(maps)} normal maps.", cure="Give a file with one array (H, W, 3).", detail="truth")
    return maps[0]


def _grid(path: Path) -> NDArray[Any]:
    try:
        values = tifffile.imread(path)
    except (OSError, ValueError, tifffile.TiffFileError) as cause:
        raise SampleError(f"{path} cannot be read: {cause}.", cure="Give a TIFF.", detail="truth") from cause
    return values if values.dtype.kind == "f" else _coded(path)


def _coded(path: Path) -> NDArray[np.float32]:
    picture = _picture(path)
    coded = picture.astype(np.float32) * np.float32(2 / np.iinfo(picture.dtype).max) - 1
    return np.where((picture == 0).all(axis=2, keepdims=True) if picture.ndim == 3 else False, 0, coded).astype(np.float32)
