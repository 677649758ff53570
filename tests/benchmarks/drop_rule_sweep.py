"""Which lights to drop, tried on simulated parts with truth: ``python -m tests.benchmarks.drop_rule_sweep``.

For parts of different materials on the demo bench: mean angular error and share of the pixels that keep three lights, by rule. Only
captures and the shipped calibration go into the normals; the truth judges them.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import rig_configs  # noqa: F401 - first, because it tells the thread pools how to behave

import cv2  # isort: skip
import numpy as np

from acquisition import pixel_formats
from acquisition.sequence import AmbientStep, FringeStep, ZoneStep
from acquisition.simulation.feeder import PartFeeder
from acquisition.simulation.truth import truth_of
from api.composition import open_station
from photometric.camera import points_at_height
from photometric.cast_shadows import cast_shadows
from photometric.drop_rule import HIGHLIGHT_RATIO, SHADOW_RATIO
from rig_configs.files import load_calibration, load_rig
from structured_light.reconstructor import FourEye

KINDS = ("connector_housing_female", "fork_crimp_terminal", "purple_clay_pot", "lego_propeller", "power_jack")
SHADOWS = (1e-3, 0.05, 0.1, 0.15, 0.2, 0.3)
HIGHLIGHTS = (1.1, 1.25, 1.5, 1.75, 2.0, 3.0)
SHADOW, HIGHLIGHT = float(SHADOW_RATIO), float(HIGHLIGHT_RATIO)
EVERY = 3


def answers(frames, calibration, z):
    """b (K, n), usable (K, n) and L (n, K, 3) of every third pixel, in numpy, with near light at the cloud's height."""
    rig, camera = load_rig("demo"), calibration.camera
    form = rig.camera.pixel_format
    grid = (slice(None, None, EVERY), slice(None, None, EVERY))
    rate, usable = {}, {}
    for frame in frames:
        if isinstance(frame.step, FringeStep):
            continue
        light = pixel_formats.luminance(pixel_formats.rgb(frame.pixels, form))[grid].astype(float)
        key = frame.step.zone if isinstance(frame.step, ZoneStep) else -1
        rate[key] = ((light - calibration.black_level_dn) / (frame.exposure_us / 1e3)).ravel()
        usable[key] = (~pixel_formats.saturated(frame.pixels, form)[grid] & (light < form.full_scale_dn)).ravel()
        assert isinstance(frame.step, ZoneStep | AmbientStep)
    v, u = (a[grid].ravel() for a in np.mgrid[: camera.height_px, : camera.width_px])
    pixels = np.stack([u, v], -1).astype(float)
    low, high = points_at_height(camera, pixels, 0.0), points_at_height(camera, pixels, 1.0)
    X = low + (high - low) * np.nan_to_num(z[grid].ravel())[:, None]
    P = np.array([zone.position_mm for zone in calibration.zones])
    to0, to = P - low[:, None], P - X[:, None]
    r0, r = np.linalg.norm(to0, axis=-1), np.linalg.norm(to, axis=-1)
    flat = np.stack([zone.flat_field_dn_per_ms(camera.width_px, camera.height_px)[grid].ravel() for zone in calibration.zones], -1)
    g = to0[..., 2] / r0 / flat * (r / r0) ** 2
    K = len(P)
    b = np.stack([(rate[k] - rate[-1]) for k in range(K)]) * g.T
    ok = np.stack([usable[k] for k in range(K)]) & (b > 1e-3)
    return b, ok, to / r[..., None], X


def solve(b, L, usable):
    """Least squares over the usable lights: unit normals (n, 3), NaN where fewer than three."""
    weight = usable.T.astype(float)
    A = np.einsum("nk,nki,nkj->nij", weight, L, L) + 1e-12 * np.eye(3)
    x = np.linalg.solve(A, np.einsum("nk,nki,kn->ni", weight, L, np.where(usable, b, 0))[..., None])[..., 0]
    x[(usable.sum(0) < 3) | (x[:, 2] <= 0)] = np.nan
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def predicted(b, L):
    """What the other three lights predict for each (K, n)."""
    w = np.linalg.svd(np.swapaxes(L, 1, 2))[2][:, 3].T
    with np.errstate(divide="ignore", invalid="ignore"):
        return b - (w * b).sum(0) / w


def rule(b, ok, L, shadow, highlight, one_only=True, barred=None):
    """The drop rule; ``barred`` lights count as not usable, as far as three remain."""
    use = ok.copy()
    if barred is not None:
        use &= ~(barred & ((use & ~barred).sum(0) >= 3))
    second = np.sort(np.where(use, b, -np.inf), axis=0)[-2]
    dark = use & (b < shadow * np.maximum(second, 0))
    if one_only:
        dark &= b == np.where(use, b, np.inf).min(0)
        dark &= use.sum(0) > 3
    use &= ~dark
    four = use.sum(0) == 4
    brightest = np.arange(4)[:, None] == np.where(use, b, -np.inf).argmax(0)
    return use & ~(brightest & four & (b > highlight * predicted(b, L)))


