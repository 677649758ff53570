"""A bench to build bodies on: pieces are added, pockets cut, marks printed; colour and material follow what is on top."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from acquisition.simulation.materials import Colour, Material
from acquisition.simulation.shapes import FLOOR_MM, Body, grid, lettering, raised, sunk, texture

F64 = NDArray[np.float64]


_REACH_MM = 0.8
"""How far outside its outline a solid's wall or a pocket's chamfer can reach."""


_PRINT_MM = 0.08
"""Standard deviation of where a print lands."""


def _window(outline: F64) -> tuple[slice, slice]:
    """The rows and columns that a solid or a pocket can touch."""
    near = outline < _REACH_MM
    rows, columns = np.flatnonzero(near.any(1)), np.flatnonzero(near.any(0))
    if not len(rows):
        return slice(0, 0), slice(0, 0)
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


class Model:
    """A height field in the making.

    Args:
        rng: where the part's tolerances come from.
        width_mm: size along x.
        depth_mm: size along y.
        colour: diffuse reflectance of the body's own material.
        tolerance_mm: standard deviation of each dimension.
    """

    def __init__(self, rng: np.random.Generator, width_mm: float, depth_mm: float, colour: Colour, tolerance_mm: float = 0.02) -> None:
        self.rng = rng
        self.x, self.y = grid(width_mm, depth_mm)
        self.height = np.full(self.x.shape, FLOOR_MM)
        self.albedo = np.empty((*self.x.shape, 3))
        self.albedo[:] = np.array(colour) * (1 + 0.02 * rng.standard_normal()) * (1 + 0.01 * rng.standard_normal(3))
        self._tolerance = tolerance_mm
        self._inlaid = np.zeros(self.x.shape, np.bool_)
        self._pieces = np.zeros(self.x.shape, np.uint8)
        self._below = self.height.copy()
        self._count = 0

    def near(self, nominal_mm: float) -> float:
        """A dimension as it came out of the tool."""
        return nominal_mm + self._tolerance * float(self.rng.standard_normal())

    def turned(self, angle_rad: float, centre_mm: tuple[float, float] = (0.0, 0.0)) -> tuple[F64, F64]:
        """x and y in a frame turned by an angle about a centre."""
        x, y, c, s = self.x - centre_mm[0], self.y - centre_mm[1], np.cos(angle_rad), np.sin(angle_rad)
        return c * x + s * y, c * y - s * x

    def disc(self, x_mm: float, y_mm: float, radius_mm: float) -> F64:
        """Signed distance to a circle."""
        return np.hypot(self.x - x_mm, self.y - y_mm) - radius_mm

    def _shade(self, colour: Colour) -> F64:
        """A colour as this batch has it."""
        return np.array(colour) * (1 + 0.02 * self.rng.standard_normal())

    def add(
        self, outline: F64, top: F64 | float, edge: float = 0.15, colour: Colour | None = None, *, inlay: bool = False, piece: bool = False
    ) -> None:
        """Put a solid with a rounded edge on: where it is higher than what was there, it is seen.

        Args:
            outline: signed distance, negative inside.
            top: height, mm.
            edge: radius of its upper edge, mm.
            colour: None is the body's own.
            inlay: whether it is of the second material.
            piece: whether it can come off, bend or sit wrong on its own.
        """
        at = _window(outline)
        new = raised(outline[at], np.broadcast_to(top, outline.shape)[at], edge)
        height = self.height[at]
        over = new > height
        self._pieces[at][over] = 0
        if piece:
            self._count += 1
            self._below[at][over] = height[over]
            self._pieces[at][over & (new > 0)] = self._count
        height[over] = new[over]
        self._inlaid[at][over] = inlay
        if colour is not None:
            self.albedo[at][over] = self._shade(colour)

    def cut(self, outline: F64, level: float, chamfer: float = 0.0, colour: Colour | None = None) -> None:
        """Cut a pocket down to a level; a colour paints its bottom and walls."""
        at = _window(outline)
        before = self.height[at].copy()
        after = sunk(before, outline[at], level, chamfer)
        self.height[at] = after
        if colour is not None:
            self.albedo[at][(outline[at] <= 0) & (after < before)] = colour

    def groove(self, across_mm: F64, width_mm: float, depth_mm: float) -> None:
        """Press a soft groove (negative: a bead) along ``across_mm`` = 0."""
        self.height = np.where(self.height > 0, self.height - depth_mm * np.exp(-((across_mm / width_mm) ** 2)), self.height)

    def paint(self, cover: NDArray[np.floating[Any]] | NDArray[np.bool_], colour: Colour) -> None:
        """Colour what is on top, ``cover`` 0 to 1."""
        share = np.clip(np.asarray(cover, np.float64), 0, 1)[..., None]
        self.albedo = self.albedo * (1 - share) + self._shade(colour) * share

    def text(self, text: str, x_mm: float, y_mm: float, size_mm: float, *, relief: float = 0.0, colour: Colour | None = None) -> None:
        """A line of moulded (``relief`` mm) or printed letters: the tool puts it where it belongs, the pad of the print near there."""
        off_mm = _PRINT_MM * self.rng.standard_normal(2) if colour is not None else np.zeros(2)
        cover = lettering(self.x, self.y, text, (self.near(x_mm) + float(off_mm[0]), self.near(y_mm) + float(off_mm[1])), size_mm)
        if colour is not None:
            self.paint(cover, colour)
        self.height = np.where(self.height > 0, self.height + relief * cover, self.height)

    def _clouds(self, sigma_mm: float) -> F64:
        """A smooth random field, made on every fourth grid point: it has nothing finer."""
        h, w = self.x.shape
        coarse = texture(self.rng, (h // 4 + 2, w // 4 + 2), sigma_mm / 4, sigma_mm / 4)
        return np.asarray(cv2.resize(coarse, (w, h), interpolation=cv2.INTER_LINEAR), np.float64)

    def body(self, material: Material, inlay: Material | None = None, grain_mm: float = 0.0016) -> Body:
        """The finished body: its skin's texture, its colour's unevenness."""
        skin = grain_mm * (texture(self.rng, self.x.shape, 0.06, 0.06) + 0.8 * self._clouds(0.4))
        height = np.where(self.height > 0, self.height + skin, self.height)
        shade = 1 + 0.015 * texture(self.rng, self.x.shape, 0.08, 0.08) + 0.012 * self._clouds(0.6)
        albedo = (self.albedo * shade[..., None]).clip(0.01, 0.9)
        inlaid = self._inlaid if inlay is not None else None
        return Body(height, albedo, material, (self.x[0, 0], self.y[0, 0]), inlay, inlaid, self._pieces, self._below)
