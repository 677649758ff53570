"""A shift as pages: yield, Pareto, p-chart, and the bad parts with their pictures."""

# matplotlib's signatures are only partly typed.
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, tzinfo

from matplotlib.axes import Axes

from api.reports.pdf import ALARM, FINE, INK, LINE, SOFT, Document, Sheet
from api.samples import picture
from api.schemas import Inspection
from api.schemas_statistics import Pareto, PChart, Yield
from api.store.artifacts import ArtifactFolders
from api.store.clock import now
from rig_configs.errors import D3Error

MOST_PARTS = 24
"""Bad parts that are shown with their pictures."""
_ROWS, _COLUMNS = 4, 3


def shift_pdf(
    station: str,
    start: datetime,
    zone: tzinfo,
    by_hour: Yield,
    by_recipe: Yield,
    places: Pareto,
    reasons: Pareto,
    chart: PChart,
    bad: Sequence[Inspection],
    artifacts: ArtifactFolders,
) -> bytes:
    """The report of a shift, PDF.

    Args:
        station: name of the station.
        start: when the shift began.
        zone: the plant's time zone.
        by_hour: verdicts of each hour.
        by_recipe: verdicts of each recipe.
        places: where the bad parts differ.
        reasons: why parts could not be decided.
        chart: share of NotOK by hour.
        bad: the bad parts, of which the first are shown.
        artifacts: where their pictures are.
    """
    document = Document(f"Shift of {start.astimezone(zone):%Y-%m-%d %H:%M}", now())
    sheet = document.page(f"{station} · {by_hour.since.astimezone(zone):%H:%M} to {by_hour.until.astimezone(zone):%H:%M}")
    overall = by_hour.overall
    share = "–" if overall.good_share is None else f"{overall.good_share:.1%}"
    sheet.text(0.07, 0.91, share, size=30, bold=True)
    sheet.text(0.30, 0.905, f"good of what was decided\n{overall.total} inspections: {overall.ok} OK, {overall.not_ok} NotOK, "
               f"{overall.not_decidable} NotDecidable; verdicts overruled: {overall.overruled}", size=9, colour=SOFT)  # fmt: skip
    head = ("recipe", "inspected", "OK", "NotOK", "NotDecidable", "good")
    rows = [
        (g.group[:40], str(g.total), str(g.ok), str(g.not_ok), str(g.not_decidable), "–" if g.good_share is None else f"{g.good_share:.1%}")
        for g in by_recipe.groups[:12]
    ]
    y = sheet.table(0.85, [head, *rows], (0.07, 0.40, 0.52, 0.62, 0.72, 0.86), head=True)
    height = (y - 0.27) / 3
    _hours(_axes(sheet, y - 0.03 - height, height), by_hour, zone)
    _control(_axes(sheet, y - 0.10 - 2 * height, height), chart)
    _bars(sheet.figure.add_axes((0.24, y - 0.17 - 3 * height, 0.25, height)), places, "NotOK by place")
    _bars(sheet.figure.add_axes((0.72, y - 0.17 - 3 * height, 0.21, height)), reasons, "NotDecidable by reason")
    document.add(sheet)
    for first in range(0, min(len(bad), MOST_PARTS), _ROWS * _COLUMNS):
        document.add(_parts(document, bad[first : first + _ROWS * _COLUMNS], len(bad), artifacts))
    return document.content()


def _axes(sheet: Sheet, bottom: float, height: float) -> Axes:
    return sheet.figure.add_axes((0.12, bottom, 0.81, height))


def _plain(axes: Axes, title: str) -> None:
    axes.set_title(title, size=9, color=INK, loc="left")
    axes.tick_params(labelsize=7, colors=SOFT)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(LINE)


def _nothing(axes: Axes) -> None:
    axes.text(0.5, 0.5, "none", size=9, color=SOFT, ha="center", va="center", transform=axes.transAxes)
    axes.set_xticks([])
    axes.set_yticks([])


