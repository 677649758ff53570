"""A report as one HTML file: its pictures are in it, so that it can be mailed, archived and opened anywhere."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_STYLE = """
:root { color-scheme: light dark; --ink: #1d2226; --soft: #5d666d; --ground: #f3f4f5; --card: #fff; --line: #d5d9dc }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9eb; --soft: #9aa4ab; --ground: #15181a; --card: #1f2427; --line: #353c41 } }
body { margin: 0; padding: 2rem; background: var(--ground); color: var(--ink); font: 15px/1.5 system-ui, sans-serif }
main { max-width: 72rem; margin: auto } h1 { font-size: 1.5rem; margin: 0 } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem }
p.sub, figcaption { color: var(--soft); margin: .2rem 0 1rem } table { border-collapse: collapse; background: var(--card) }
th, td { border: 1px solid var(--line); padding: .3rem .7rem; text-align: left } td.n { text-align: right; font-variant-numeric: tabular-nums }
figure { margin: 0 0 1rem } img { max-width: 100%; background: #fff; border: 1px solid var(--line) } .bad { color: #c0341d; font-weight: 600 }
"""

Cell = str | float | int | None


class Page:
    """A page in the making.

    Args:
        title: its heading.
        subtitle: one line under it.
    """

    def __init__(self, title: str, subtitle: str) -> None:
        self._title = title
        self._parts = [f"<h1>{html.escape(title)}</h1><p class=sub>{html.escape(subtitle)}</p>"]

    def heading(self, text: str) -> None:
        """A section."""
        self._parts.append(f"<h2>{html.escape(text)}</h2>")

    def text(self, text: str, bad: bool = False) -> None:
        """A paragraph; ``bad`` is what needs somebody's attention."""
        self._parts.append(f"<p{' class=bad' if bad else ''}>{html.escape(text)}</p>")

    def table(self, head: Sequence[str], rows: Iterable[Sequence[Cell]]) -> None:
        """A table; numbers are set to four digits."""
        cells = "".join(f"<th>{html.escape(h)}</th>" for h in head)
        body = "".join("<tr>" + "".join(_cell(c) for c in row) + "</tr>" for row in rows)
        self._parts.append(f"<table><tr>{cells}</tr>{body}</table>")

    def figure(self, figure: Figure, caption: str) -> None:
        """A plot."""
        picture = io.BytesIO()
        figure.savefig(picture, format="png", dpi=110)  # pyright: ignore[reportUnknownMemberType]
        data = base64.b64encode(picture.getvalue()).decode()
        self._parts.append(
            f'<figure><img alt="{html.escape(caption)}" src="data:image/png;base64,{data}"><figcaption>{html.escape(caption)}</figcaption></figure>'
        )

    def write(self, path: Path) -> Path:
        """Write it whole or not at all; returns its path."""
        body = "\n".join(self._parts)
        text = f"<!doctype html><html lang=en><meta charset=utf-8><title>{html.escape(self._title)}</title><style>{_STYLE}</style><main>{body}</main>"
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(path.name + ".tmp")
        temporary.write_text(text, encoding="utf-8")
        return temporary.replace(path)


def _cell(value: Cell) -> str:
    if isinstance(value, float | int):
        return f"<td class=n>{value:.4g}</td>"
    return f"<td>{html.escape(value or '–')}</td>"
