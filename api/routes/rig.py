"""The rig: live preview, self-test, calibration, captures, configuration."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import FileResponse, StreamingResponse

from api import events, zip_stream
from api.problems import documented
from api.rig_care import DARK, RigCare
from api.schemas import PRINTABLE, RigState, Role
from api.schemas_recipes import Task, TaskKind, TaskResult
from api.schemas_rig import CalibrationStatus, CaptureInfo, NewCapture, RigConfiguration, ScanTiming
from api.security import Principal, requires
from api.service import Service, Serving
from api.store import audit
from api.store.inspections import API
from api.tasks import Handle
from rig_configs.errors import ConfigurationError, Conflict, DeviceError, Unprocessable

router = APIRouter(prefix="/rig", tags=["rig"])

_ACCESS = documented(
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.NOT_FOUND,
    HTTPStatus.CONFLICT,
    HTTPStatus.UNPROCESSABLE_ENTITY,
    HTTPStatus.SERVICE_UNAVAILABLE,
)
_WRITE = _ACCESS | documented(HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
_BOUNDARY = "frame"
_FRAMES_A_SECOND = 5
_LONGEST_S = 600
_MOST_VIEWERS = 4

Reader = Annotated[Principal, requires(Role.OPERATOR, Role.MES)]
Engineer = Annotated[Principal, requires(Role.ENGINEER)]
Light = Annotated[str, Query(max_length=100, pattern=PRINTABLE, description="'dark', or the name of a light zone or projector.")]
CaptureNamed = Annotated[str, Path(description="Name of the capture.", pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,79}$")]


def _begun(task: Task, response: Response) -> Task:
    response.headers["Location"] = f"{API}/tasks/{task.id}"
    return task


def _care(service: Service) -> RigCare:
    if service.care is None:
        raise Unprocessable("This station has no rig to look after.", cure="Start the service with --rig.", detail="rig")
    return service.care


@router.get("/preview/lights", responses=_ACCESS)
def list_preview_lights(_caller: Engineer, service: Serving) -> list[str]:
    """In what light a preview can be seen."""
    return _care(service).lights()


@router.get(
    "/preview.jpg",
    response_class=Response,
    responses=_ACCESS | {200: {"description": "One frame.", "content": {"image/jpeg": {"schema": {"type": "string", "format": "binary"}}}}},
)
def get_preview(_caller: Engineer, service: Serving, light: Light = DARK) -> Response:
    """What the camera sees now, in one light; then all is dark again. Refused while an inspection or a calibration has the rig."""
    picture = _care(service).preview(light)
    if picture is None:
        raise Conflict("The rig is in use.", cure="Try again when the inspection is over.", detail="rig_in_use")
    return Response(picture, media_type="image/jpeg")


@router.get(
    "/preview",
    response_class=StreamingResponse,
    responses=_ACCESS
    | {200: {"description": "Frames (MJPEG).", "content": {"multipart/x-mixed-replace": {"schema": {"type": "string", "format": "binary"}}}}},
)
async def stream_preview(request: Request, caller: Engineer, service: Serving, light: Light = DARK) -> StreamingResponse:
    """What the camera sees, five times a second, for ten minutes at most. It pauses while an inspection has the rig."""
    care = _care(service)
    first = await run_in_threadpool(care.preview, light)
    viewers: set[object] = request.app.state.preview_viewers
    if len(viewers) >= _MOST_VIEWERS:
        raise Conflict(f"{_MOST_VIEWERS} previews are watched already.", cure="Close one of them.", detail="viewers")
    stream = _stream(care, light, first, lambda: service.accounts.still_valid(caller), viewers)
    return StreamingResponse(stream, media_type=f"multipart/x-mixed-replace; boundary={_BOUNDARY}")


async def _stream(care: RigCare, light: str, picture: bytes | None, still_welcome: Callable[[], bool], viewers: set[object]) -> AsyncGenerator[bytes]:
    viewer = object()
    viewers.add(viewer)
    try:
        for count in range(_LONGEST_S * _FRAMES_A_SECOND):
            if picture is not None:
                yield b"--%s\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%s\r\n" % (_BOUNDARY.encode(), len(picture), picture)
            await asyncio.sleep(1 / _FRAMES_A_SECOND)  # an inspection that waits for the rig gets it here
            if count % 50 == 49 and not await run_in_threadpool(still_welcome):
                return
            try:
                picture = await run_in_threadpool(care.preview, light)
            except DeviceError:
                return  # the next request says what is wrong
    finally:
        viewers.discard(viewer)


@router.post("/self-test", status_code=HTTPStatus.ACCEPTED, responses=_ACCESS)
def run_self_test(caller: Engineer, service: Serving, response: Response) -> Task:
    """Ask every device what it is, let every zone shine, and see that all goes dark. What came of it is in the task's result."""
    care = _care(service)

    def work(handle: Handle) -> TaskResult:
        return TaskResult(self_test=care.self_test(handle.progress, handle.cancelled))

    return _begun(service.tasks.start(TaskKind.SELF_TEST, "", caller.name, work), response)


