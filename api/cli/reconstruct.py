"""``d3station reconstruct``: a saved capture, or the images of somebody else's rig, to pictures, arrays and clouds."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

from api.cli.common import JsonOption, print_json, progress_bar, stderr
from rig_configs.errors import ReconstructionError
from structured_light.formats import check_format, cloud_normals, downsample, every, write_cloud, write_tiff
from structured_light.point_map import PointMap

CAPTURE = "Captures of d3station"
IMAGES = "Images of other rigs"


def reconstruct(
    out: Annotated[Path, typer.Option("--out", help="Folder to write to; made if missing.")],
    capture: Annotated[Path | None, typer.Argument(help="Folder of a saved capture; or give --images.")] = None,
    formats: Annotated[str, typer.Option("--formats", help="Cloud files to write, of ply, pcd, asc, obj, stl, iges and tiff.")] = "ply",
    coarser: Annotated[int, typer.Option("--downsample", help="Point spacing of the cloud files, in pixels.")] = 1,
    rig: Annotated[
        str | None, typer.Option("--rig", help="Rig whose calibration to use; the capture's own by default.", rich_help_panel=CAPTURE)
    ] = None,
    projectors: Annotated[
        str | None,
        typer.Option("--projectors", help="Use only these projectors' frames: names with commas between, or how many.", rich_help_panel=CAPTURE),
    ] = None,
    keep_steps: Annotated[
        bool,
        typer.Option(
            "--keep-steps", help="Integrate height.tiff so that it stops at steps, over the part alone: takes minutes.", rich_help_panel=CAPTURE
        ),
    ] = False,
    images: Annotated[Path | None, typer.Option("--images", help="Folder of numbered images.", rich_help_panel=IMAGES)] = None,
    pattern: Annotated[Path | None, typer.Option("--pattern", help="YAML file that says what the images show.", rich_help_panel=IMAGES)] = None,
    calibration: Annotated[
        list[Path] | None,
        typer.Option("--calibration", help="Calibration file; of ROS two, the camera's and the projector's.", rich_help_panel=IMAGES),
    ] = None,
    projector: Annotated[str | None, typer.Option("--projector", help="Which projector of a calibration.yaml shone.", rich_help_panel=IMAGES)] = None,
    unit_mm: Annotated[
        float | None,
        typer.Option("--unit-mm", min=1e-6, help="mm in a unit of the calibration; by default 1, of ROS 1000.", rich_help_panel=IMAGES),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Reconstruct a saved capture: rgb.png, pseudo3d.png, curvature.png, gradient.png, shaded.png, normals.tiff, albedo.tiff, height.tiff,
    xyz.tiff, sigma_z.tiff, fused_height.tiff, report.json, and the part's cloud in the formats asked for.

    With --images, --pattern and --calibration, reconstruct the images of another rig: rgb.png, depth.png, xyz.tiff, sigma_z.tiff,
    normals.tiff (of the cloud), report.json and the cloud. docs/rig-engineer.md describes the pattern file.
    """
    names = [check_format(name.strip()) for name in formats.split(",")]
    if (capture is None) == (images is None):
        raise ReconstructionError(
            "Neither a capture nor images are named, or both are.", cure="Name a capture's folder, or give --images.", detail="input"
        )
    if capture is not None:
        report, wrote = _of_capture(capture, out, rig, projectors, names, coarser, keep_steps=keep_steps)
    else:
        if images is None or pattern is None or not calibration:
            raise ReconstructionError(
                "Images alone do not give a cloud.", cure="Give --pattern and --calibration, too; docs/rig-engineer.md shows both.", detail="input"
            )
        report, wrote = _of_images(images, pattern, calibration, out, projector, unit_mm, names, coarser)
    (out / "report.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    if as_json:
        print_json(report)
    else:
        stderr.print(f"Wrote {wrote + 1} files to {out}: {report['points']} points, median σ_z {report['median_sigma_z_um']:.1f} µm.")


def _of_capture(
    capture: Path, out: Path, rig: str | None, projectors: str | None, formats: list[str], coarser: int, *, keep_steps: bool
) -> tuple[dict[str, Any], int]:
    from acquisition.capture import Capture
    from acquisition.rig import open_replay
    from acquisition.sequence import inspection_sequence
    from api.fringes import choose_projectors, fringe_patterns
    from api.reconstruction import Reconstructor
    from photometric.bilateral_integration import integrate_bilaterally
    from photometric.camera import pixel_pitch_mm
    from photometric.fused_height import fuse_height
    from photometric.pseudo3d import curvature_image, gradient_image, shaded_image
    from rig_configs.files import check_belongs, load_calibration, rig_folder

    record = Capture(capture).record
    name = rig or record.rig.name
    calibration = load_calibration(name)
    check_belongs(calibration, record.rig, rig_folder(name))
    if record.calibration_id not in (None, calibration.calibration_id):
        stderr.print(f"Note: captured under calibration {record.calibration_id}, reconstructed with {calibration.calibration_id}.")
    reconstructor = Reconstructor(choose_projectors(record.rig, projectors) if projectors is not None else record.rig, calibration)
    replay = open_replay(capture)
    try:
        # Every frame that was captured, whichever are used: one that is passed over would be missed as lost.
        for frame in replay.scan(inspection_sequence(record.rig, fringe_patterns(record.rig, calibration.projectors))):
            reconstructor.add(frame)
        result = reconstructor.finish()
    finally:
        replay.close()

    photometric, points, part = result.photometric, result.points, result.foreground
    normals, valid = photometric.normals, photometric.valid
    pitch_mm, distance_mm = pixel_pitch_mm(calibration.camera), float(calibration.camera.centre_mm[2])
    pictures = {
        "rgb.png": result.rgb,
        "pseudo3d.png": photometric.pseudo3d,
        "curvature.png": curvature_image(normals, valid),
        "gradient.png": gradient_image(normals, valid),
        "shaded.png": shaded_image(normals, valid),
    }
    arrays = {
        "normals.tiff": normals,
        "albedo.tiff": photometric.albedo,
        "height.tiff": integrate_bilaterally(normals, valid & part, pitch_mm, distance_mm) if keep_steps else photometric.height_mm,
        "xyz.tiff": points.xyz_mm,
        "sigma_z.tiff": points.sigma_z_mm,
        "fused_height.tiff": fuse_height(normals, valid, points.xyz_mm[..., 2], points.sigma_z_mm, pitch_mm, distance_mm),
    }
    _write(out, pictures, arrays)
    of_part = replace(points, views=np.where(part, points.views, 0).astype(np.uint8))
    clouds = _write_clouds(out, of_part, formats, coarser, result.rgb, photometric.normals)
    report = {
        "capture": str(capture),
        "rig": record.rig.name,
        "calibration_id": calibration.calibration_id,
        "is_simulated": record.is_simulated,
        "frame": "rig",
        "pixels": int(part.size),
        "points": int(points.valid.sum()),
        "coverage": asdict(result.coverage) if result.coverage else None,
        "part_pixels": int(part.sum()),
        "part_coverage": float(points.valid[part].mean()) if part.any() else None,
        "part_seen_by_two_or_more": float((points.views[part] >= 2).mean()) if part.any() else None,
        "median_sigma_z_um": float(np.nanmedian(points.sigma_z_mm) * 1e3),
        "valid_normals": float(photometric.valid.mean()),
        "clouds": clouds,
        "seconds": {"photometric": result.photometric_s, "structured_light": result.structured_light_s},
    }
    return report, len(pictures) + len(arrays) + len(clouds)


def _of_images(
    images: Path,
    pattern_file: Path,
    calibration: list[Path],
    out: Path,
    projector: str | None,
    unit_mm: float | None,
    formats: list[str],
    coarser: int,
) -> tuple[dict[str, Any], int]:
    from api.pictures import depth_picture
    from structured_light.foreign import reconstruct_images
    from structured_light.foreign_pattern import load_pattern

    pattern = load_pattern(pattern_file)
    read, count = 0, len(pattern.sequence)
    with progress_bar("Reconstructing") as progress:

        def tell(path: Path) -> None:
            nonlocal read
            read += 1
            progress(min(read / count, 1.0), path.name)

        cloud = reconstruct_images(images, pattern, calibration, unit_mm=unit_mm, projector=projector, on_read=tell)
    points = cloud.points
    z = points.xyz_mm[..., 2]
    depth = depth_picture(-z if cloud.pair.in_camera_frame else z, points.valid)
    normals = cloud_normals(points)
    arrays = {"xyz.tiff": points.xyz_mm, "sigma_z.tiff": points.sigma_z_mm, "normals.tiff": normals}
    _write(out, {"rgb.png": cloud.rgb, "depth.png": depth}, arrays)
    clouds = _write_clouds(out, points, formats, coarser, cloud.rgb, normals)
    report = {
        "images": str(images),
        "pattern": str(pattern_file),
        "calibration": [str(path) for path in calibration],
        "frame": "camera" if cloud.pair.in_camera_frame else "rig",
        "pixels": int(points.views.size),
        "points": int(points.valid.sum()),
        "coverage": float(points.valid.mean()),
        "decoded": {axis: float(decoded.valid.mean()) for axis, decoded in cloud.decoded.items()},
        "heights_from": cloud.used,
        "epipolar_residual_px": cloud.epipolar_px,
        "median_sigma_z_um": float(np.nanmedian(points.sigma_z_mm) * 1e3),
        "clouds": clouds,
    }
    return report, 2 + len(arrays) + len(clouds)


def _write(out: Path, pictures: dict[str, NDArray[np.uint8]], arrays: dict[str, NDArray[np.float32]]) -> None:
    from api.pictures import encode

    out.mkdir(parents=True, exist_ok=True)
    for file, picture in pictures.items():
        (out / file).write_bytes(encode(".png", picture))
    for file, array in arrays.items():
        write_tiff(out / file, array)


def _write_clouds(
    out: Path, cloud: PointMap, formats: list[str], coarser: int, rgb: NDArray[np.uint8], normals: NDArray[np.float32]
) -> dict[str, dict[str, Any]]:
    """The cloud's files, and what the report says of each."""
    thinned = downsample(cloud, coarser)
    colours, facing = every(coarser, rgb), every(coarser, normals)
    written: dict[str, dict[str, Any]] = {}
    for name in formats:
        file = f"cloud.{name}"
        count = write_cloud(out / file, thinned, rgb=colours, normals=facing)
        written[file] = {"triangles" if name == "stl" else "points": count, "spacing_px": coarser}
    return written
