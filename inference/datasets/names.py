"""Names of the files of Real-IAD D³: ``<category>_<number>_<class>_<what>_<14 digits>.<suffix>``.

The real set mixes ``-`` and ``_`` and the case of its names; a name is compared in its normal form.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from inference.datasets.dataset import NORMAL, SampleId

LIGHTS = ("RGBL01", "RGBL02", "RGBL03", "RGBL04", "RGBL05")
"""Pictures under each of the four zones, and under all of them."""
ALL_LIGHTS = LIGHTS[-1]
PSEUDO3D, XYZ, PCD = "PS", "XYZ", "PCD"

_FILE = re.compile(r"^(?P<category>.+?)_(?P<number>\d{3,6})_(?P<middle>.+)_(?P<stamp>\d{14})$")
_WHAT = re.compile(r"(?:^|_)(?P<what>RGBL\d\d|PS|XYZ|PCD)(?:_|$)", re.IGNORECASE)
_FOLDER = re.compile(r"^S(?P<number>\d+)$", re.IGNORECASE)


def normal_form(name: str) -> str:
    """A category or class in its normal form: lower case with underscores, ``OK`` for the normal class by any of its names."""
    plain = re.sub(r"[\s-]+", "_", name.strip()).lower()
    return NORMAL if plain in ("ok", "good") else plain


@dataclass(frozen=True, slots=True)
class FileName:
    """What the name of a file says."""

    sample_id: SampleId
    what: str
    """``RGBL01`` … ``RGBL05``, ``PS``, ``XYZ`` or ``PCD``."""


def file_name(sample_id: SampleId, what: str, stamp: str, suffix: str) -> str:
    """The name of a sample's file.

    Args:
        sample_id: the sample.
        what: ``RGBL01`` … ``RGBL05``, ``PS``, ``XYZ`` or ``PCD``.
        stamp: 14 digits, YYYYMMDDhhmmss.
        suffix: with its dot.
    """
    return f"{sample_id.category}_{sample_id.number:04d}_{sample_id.anomaly_class}_{what}_{stamp}{suffix}"


def parse(path: str) -> FileName | None:
    """What a path's last part says; None where it does not follow the rule."""
    stem = path.replace("\\", "/").rsplit("/", 1)[-1].rsplit(".", 1)[0]
    match = _FILE.match(stem)
    if match is None:
        return None
    middle = match["middle"]
    what = _WHAT.search(middle)
    if what is None:
        return None
    anomaly_class = normal_form(middle[: what.start()].removeprefix("NG_"))
    return FileName(SampleId(normal_form(match["category"]), anomaly_class, int(match["number"])), what["what"].upper())


def folder_number(path: str) -> int | None:
    """Number of the ``S0153`` folder that a file lies in; None where it lies in none."""
    parts = path.replace("\\", "/").split("/")
    match = _FOLDER.match(parts[-2]) if len(parts) > 1 else None
    return int(match["number"]) if match else None
