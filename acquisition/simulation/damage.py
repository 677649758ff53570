"""Defects that any body can have, placed by the seed where a camera above can see them.

Each is drawn anew, larger or smaller, until its share of the part is one that the paper's defects have.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import wraps

import cv2
import numpy as np
from numpy.typing import NDArray

from acquisition.simulation.defects import share_of
from acquisition.simulation.shapes import FLOOR_MM, STEP_MM, Body, smoothstep, texture

F64 = NDArray[np.float64]
Mask = NDArray[np.bool_]

_LEAST_SHARE, _LARGEST_SHARE = 0.004, 0.06
_OVERHANG_MM = 1.5
"""What lies further than this below its surroundings is hard to see and to touch."""
_DRAWS = 24


@dataclass(frozen=True, slots=True)
class _Site:
    """Where a defect goes: a place with a frame of its own, and a length that suits the part."""

    body: Body
    on: Mask
    """The part, seen from above."""
    u: F64
    v: F64
    """Grid points in the frame of the defect, mm. On the rim, u runs along it and v inward."""
    size_mm: float
    rng: np.random.Generator
    centre: tuple[int, int]
    """Row and column."""

    def change(self, height_mm: F64, albedo: F64 | None = None) -> Body:
        """The body with another form; it keeps its outline and never sinks below the plate."""
        height = np.where(self.on, np.maximum(height_mm, np.minimum(self.body.height_mm, 0.03)), self.body.height_mm)
        return replace(
            self.body, height_mm=height, albedo=self.body.albedo if albedo is None else np.where(self.on[..., None], albedo, self.body.albedo)
        )

    def ragged(self, amount_mm: float, grain_mm: float = 0.25) -> F64:
        """Unevenness of a torn edge or face."""
        return amount_mm * texture(self.rng, self.on.shape, grain_mm, grain_mm)


def _own(rng: np.random.Generator, defect: str) -> np.random.Generator:
    """A stream for one defect, so that two defects of the same seed do not fall on the same place."""
    return np.random.default_rng([int(rng.integers(2**31)), *defect.encode()])


def _open(body: Body) -> Mask:
    """Where a camera and a fingernail reach: no steep wall, no deep pocket."""
    surface = body.height_mm.astype(np.float32)
    soft = cv2.GaussianBlur(surface, (0, 0), 3)
    slope = np.hypot(cv2.Sobel(soft, cv2.CV_32F, 1, 0, ksize=3), cv2.Sobel(soft, cv2.CV_32F, 0, 1, ksize=3)) / (8 * STEP_MM)
    around = cv2.dilate(surface, np.ones((61, 61), np.uint8))
    return (surface > 0) & (slope < 0.7) & (surface > around - _OVERHANG_MM)


def _level(body: Body) -> Mask:
    """Where the surface is open and as even as the part has it, the wider the better."""
    surface, is_open = body.height_mm.astype(np.float32), _open(body)
    for cells in (35, 25, 17, 11):
        window = np.ones((cells, cells), np.uint8)
        even = is_open & (cv2.dilate(surface, window) - cv2.erode(surface, window) < 0.2 * cells * STEP_MM)
        if even.mean() > 0.01:
            return even
    return is_open


def _sized(
    draw: Callable[[_Site], Body], *, on_rim: bool = False, where: Callable[[Body], Mask] = _open
) -> Callable[[Body, np.random.Generator], Body]:
    @wraps(draw)
    def spoil(body: Body, rng: np.random.Generator) -> Body:
        rng = _own(rng, draw.__name__)
        on = body.height_mm > 0
        if on_rim:
            filled = cv2.morphologyEx(on.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((9, 9), np.uint8))
            inward = cv2.distanceTransform(cv2.copyMakeBorder(filled, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0), cv2.DIST_L2, 5)[1:-1, 1:-1]
            wanted = on & (inward > 3) & (inward < 6)
        else:
            inward, wanted = None, where(body)
        rows, columns = np.nonzero(wanted if wanted.any() else on)
        y, x = np.indices(on.shape, np.float64) * STEP_MM
        target = rng.uniform(0.008, 0.035)
        size = float(np.sqrt(target * on.sum()) * STEP_MM)
        best: tuple[float, Body] | None = None
        for _ in range(_DRAWS):
            pick = int(rng.integers(len(rows)))
            row, column = int(rows[pick]), int(columns[pick])
            angle = rng.uniform(-np.pi, np.pi)
            if inward is not None:
                near = cv2.GaussianBlur(inward, (0, 0), 4)
                angle = float(np.arctan2(near[row, column - 3] - near[row, column + 3], near[row + 3, column] - near[row - 3, column]))
            dx, dy = x - column * STEP_MM, y - row * STEP_MM
            u, v = np.cos(angle) * dx + np.sin(angle) * dy, np.cos(angle) * dy - np.sin(angle) * dx
            bad = draw(_Site(body, on, u, v, size, rng, (row, column)))
            share = share_of(body, bad)
            if _LEAST_SHARE < share < _LARGEST_SHARE:
                return bad
            off = abs(np.log((share + 1e-5) / target))
            if best is None or off < best[0]:
                best = off, bad
            size *= float(np.clip(np.sqrt(target / (share + 1e-5)), 0.6, 1.6))
        assert best is not None
        return best[1]

    return spoil


def _at_rim(draw: Callable[[_Site], Body]) -> Callable[[Body, np.random.Generator], Body]:
    return _sized(draw, on_rim=True)


def _on_level(draw: Callable[[_Site], Body]) -> Callable[[Body, np.random.Generator], Body]:
    return _sized(draw, where=_level)


def _foreign(site: _Site) -> F64:
    """Colour of dirt that shows on this part: dark on a light one, light on a dark one."""
    light = float(site.body.albedo[site.on].mean()) > 0.16
    return np.array((0.07, 0.05, 0.035) if light else (0.42, 0.38, 0.30)) * site.rng.uniform(0.8, 1.2)


def _mixed(site: _Site, cover: F64, colour: F64) -> F64:
    share = np.clip(cover, 0, 1)[..., None]
    return site.body.albedo * (1 - share) + colour * share


@_sized
def scratch(site: _Site) -> Body:
    """A gouge, 0.1-0.2 mm deep, its rims thrown up, its ground bare."""
    depth, width = site.rng.uniform(0.1, 0.2), site.rng.uniform(0.08, 0.13)
    half = site.size_mm * site.rng.uniform(1.2, 1.8)
    across = site.v + site.rng.uniform(-0.1, 0.1) * site.u**2 / half
    ends = 1 - smoothstep((np.abs(site.u) - half + 0.4) / 0.4)
    groove = ends * (np.exp(-((across / width) ** 2)) - 0.3 * np.exp(-(((np.abs(across) - 2.1 * width) / (0.7 * width)) ** 2)))
    bare = site.body.albedo + 0.06 * np.clip(groove, 0, 1)[..., None]
    return site.change(site.body.height_mm - depth * groove, bare)


def _bowl(site: _Site, depth: float) -> Body:
    r = np.hypot(site.u / site.rng.uniform(1.0, 1.3), site.v) / (0.75 * site.size_mm)
    return site.change(site.body.height_mm - depth * np.clip(1 - r**2, 0, 1) ** 2)


@_sized
def dent(site: _Site) -> Body:
    """A smooth bowl, 0.25-0.5 mm deep."""
    return _bowl(site, site.rng.uniform(0.25, 0.5))


@_on_level
def shallow_dent(site: _Site) -> Body:
    """Where something pressed: a smooth trough 0.6-1 mm wide and 0.01-0.04 mm deep, less than parts differ by, its flanks inclined by 4-7°."""
    radius, slope = site.rng.uniform(0.3, 0.5), np.tan(np.radians(site.rng.uniform(4, 7)))
    # (1 - r²)² is steepest at r = 1/√3, by 1.54.
    depth = slope * radius / 1.54
    half = max(site.size_mm**2 / (2.8 * radius) - radius, 0.0)
    r = np.hypot(np.maximum(np.abs(site.u) - half, 0), site.v) / radius
    return site.change(site.body.height_mm - depth * np.clip(1 - r**2, 0, 1) ** 2)


@_sized
def pit(site: _Site) -> Body:
    """Two to four blowholes side by side."""
    height = site.body.height_mm
    for _ in range(int(site.rng.integers(2, 5))):
        at, radius = site.rng.uniform(-0.8, 0.8, 2) * site.size_mm, site.rng.uniform(0.25, 0.42) * site.size_mm
        r = np.hypot(site.u - at[0], site.v - at[1]) / radius
        height = np.minimum(height, site.body.height_mm - min(0.9 * radius, 0.8) * np.sqrt(np.clip(1 - r**2, 0, 1)))
    return site.change(height)


@_sized
def hole(site: _Site) -> Body:
    """A round hole, 1.2-2.2 mm deep or right through."""
    rim = np.clip(1 - (np.hypot(site.u, site.v) - 0.5 * site.size_mm) / 0.08, 0, 1)
    return site.change(site.body.height_mm - site.rng.uniform(1.2, 2.2) * rim)


@_sized
def crack(site: _Site) -> Body:
    """A jagged line, 0.3-0.7 mm deep, dark inside."""
    half, steps = 1.9 * site.size_mm, 9
    knots = np.cumsum(site.rng.normal(0, 0.13 * half, steps))
    path = np.interp(site.u, np.linspace(-half, half, steps), knots - knots.mean())
    width = (0.07 + 0.05 * site.size_mm) * np.clip(1.2 - np.abs(site.u) / half, 0, 1)
    gap = (np.abs(site.u) < half) * np.exp(-((np.abs(site.v - path) / np.maximum(width, 0.02)) ** 4))
    albedo = site.body.albedo * (1 - 0.6 * gap[..., None])
    return site.change(site.body.height_mm - site.rng.uniform(0.3, 0.7) * gap, albedo)


@_sized
def impact_damage(site: _Site) -> Body:
    """Where something hit: a rough crater with a thrown-up rim, bruised pale."""
    r = np.hypot(site.u / 1.2, site.v) / (0.6 * site.size_mm) + site.ragged(0.14)
    crater = 1 - smoothstep((r - 0.5) / 0.5)
    rim = np.exp(-(((r - 1.05) / 0.16) ** 2))
    form = site.rng.uniform(0.3, 0.6) * crater * (1 + site.ragged(0.25, 0.12)) - 0.12 * rim
    return site.change(site.body.height_mm - form, site.body.albedo + 0.07 * (crater * (1 + site.ragged(0.3, 0.1)))[..., None].clip(0, 1.4))


@_sized
def contamination(site: _Site) -> Body:
    """A crumb that sticks on the part, 0.25-0.6 mm high, of another colour."""
    r = np.hypot(site.u / 1.3, site.v) / (0.6 * site.size_mm) + site.ragged(0.13)
    lump = np.sqrt(np.clip(1 - r**2, 0, 1))
    top = site.rng.uniform(0.25, 0.6) * lump * (1 + site.ragged(0.12, 0.12))
    return site.change(site.body.height_mm + np.maximum(top, 0), _mixed(site, smoothstep(lump / 0.3), _foreign(site)))


@_sized
def stain(site: _Site) -> Body:
    """A ragged patch of oil, flux or dust; the form stays."""
    r = np.hypot(site.u, site.v / site.rng.uniform(0.7, 1.0)) / (0.6 * site.size_mm) + site.ragged(0.15, 0.3)
    cover = (1 - smoothstep((r - 0.85) / 0.3)) * (0.85 + site.ragged(0.12, 0.15)).clip(0.5, 1)
    return replace(
        site.body, albedo=np.where(site.on[..., None], _mixed(site, site.rng.uniform(0.5, 0.75) * cover, _foreign(site)), site.body.albedo)
    )


@_at_rim
def broken_edge(site: _Site) -> Body:
    """A piece of the rim broken off, its face ragged."""
    reach = np.hypot(site.u, site.v / 1.1) + site.ragged(0.1)
    here = float(site.body.height_mm[site.on & (reach < site.size_mm)].max(initial=0.5))
    level = here * site.rng.uniform(0.1, 0.45) + 0.25 * np.maximum(site.v, 0) + site.ragged(0.05, 0.15)
    return site.change(np.where(reach < 0.8 * site.size_mm, np.minimum(site.body.height_mm, level), site.body.height_mm))


@_at_rim
def bent_edge(site: _Site) -> Body:
    """The rim bent, up or down, 0.4-0.9 mm."""
    lift = site.rng.uniform(0.4, 0.9)
    along, inward = np.exp(-((site.u / (1.0 * site.size_mm)) ** 2)), np.clip(1 - np.maximum(site.v, 0) / (1.1 * site.size_mm), 0, 1)
    up = site.rng.random() < 0.5 or float(np.median(site.body.height_mm[site.on])) < 1.5
    return site.change(site.body.height_mm + (lift if up else -lift) * along * inward**1.5)


@_at_rim
def burr(site: _Site) -> Body:
    """A ragged fin left standing along the rim, 0.25-0.5 mm high."""
    half = site.size_mm * site.rng.uniform(1.4, 2.0)
    ends = 1 - smoothstep((np.abs(site.u) - half + 0.5) / 0.5)
    rim = cv2.distanceTransform(cv2.copyMakeBorder(site.on.astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0), cv2.DIST_L2, 5)[1:-1, 1:-1]
    width = site.rng.uniform(0.22, 0.32)
    close = (np.abs(site.v) < 1.2) & (rim * STEP_MM < 1)
    fin = ends * close * np.exp(-(((rim * STEP_MM - 0.2) / width) ** 4)) * (1 + site.ragged(0.35, 0.15)).clip(0.2, 1.8)
    return site.change(site.body.height_mm + site.rng.uniform(0.25, 0.5) * fin)


@_sized
def step(site: _Site) -> Body:
    """A block of the surface that stands 0.2-0.45 mm too high or too low."""
    off = site.rng.uniform(0.2, 0.45) * site.rng.choice([-1, 1])
    block = (np.abs(site.u) < 0.65 * site.size_mm) & (np.abs(site.v) < 0.45 * site.size_mm)
    return site.change(site.body.height_mm + off * cv2.GaussianBlur(block.astype(np.float64), (0, 0), 1.2))


def _piece(body: Body, rng: np.random.Generator, *, slender: bool = False, free: bool = False) -> Mask | None:
    """One of the part's pieces of a size that a defect has; of the slender ones or of those that stand free where there are such."""
    if body.pieces is None:
        return None
    counts = np.bincount(body.pieces.ravel())
    share = counts / (body.height_mm > 0).sum()
    fit = [k for k in range(1, len(counts)) if _LEAST_SHARE < share[k] < 0.068]
    if slender:
        long = [k for k in fit if _slenderness(body.pieces == k) > 1.4]
        fit = long or fit
    if free:
        shade = _shade(body)
        fit = [k for k in fit if np.median((body.height_mm - shade)[body.pieces == k]) >= 0] or fit
    return body.pieces == rng.choice(fit) if fit else None


