"""One inspection as a page: the verdict, where it comes from, and the pictures."""

# matplotlib's signatures are only partly typed.
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from api.reports.pdf import ALARM, FINE, INK, SOFT, Document, Sheet
from api.samples import picture
from api.schemas import Evaluation, Inspection
from api.store.artifacts import ArtifactFolders
from api.store.clock import now

_MOST_PX = 900
_BANKS = {"rgb": "colour", "pseudo3d": "pseudo-3D", "fused": "colour with points"}
_COLOURS = {Evaluation.OK: FINE, Evaluation.NOT_OK: ALARM}
_X = (0.07, 0.24, 0.53, 0.70)


def inspection_pdf(inspection: Inspection, artifacts: ArtifactFolders) -> bytes:
    """The report of a finished inspection, PDF, one page; pictures that are no longer kept are left out."""
    document = Document(f"Inspection of {inspection.serial or 'a part without a serial number'}", now())
    sheet = document.page(f"{inspection.station} · {inspection.id}" + (" · SIMULATED" if inspection.is_simulated else ""))
    sheet.text(0.07, 0.91, inspection.evaluation.value, size=30, colour=_COLOURS.get(inspection.evaluation, INK), bold=True)
    if inspection.reason is not None:
        sheet.text(0.07, 0.868, f"{inspection.reason.message} {inspection.reason.cure} [{inspection.reason.code}]", wrap=110)
    elif inspection.score is not None and inspection.threshold is not None:
        sheet.text(0.07, 0.868, f"score {inspection.score:.3f}, NotOK above {inspection.threshold:.3f}", size=11)
    y = sheet.table(0.835, _facts(inspection), _X)
    y = sheet.table(y - 0.01, [("bank", "score", "good parts stay below", ""), *_banks(inspection)], _X, head=True)
    if inspection.regions:
        y = sheet.table(y - 0.01, [("region", "at px", "area mm²", "peak (1 is the limit)"), *_regions(inspection)], _X, head=True)
    for review in inspection.reviews[-4:]:
        said = "confirmed" if review.confirms else f"overruled: {review.evaluation.value}"
        sheet.text(0.07, y - 0.008, f"{review.at:%Y-%m-%d %H:%M} {review.by} {said}" + (f", {review.reason}" if review.reason else ""), wrap=120)
        y -= 0.022
    _pictures(sheet, inspection, artifacts, y - 0.03)
    document.add(sheet)
    return document.content()


def _facts(inspection: Inspection) -> list[tuple[str, str, str, str]]:
    made = inspection.provenance
    finished = f"{inspection.finished:%Y-%m-%d %H:%M:%S} UTC" if inspection.finished else "–"
    pairs = [
        ("recipe", inspection.recipe + (f", version {made.recipe_version}" if made and made.recipe_version else "")),
        ("finished", finished),
        ("lot", inspection.lot or "–"),
        ("order", inspection.order or "–"),
        ("operator", inspection.operator or "–"),
        ("seconds", f"{inspection.timings.total:.1f}" if inspection.timings else "–"),
    ]
    if made is not None:
        pairs += [
            ("model", f"{made.model_id or '–'}"),
            ("calibration", made.calibration_id),
            ("rig", f"{made.rig}, sha256 {made.rig_sha256[:12]}…"),
            ("software", made.software or "–"),
        ]
    pairs += [("", "")] * (len(pairs) % 2)
    return [(*pairs[i], *pairs[i + 1]) for i in range(0, len(pairs), 2)]


def _banks(inspection: Inspection) -> list[tuple[str, str, str, str]]:
    return [
        (_BANKS[bank.name], f"{bank.score:.3f}", f"{bank.limit:.3f}", "over its limit" if bank.score > bank.limit else "")
        for bank in inspection.banks
    ]


def _regions(inspection: Inspection) -> list[tuple[str, str, str, str]]:
    return [
        (f"{n + 1}, {_BANKS[r.modality]}", f"{r.x_px}, {r.y_px} · {r.width_px} × {r.height_px}", f"{r.area_mm2:.3f}", f"{r.peak:.2f}")
        for n, r in enumerate(inspection.regions[:6])
    ]


def _pictures(sheet: Sheet, inspection: Inspection, artifacts: ArtifactFolders, top: float) -> None:
    names = {artifact.name for artifact in inspection.artifacts}
    wanted = [("rgb.png", "colour, with the places that differ"), ("pseudo3d.png", "pseudo-3D"), ("depth.png", "height"), ("anomaly.png", "anomaly")]
    found = [(name, caption) for name, caption in wanted if name in names]
    if not found:
        sheet.text(0.07, top, "The pictures of this inspection are not kept.", colour=SOFT)
        return
    height = min(0.27, (top - 0.06) / 2 - 0.03)
    for number, (name, caption) in enumerate(found):
        pixels, share = _small(picture(artifacts.path(inspection.created, inspection.id, name)), name, inspection, artifacts)
        boxes = [(round(r.x_px * share), round(r.y_px * share), round(r.width_px * share), round(r.height_px * share)) for r in inspection.regions]
        left, bottom = 0.07 + 0.44 * (number % 2), top - height - (height + 0.03) * (number // 2)
        sheet.picture((left, bottom, 0.42, height), pixels, caption, boxes if name == "rgb.png" else ())


def _small(pixels: NDArray[np.uint8], name: str, inspection: Inspection, artifacts: ArtifactFolders) -> tuple[NDArray[np.uint8], float]:
    """A picture at the size of print; the anomaly lies over the grey part, or nobody would know where it is."""
    if name == "anomaly.png":
        overlay = cv2.imread(str(artifacts.path(inspection.created, inspection.id, name)), cv2.IMREAD_UNCHANGED)
        under = picture(artifacts.path(inspection.created, inspection.id, "rgb.png"))
        if overlay is not None and overlay.ndim == 3 and overlay.shape[2] == 4:
            grey = np.repeat(cv2.cvtColor(under, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2).astype(np.float32)
            opaque = overlay[..., 3:].astype(np.float32) / 255
            pixels = (grey * (1 - opaque) + overlay[..., 2::-1] * opaque).astype(np.uint8)
    share = min(1.0, _MOST_PX / max(pixels.shape[:2]))
    size = (max(1, round(pixels.shape[1] * share)), max(1, round(pixels.shape[0] * share)))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8), share
