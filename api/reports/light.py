"""The part of the calibration report that shows the light zones: where they are, how they light the plate, and how well that fits."""
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from api.reports.page import Page
from photometric.calibration import ZonesFit
from rig_configs.calibration import Calibration
from rig_configs.schema import RigConfig

F64 = NDArray[np.float64]


def light_section(page: Page, config: RigConfig, calibration: Calibration, fit: ZonesFit | None) -> None:
    """Write the section.

    Args:
        page: where.
        config: the rig.
        calibration: what was written.
        fit: the fit of the zones; None where they were not measured this time.
    """
    page.heading("Light zones")
    rows: list[tuple[str, float, float, float, str]] = []
    for zone, drawn in zip(calibration.zones, config.lights.zones, strict=True):
        azimuth, elevation = _angles_deg(zone.position_mm)
        distance = float(np.linalg.norm(zone.position_mm))
        nominal = f"{drawn.nominal.azimuth_deg:g}° / {drawn.nominal.elevation_deg:g}° / {drawn.nominal.distance_mm:g} mm"
        rows.append((zone.name, azimuth, elevation, distance, nominal))
    page.table(("zone", "azimuth, °", "elevation, °", "distance, mm", "drawing"), rows)
    page.text(f"Black level {calibration.black_level_dn:.2f} DN, white balance {', '.join(f'{w:.3f}' for w in calibration.white_balance)}.")
    page.figure(_polar(config, calibration), "Directions to the zones as seen from above: found (dots) and drawn (circles); the rim is the horizon")
    names = [zone.name for zone in calibration.zones]
    fields = [np.asarray(zone.flat_field_dn_per_ms(96, 64), np.float64) for zone in calibration.zones]
    top = max(float(field.max()) for field in fields)
    page.figure(_maps(names, fields, "magma", 0, top, "DN / ms"), "How the matt white plate answers to each zone")
    if fit is None:
        return
    off = [flat.off_percent for flat in fit.flats]
    most = max(3 * max(flat.rms_percent for flat in fit.flats), 0.1)
    page.figure(
        _maps([f"{name}: {flat.rms_percent:.2f} % RMS" for name, flat in zip(names, fit.flats, strict=True)], off, "coolwarm", -most, most, "%"),
        "Plate less its flat-field polynomial, blocks of 8 pixels: spots are dust, rings and stripes are what the polynomial does not know",
    )
    page.figure(_misfits(names, fit), "Angle between each zone's measured direction and that to its fitted position")


def _angles_deg(position_mm: tuple[float, float, float]) -> tuple[float, float]:
    x, y, z = position_mm
    return float(np.degrees(np.arctan2(y, x)) % 360), float(np.degrees(np.arctan2(z, np.hypot(x, y))))


def _polar(config: RigConfig, calibration: Calibration) -> Figure:
    figure = Figure(figsize=(4.6, 4.6), layout="constrained")
    axes = figure.add_subplot(projection="polar")
    for index, (zone, drawn) in enumerate(zip(calibration.zones, config.lights.zones, strict=True)):
        azimuth, elevation = _angles_deg(zone.position_mm)
        axes.plot(np.radians(drawn.nominal.azimuth_deg), 90 - drawn.nominal.elevation_deg, "o", mfc="none", color="0.4", ms=11)
        axes.plot(np.radians(azimuth), 90 - elevation, "o", color=f"C{index}", ms=6)
        axes.annotate(zone.name, (np.radians(azimuth), 90 - elevation), xytext=(8, 8), textcoords="offset points")
    axes.set(ylim=(0, 90), yticks=[30, 60, 90], yticklabels=["60°", "30°", "0°"])
    return figure


def _maps(titles: list[str], maps: list[F64], colours: str, low: float, high: float, unit: str) -> Figure:
    figure = Figure(figsize=(3.2 * len(maps), 2.6), layout="constrained")
    picture = None
    for axes, title, values in zip(np.ravel(figure.subplots(1, len(maps), squeeze=False)), titles, maps, strict=True):
        picture = axes.imshow(values, cmap=colours, vmin=low, vmax=high)
        axes.set(xticks=[], yticks=[])
        axes.set_title(title, fontsize="medium")
    if picture is not None:
        figure.colorbar(picture, ax=figure.axes, label=unit)
    return figure


def _misfits(names: list[str], fit: ZonesFit) -> Figure:
    figure = Figure(figsize=(9, 2.8), layout="constrained")
    axes = figure.subplots()
    count = fit.angles_deg.shape[1]
    at: F64 = np.arange(count, dtype=np.float64)
    width = 0.8 / len(names)
    for index, (name, angles) in enumerate(zip(names, fit.angles_deg, strict=True)):
        axes.bar(at + (index - (len(names) - 1) / 2) * width, angles, width, label=name)
    axes.set(xticks=at, xticklabels=[str(n + 1) for n in range(count)], xlabel="place of the sphere, or height of the plate", ylabel="angle, °")
    axes.legend(fontsize="small", ncols=len(names))
    return figure