def _shade(body: Body) -> F64:
    """Height below which the surroundings shade a place from lights that stand 45° high, mm."""
    surface = body.height_mm.astype(np.float32)
    reaches_mm = (0.6, 1.0, 1.5, 2.2, 3.2)
    shades = [cv2.dilate(surface, np.ones((2 * round(r / STEP_MM) + 1,) * 2, np.uint8)) - r for r in reaches_mm]
    return np.max(shades, 0).astype(np.float64)


def _slenderness(piece: Mask) -> float:
    rows, columns = np.nonzero(piece)
    sides = np.ptp(rows) + 1, np.ptp(columns) + 1
    return float(max(sides) / min(sides))


def missing_part(body: Body, rng: np.random.Generator) -> Body:
    """A piece that was never put in or fell out; of a part in one piece, a bit of its rim."""
    rng = _own(rng, "missing_part")
    piece = _piece(body, rng)
    if piece is None or body.below_mm is None:
        return broken_edge(body, rng)
    height = np.where(piece, body.below_mm, body.height_mm)
    below = body.below_mm > 0
    albedo = np.where((piece & below)[..., None], 0.8 * body.albedo, body.albedo)
    inlaid = body.inlaid & ~piece if body.inlaid is not None else None
    return replace(body, height_mm=np.maximum(height, FLOOR_MM), albedo=albedo, inlaid=inlaid)