def _hours(axes: Axes, by_hour: Yield, zone: tzinfo) -> None:
    _plain(axes, "Verdicts by hour")
    if not by_hour.groups:
        _nothing(axes)
        return
    names = [datetime.fromisoformat(g.group).astimezone(zone).strftime("%H:%M") for g in by_hour.groups]
    floor = [0] * len(names)
    for label, colour, counts in (
        ("OK", FINE, [g.ok for g in by_hour.groups]),
        ("NotOK", ALARM, [g.not_ok for g in by_hour.groups]),
        ("NotDecidable", SOFT, [g.not_decidable for g in by_hour.groups]),
    ):
        axes.bar(names, counts, bottom=floor, color=colour, label=label, width=0.6)
        floor = [a + b for a, b in zip(floor, counts, strict=True)]
    axes.legend(fontsize=7, frameon=False, ncols=3, loc="upper right", bbox_to_anchor=(1, 1.18))


def _control(axes: Axes, chart: PChart) -> None:
    _plain(axes, "Share of NotOK by hour, with 3 sigma limits (p-chart)")
    if not chart.points:
        _nothing(axes)
        return
    names = [point.group[11:16] for point in chart.points]
    axes.plot(names, [p.share for p in chart.points], color=INK, marker="o", markersize=3, linewidth=1)
    for limit in ([p.upper for p in chart.points], [p.lower for p in chart.points]):
        axes.step(names, limit, where="mid", color=SOFT, linewidth=0.8, linestyle="--")
    axes.axhline(chart.centre or 0.0, color=LINE, linewidth=0.8)
    told: set[str] = set()
    for point in chart.points:
        if point.rules:
            axes.plot([point.group[11:16]], [point.share], color=ALARM, marker="o", markersize=6)
            told.update(rule.value for rule in point.rules)
    if told:
        axes.set_xlabel("; ".join(sorted(told)), size=7, color=ALARM)


def _bars(axes: Axes, pareto: Pareto, title: str) -> None:
    _plain(axes, f"{title} ({pareto.total})")
    if not pareto.causes:
        _nothing(axes)
        return
    causes = pareto.causes[:8][::-1]
    axes.barh([c.cause for c in causes], [c.inspections for c in causes], color=SOFT, height=0.6)
    for number, cause in enumerate(causes):
        axes.text(cause.inspections, number, f" {cause.inspections}, {cause.cumulative:.0%}", size=7, color=INK, va="center")
    axes.set_ylim(len(causes) - max(len(causes), 4) - 0.5, len(causes) - 0.5)
    axes.set_xlim(0, 1.35 * max(c.inspections for c in causes))


def _parts(document: Document, bad: Sequence[Inspection], total: int, artifacts: ArtifactFolders) -> Sheet:
    sheet = document.page(
        f"Parts that are NotOK or could not be decided: {total}" + (f", the first {MOST_PARTS} shown" if total > MOST_PARTS else "")
    )
    for number, inspection in enumerate(bad):
        left, bottom = 0.07 + 0.30 * (number % _COLUMNS), 0.765 - 0.215 * (number // _COLUMNS)
        try:
            pixels = picture(artifacts.path(inspection.created, inspection.id, "thumbnail.jpg"))
        except D3Error:
            sheet.text(left, bottom + 0.08, "no picture is kept", size=8, colour=SOFT)
        else:
            sheet.picture((left, bottom, 0.27, 0.14), pixels, "")
        score = "" if inspection.score is None else f", score {inspection.score:.2f}"
        why = inspection.reason.code if inspection.reason else ", ".join(sorted({r.modality for r in inspection.regions}))
        sheet.text(left, bottom - 0.002, f"{inspection.serial or inspection.id[:8]}", size=8, bold=True)
        sheet.text(left, bottom - 0.016, f"{inspection.evaluation.value}{score}\n{why}"[:80], size=7, colour=SOFT)
        if inspection.reviewed_as is not None:
            sheet.text(left + 0.15, bottom - 0.002, f"a person: {inspection.reviewed_as.value}", size=7, colour=SOFT)
    return sheet
