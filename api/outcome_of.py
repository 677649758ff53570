"""Putting together what is stored of a part that was looked at."""

from __future__ import annotations

import shutil
from importlib.metadata import version

from api.captured_part import CapturedPart
from api.equipment import Equipment
from api.outcome import ArtifactFile, Outcome
from api.pictures import anomaly_files, height_files, reconstruction_files
from api.reconstruction import Reconstruction
from api.schemas import BankScore, Evaluation, NearestGood, Provenance, Reason, Region
from api.schemas_recipes import KeepFrames, Policy
from api.stopwatch import Stopwatch
from inference import prediction
from rig_configs.files import sha256_of


def provenance_of(equipment: Equipment) -> Provenance:
    """What a verdict is made with, before a model comes in."""
    return Provenance(
        rig=equipment.rig.config.name,
        rig_sha256=sha256_of(equipment.rig.config),
        calibration_id=equipment.calibration.calibration_id,
        calibration_sha256=sha256_of(equipment.calibration),
        model_id=None,
        model_sha256=None,
        software=version("d3station"),
    )


def outcome_of(
    equipment: Equipment,
    provenance: Provenance,
    clock: Stopwatch,
    reason: Reason | None,
    captured: CapturedPart | None = None,
    result: Reconstruction | None = None,
    judged: prediction.Prediction | None = None,
) -> Outcome:
    """The outcome of however far the station got with a part.

    Args:
        equipment: what the part was captured with.
        provenance: of that equipment.
        clock: the seconds so far.
        reason: why the part cannot be decided; none where it can.
        captured: the captured part.
        result: its reconstruction.
        judged: its judgement.
    """
    camera = equipment.rig.config.camera
    policy = captured.definition.policy if captured else Policy()
    files: list[ArtifactFile] = []
    if result is not None:
        files += reconstruction_files(result, with_points=policy.keep_sample)
        if policy.keep_sample:
            files += height_files(result, equipment.calibration.camera)
    if judged is not None:
        files += anomaly_files(judged.anomaly_map)
    if captured is not None:
        provenance = provenance.model_copy(update={"recipe_version": captured.definition.version or None})
    evaluation = Evaluation.NOT_DECIDABLE
    if judged is not None:
        made_with = {"model_id": judged.model_id, "model_sha256": judged.model_sha256, "nearest_good": nearest_good_of(judged)}
        provenance = provenance.model_copy(update=made_with)
        if reason is None:
            evaluation = Evaluation.NOT_OK if judged.is_anomalous else Evaluation.OK
    frames = captured.frames if captured else None
    if frames is not None and policy.keep_frames is KeepFrames.NOT_OK and evaluation is Evaluation.OK:
        shutil.rmtree(frames)
        frames = None
    return Outcome(
        evaluation=evaluation,
        reason=reason,
        score=judged.score if judged else None,
        threshold=judged.threshold if judged else None,
        banks=[BankScore(name=b.name, score=b.score, limit=b.limit) for b in judged.banks] if judged else [],
        regions=[_region(r) for r in judged.regions] if judged else [],
        timings=clock.timings(),
        provenance=provenance,
        is_simulated=equipment.rig.config.is_simulated,
        width_px=camera.width_px,
        height_px=camera.height_px,
        pixel_pitch_mm=camera.pixel_pitch_mm,
        artifacts=files,
        frames=frames,
    )


def nearest_good_of(judged: prediction.Prediction) -> NearestGood | None:
    """The good part to compare with, as it is stored; none where the model names none."""
    nearest = judged.nearest
    if nearest is None:
        return None
    (x, y, width, height), (shift_x, shift_y) = nearest.box, nearest.shift
    return NearestGood(part=nearest.part, name=nearest.name, x_px=x, y_px=y, width_px=width, height_px=height, shift_x_px=shift_x, shift_y_px=shift_y)


def _region(region: prediction.Region) -> Region:
    return Region(
        x_px=region.x,
        y_px=region.y,
        width_px=region.width,
        height_px=region.height,
        area_mm2=region.area_mm2,
        peak=region.peak,
        modality=region.modality,
    )