def wrong_height(body: Body, rng: np.random.Generator) -> Body:
    """A piece that sits 0.2-0.45 mm too high or too low, upright and whole: its top looks as it should.

    Of a part in one piece, a terrace of its surface; where it has none, a block.
    """
    rng = _own(rng, "wrong_height")
    # A piece that others shade would show by its shadows too.
    piece, below = _piece(body, rng, free=True), body.below_mm
    if piece is None or below is None:
        piece, below = _terrace(body, rng), np.zeros_like(body.height_mm)
        if piece is None:
            return step(body, rng)
    off = rng.uniform(0.2, 0.45)
    room = float(np.min((body.height_mm - np.maximum(below, 0))[cv2.erode(piece.astype(np.uint8), np.ones((7, 7))) > 0], initial=2.0))
    down = rng.random() < 0.5 and room > off + 0.1
    return replace(body, height_mm=np.where(piece, np.maximum(body.height_mm + (-off if down else off), 0.03), body.height_mm))


def _terrace(body: Body, rng: np.random.Generator) -> Mask | None:
    """A level patch of a defect's size that ends in walls all around."""
    surface = body.height_mm.astype(np.float32)
    walls = cv2.dilate(surface, np.ones((3, 3))) - cv2.erode(surface, np.ones((3, 3))) > 2 * STEP_MM
    _, labels, stats, _ = cv2.connectedComponentsWithStats(((surface > 0) & ~walls).astype(np.uint8), connectivity=4)
    share = stats[:, cv2.CC_STAT_AREA] / (surface > 0).sum()
    fit = [k for k in range(1, len(share)) if 1.5 * _LEAST_SHARE < share[k] < 0.05]
    if not fit:
        return None
    grown = cv2.dilate((labels == rng.choice(fit)).astype(np.uint8), np.ones((3, 3)))
    return (grown > 0) & (surface > 0)


def deformation(body: Body, rng: np.random.Generator) -> Body:
    """A piece bent up from one end to the other by 0.6-1.2 mm; of a part in one piece, its rim."""
    rng = _own(rng, "deformation")
    piece = _piece(body, rng, slender=True)
    if piece is None:
        return bent_edge(body, rng)
    rows, columns = np.nonzero(piece)
    y, x = np.indices(piece.shape, np.float64)
    # Lengthwise, and the end that is further from the part's middle is the free one.
    wide = np.ptp(columns) > np.ptp(rows)
    along, ends = (x, columns) if wide else (y, rows)
    low, high = float(ends.min()), float(ends.max())
    middle = piece.shape[1 if wide else 0] / 2
    t = (along - low) / (high - low) if (low + high) / 2 > middle else (high - along) / (high - low)
    return replace(body, height_mm=np.where(piece, body.height_mm + rng.uniform(0.6, 1.2) * np.clip(t, 0, 1) ** 1.4 + 0.05, body.height_mm))
