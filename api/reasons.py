"""Why an inspection or a task came to nothing where no device and no part is to blame."""

from __future__ import annotations

from api.schemas import Reason
from rig_configs.errors import Cancelled

INTERRUPTED = Reason(
    code="service.interrupted",
    message="The service stopped before this inspection had a verdict.",
    cure="Inspect the part again.",
)
CANCELLED = Reason(code=Cancelled.base_code, message="The inspection was cancelled.", cure="Inspect the part again when it is in place.")
LATE = Reason(
    code="job.deadline",
    message="There was no verdict within the time that the inspection was given.",
    cure="Inspect the part again; if it stays, look at the station's state, or give inspections more time.",
)
FAULT = Reason(
    code="service.fault",
    message="The station's program made a mistake while inspecting.",
    cure="Inspect the part again; if it stays, give the log of this inspection to the maintainer.",
)
NOT_SAVED = Reason(
    code="store.failed",
    message="The result could not be saved.",
    cure="Free space on the disk of the data folder, then inspect the part again.",
)
