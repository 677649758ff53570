"""The timing of a scan as data: what is planned for each step, and how long the last scan really took."""

from __future__ import annotations

from dataclasses import asdict

from api.scan_plan import ScanPlan, cycle_of, plan_scan, plan_steps
from api.schemas_rig import MeasuredScan, ScanTiming, TimedPart, TimedStep
from api.timed_scan import TimedScan
from rig_configs.schema import RigConfig


def timing_of(config: RigConfig, last: TimedScan | None, link_mb_s: float) -> ScanTiming:
    """The plan of the last scan beside when its frames came; before the first, the plan of an inspection as rig.yaml says.

    Args:
        config: the rig in use.
        last: the last scan; one of another configuration is not held against this one.
        link_mb_s: what the camera's link carries, 10⁶ bytes a second.
    """
    if last is None or last.rig != config:
        return _told(config, plan_scan(config, link_mb_s), None, link_mb_s)
    return _told(config, plan_steps(config, last.steps, link_mb_s), last, link_mb_s)


def _told(config: RigConfig, plan: ScanPlan, last: TimedScan | None, link_mb_s: float) -> ScanTiming:
    arrived_ms = last.arrived_ms if last else (None,) * len(plan.steps)
    measured = None
    if last is not None:
        parts = [TimedPart.model_validate(part) for part in cycle_of(plan, last.arrived_ms)]
        measured = MeasuredScan(at=last.at, duration_ms=last.arrived_ms[-1], parts=parts)
    return ScanTiming(
        rig=config.name,
        link_mb_s=link_mb_s,
        trigger=plan.trigger,
        duration_ms=plan.duration_ms,
        exposure_ms=plan.exposure_ms,
        outruns_link=plan.outruns_link,
        steps=[TimedStep(**asdict(step), measured_ms=came) for step, came in zip(plan.steps, arrived_ms, strict=True)],
        measured=measured,
    )