@router.get("/timing", responses=_ACCESS)
def get_scan_timing(
    _caller: Engineer,
    service: Serving,
    link_mb_s: Annotated[float, Query(ge=1, le=10_000, description="What the camera's link carries, 10⁶ bytes a second: GigE about 110.")] = 110,
) -> ScanTiming:
    """What shines when in a scan, as it is planned and as the last scan was."""
    return _care(service).timing(link_mb_s)


@router.get("/calibration", responses=_ACCESS)
def get_calibration(_caller: Reader, service: Serving) -> CalibrationStatus:
    """What is known of the rig, how old that is, and what speaks against using it."""
    return _care(service).calibration()


@router.post("/calibration/check", status_code=HTTPStatus.ACCEPTED, responses=_ACCESS)
def check_calibration(caller: Engineer, service: Serving, response: Response) -> Task:
    """Check the calibration by one scan of the white plate. On a real rig the task waits until somebody has laid it, and continues it."""
    care = _care(service)

    def work(handle: Handle) -> TaskResult:
        return TaskResult(drift=care.check_calibration(handle.wait_for_person, handle.progress, handle.cancelled))

    return _begun(service.tasks.start(TaskKind.CALIBRATION_CHECK, "", caller.name, work), response)


@router.get(
    "/calibration/report.html",
    response_class=FileResponse,
    responses=_ACCESS | {200: {"description": "The report.", "content": {"text/html": {"schema": {"type": "string"}}}}},
)
def get_calibration_report(_caller: Engineer, service: Serving) -> FileResponse:
    """The report that d3station calibrate wrote of the calibration in use: residuals, plots, and what they mean."""
    return FileResponse(_care(service).calibration_report(), media_type="text/html")


@router.get("/captures", responses=_ACCESS)
def list_captures(_caller: Engineer, service: Serving) -> list[CaptureInfo]:
    """Captures that are kept, newest first."""
    return _care(service).captures()


@router.post("/captures", status_code=HTTPStatus.ACCEPTED, responses=_WRITE)
def create_capture(wanted: NewCapture, caller: Engineer, service: Serving, response: Response) -> Task:
    """Capture what lies on the rig, all frames of an inspection, without judging it."""
    care = _care(service)
    care.refuse_taken(wanted.name)

    def work(handle: Handle) -> TaskResult:
        made = care.capture(wanted.name, handle.progress, handle.cancelled)
        with service.store.write() as session:
            audit.record(session, caller, "capture.create", wanted.name, after=made)
        return TaskResult(capture=made)

    return _begun(service.tasks.start(TaskKind.CAPTURE, "", caller.name, work), response)


@router.get(
    "/captures/{name}.zip",
    response_class=StreamingResponse,
    responses=_ACCESS | {200: {"description": "The capture.", "content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}}}},
)
def get_capture(name: CaptureNamed, _caller: Engineer, service: Serving) -> StreamingResponse:
    """A capture as d3station reconstructs and replays it, once unpacked."""
    folder = _care(service).capture_folder(name)
    headers = {"Content-Disposition": f'attachment; filename="{name}.zip"'}
    return StreamingResponse(zip_stream.zipped(folder), media_type="application/zip", headers=headers)


@router.get("/configuration", responses=_ACCESS)
def get_rig_configuration(_caller: Engineer, service: Serving) -> RigConfiguration:
    """The rig's files as they are now, whether they could be used, and what a reload would change."""
    return _care(service).configuration()


@router.post("/reload", responses=_ACCESS)
def reload_rig(caller: Engineer, service: Serving) -> RigState:
    """Read the rig's files again and work with what they describe from now on. What waits stays in the queue, what is judged goes on.

    Files that are wrong are refused, and the station works on as before.
    """
    care = _care(service)
    before = service.station.state()
    try:
        care.reload()
    except ConfigurationError as error:
        raise Unprocessable(error.message, cure=error.cure, detail="rig_files") from error
    state = service.runner.rig_state()
    with service.store.write() as session:
        audit.record(
            session, caller, "rig.reload", state.rig, before={"calibration": before.calibration_id}, after={"calibration": state.calibration_id}
        )
        events.append(session, state)
    return state