def cloud_normals(z, pitch, grid_every):
    """Normals of the cloud, smoothed over a few pixels."""
    known = np.isfinite(z).astype(np.float32)
    smooth = cv2.GaussianBlur(np.nan_to_num(z), (0, 0), 3) / np.maximum(cv2.GaussianBlur(known, (0, 0), 3), 1e-3)
    q, p = np.gradient(smooth, pitch)
    n = np.stack([-p, q, np.ones_like(p)], -1)[::grid_every, ::grid_every].reshape(-1, 3)
    return n / np.linalg.norm(n, axis=1, keepdims=True)


def main(kinds) -> None:
    """Print the table."""
    calibration, rig = load_calibration("demo"), load_rig("demo")
    opened = open_station("demo", Path(tempfile.mkdtemp()), automatic_hand=False)
    centre = calibration.camera.centre_mm
    for kind in kinds:
        PartFeeder(opened.bench, kind).place(None, seed=31)
        four_eye = FourEye(calibration, rig.sequence.fringes, saturation_dn=rig.camera.pixel_format.full_scale_dn)
        frames = []
        for frame in opened.station.frames():
            if isinstance(frame.step, FringeStep):
                four_eye.add(frame.step.projector, frame.step.pattern, frame.pixels)
            else:
                frames.append(frame)
        z = four_eye.reconstruct().xyz_mm[..., 2]
        truth = truth_of(opened.bench)
        b, ok, L, X = answers(frames, calibration, z)
        part = truth.object_mask[::EVERY, ::EVERY].ravel()
        normals = truth.normals[::EVERY, ::EVERY].reshape(-1, 3)
        keep = part & np.isfinite(normals).all(1)
        b, ok, L, X, normals = b[:, keep], ok[:, keep], L[keep], X[keep], normals[keep]
        shaded = np.stack([cast_shadows(z, zone.position_mm, calibration.camera)[::EVERY, ::EVERY].ravel()[keep] for zone in calibration.zones])
        truly = np.stack([~seen[::EVERY, ::EVERY].ravel()[keep] for seen in truth.visible_from_zone])
        from_cloud = cloud_normals(z, 1 / calibration.camera.fx_px * centre[2], EVERY)[keep]
        eye = centre - X
        half = L + (eye / np.linalg.norm(eye, axis=1, keepdims=True))[:, None]
        half /= np.linalg.norm(half, axis=-1, keepdims=True)
        off = np.degrees(np.arccos(np.clip((half * from_cloud[:, None]).sum(-1), -1, 1))).T

        def show(name, n, normals=normals, kind=kind):
            error = np.degrees(2 * np.arcsin(np.clip(np.linalg.norm(n - normals, axis=1) / 2, 0, 1)))
            found = np.isfinite(error)
            print(f"{kind:28s} {name:46s} mean {error[found].mean():6.2f}  median {np.median(error[found]):6.2f}  valid {100 * found.mean():5.1f} %")

        print(f"{kind}: of the truly dark lights predicted {100 * shaded[truly].mean():.1f} %, of the lit ones {100 * shaded[~truly].mean():.2f} %")
        show("least squares", solve(b, L, ok))
        show("every light below the threshold", solve(b, L, rule(b, ok, L, SHADOW, HIGHLIGHT, one_only=False)))
        for shadow in SHADOWS:
            show(f"darkest below {shadow}", solve(b, L, rule(b, ok, L, shadow, HIGHLIGHT)))
        for highlight in HIGHLIGHTS:
            show(f"brightest above {highlight}", solve(b, L, rule(b, ok, L, SHADOW, highlight)))
        second = np.sort(b, axis=0)[-2]
        for share in (0.1, 0.3, 0.5, 1.0):
            show(
                f"rule, predicted shadows below {share} dropped", solve(b, L, rule(b, ok, L, SHADOW, HIGHLIGHT, barred=shaded & (b < share * second)))
            )
        for angle in (6, 10, 15, 20):
            glare = (off < angle) & (off == off.min(0))
            show(f"rule, mirror within {angle} deg dropped", solve(b, L, rule(b, ok, L, SHADOW, HIGHLIGHT, barred=glare)))
        tries = [solve(b, L, ok)] + [solve(b, L, ok & (np.arange(4)[:, None] != k)) for k in range(4)]
        errors = np.stack([np.nan_to_num(np.linalg.norm(n - normals, axis=1), nan=9.0) for n in tries])
        show("oracle: best of all or one left out", np.choose(errors.argmin(0)[:, None], tries))
    opened.station.close()


if __name__ == "__main__":
    main(sys.argv[1:] or KINDS)
