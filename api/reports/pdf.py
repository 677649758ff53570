"""A4 pages of a report: matplotlib's PDF backend, so that a report needs no browser and no other library."""

# matplotlib's signatures are only partly typed.
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false

from __future__ import annotations

import io
import textwrap
from collections.abc import Sequence
from datetime import datetime

import numpy as np
from matplotlib.backends.backend_pdf import FigureCanvasPdf, PdfPages
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

WIDTH_IN, HEIGHT_IN = 8.27, 11.69
INK, SOFT, LINE, ALARM, FINE = "#1d2226", "#5d666d", "#c9ced2", "#c0341d", "#2c6e49"
_MARGIN = 0.07


class Document:
    """A PDF in the making.

    Args:
        title: its title, also of the file.
        created: when, told at the foot of each page.
    """

    def __init__(self, title: str, created: datetime) -> None:
        self._title = title
        self._created = created
        self._file = io.BytesIO()
        self._pages = PdfPages(self._file, metadata={"Title": title, "Creator": "d3station", "CreationDate": created})
        self._count = 0

    def page(self, subtitle: str) -> Sheet:
        """A new page, with its head."""
        self._count += 1
        sheet = Sheet()
        sheet.figure.text(_MARGIN, 0.955, self._title, size=17, weight="bold", color=INK)
        sheet.figure.text(_MARGIN, 0.935, subtitle, size=9, color=SOFT)
        sheet.figure.text(_MARGIN, 0.025, f"d3station · {self._created:%Y-%m-%d %H:%M %Z} · page {self._count}", size=7, color=SOFT)
        return sheet

    def add(self, sheet: Sheet) -> None:
        """Put a finished page in."""
        self._pages.savefig(sheet.figure)

    def content(self) -> bytes:
        """The whole file; nothing can be added after it."""
        self._pages.close()
        return self._file.getvalue()


class Sheet:
    """One A4 page; places are shares of its width and height, from the lower left."""

    def __init__(self) -> None:
        self.figure = Figure(figsize=(WIDTH_IN, HEIGHT_IN))
        FigureCanvasPdf(self.figure)

    def text(self, x: float, y: float, text: str, *, size: float = 9, colour: str = INK, bold: bool = False, wrap: int = 0) -> None:
        """A line, or several of at most ``wrap`` characters; characters are shown as they are, never as a formula."""
        lines = textwrap.fill(text, wrap, break_long_words=True) if wrap else text
        self.figure.text(x, y, lines, size=size, color=colour, weight="bold" if bold else "normal", va="top", parse_math=False)

    def picture(
        self, box: tuple[float, float, float, float], pixels: NDArray[np.uint8], caption: str, boxes: Sequence[tuple[int, int, int, int]] = ()
    ) -> None:
        """A picture, with places in it marked: x, y, width, height in its pixels."""
        axes = self.figure.add_axes(box)
        axes.imshow(pixels, interpolation="antialiased")
        axes.set_axis_off()
        for x, y, width, height in boxes:
            axes.add_patch(Rectangle((x, y), width, height, fill=False, edgecolor=ALARM, linewidth=1.2))
        axes.set_title(caption, size=8, color=SOFT, loc="left", pad=3)

    def table(self, top: float, rows: Sequence[Sequence[str]], columns: Sequence[float], *, head: bool = False) -> float:
        """Rows of text, each cell at its column; returns where the next thing may begin."""
        y = top
        for number, row in enumerate(rows):
            for x, cell in zip(columns, row, strict=True):
                self.text(x, y, cell, size=8, colour=SOFT if head and number == 0 else INK)
            y -= 0.0165
            if head and number == 0:
                self.rule(y + 0.003)
        return y

    def rule(self, y: float) -> None:
        """A thin line across the page."""
        axes = self.figure.add_axes((_MARGIN, y, 1 - 2 * _MARGIN, 0.0005))
        axes.set_axis_off()
        axes.axhline(0, color=LINE, linewidth=0.6)
