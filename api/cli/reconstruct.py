"""``d3station reconstruct``: a saved capture to pictures, arrays and a cloud."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
import tifffile
import typer

from api.cli.common import JsonOption, print_json, stderr


def reconstruct(
    capture: Annotated[Path, typer.Argument(help="Folder of a saved capture.")],
    out: Annotated[Path, typer.Option("--out", help="Folder to write to; made if missing.")],
    rig: Annotated[str | None, typer.Option("--rig", help="Rig whose calibration to use; the capture's own by default.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Reconstruct a saved capture: rgb.png, pseudo3d.png, normals.tiff, albedo.tiff, height.tiff, xyz.tiff, sigma_z.tiff, fused_height.tiff,
    cloud.ply, report.json."""
    from acquisition.capture import Capture
    from acquisition.rig import open_replay
    from api.pictures import cloud
    from api.reconstruction import Reconstructor
    from photometric.fused_height import fuse_height
    from rig_configs.files import check_belongs, load_calibration, rig_folder

    record = Capture(capture).record
    name = rig or record.rig.name
    calibration = load_calibration(name)
    check_belongs(calibration, record.rig, rig_folder(name))
    if record.calibration_id not in (None, calibration.calibration_id):
        stderr.print(f"Note: captured under calibration {record.calibration_id}, reconstructed with {calibration.calibration_id}.")
    reconstructor = Reconstructor(record.rig, calibration)
    replay = open_replay(capture)
    try:
        for frame in replay.scan(reconstructor.sequence):
            reconstructor.add(frame)
        result = reconstructor.finish()
    finally:
        replay.close()

    out.mkdir(parents=True, exist_ok=True)
    photometric, points = result.photometric, result.points
    for file, picture in (("rgb.png", result.rgb), ("pseudo3d.png", photometric.pseudo3d)):
        cv2.imwrite(str(out / file), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    arrays = {
        "normals.tiff": photometric.normals,
        "albedo.tiff": photometric.albedo,
        "height.tiff": photometric.height_mm,
        "xyz.tiff": points.xyz_mm,
        "sigma_z.tiff": points.sigma_z_mm,
        "fused_height.tiff": fuse_height(
            photometric.normals,
            photometric.valid,
            points.xyz_mm[..., 2],
            points.sigma_z_mm,
            record.rig.camera.pixel_pitch_mm,
            float(calibration.camera.centre_mm[2]),
        ),
    }
    for file, array in arrays.items():
        tifffile.imwrite(out / file, array, photometric="minisblack", metadata=None)
    (out / "cloud.ply").write_bytes(cloud(result))
    part = result.foreground
    report = {
        "capture": str(capture),
        "rig": record.rig.name,
        "calibration_id": calibration.calibration_id,
        "is_simulated": record.is_simulated,
        "pixels": int(part.size),
        "points": int(points.valid.sum()),
        "part_pixels": int(part.sum()),
        "part_coverage": float(points.valid[part].mean()) if part.any() else None,
        "part_seen_by_two_or_more": float((points.views[part] >= 2).mean()) if part.any() else None,
        "median_sigma_z_um": float(np.nanmedian(points.sigma_z_mm) * 1e3),
        "valid_normals": float(photometric.valid.mean()),
        "seconds": {"photometric": result.photometric_s, "structured_light": result.structured_light_s},
    }
    (out / "report.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    if as_json:
        print_json(report)
    else:
        stderr.print(f"Wrote {len(arrays) + 4} files to {out}: {report['points']} points, median σ_z {report['median_sigma_z_um']:.1f} µm.")
