"""What viewers load: tiles of large pictures, a small cloud, the camera's frames."""

from __future__ import annotations

from http import HTTPStatus
from pathlib import Path as File
from typing import Annotated, Literal

import numpy as np
import tifffile
from fastapi import APIRouter, Path, Query, Response
from fastapi.responses import FileResponse, StreamingResponse

from api import small_cloud, tiles, zip_stream
from api.problems import documented
from api.routes.inspections import ACCESS, Caller, InspectionId
from api.samples import picture as read_picture
from api.schemas import Artifact, Inspection
from api.service import Service, Serving
from api.store import inspections
from inference.foreground import foreground_of
from rig_configs.errors import NotFound

router = APIRouter(prefix="/inspections", tags=["inspections"])

_FOUND = ACCESS | documented(HTTPStatus.NOT_FOUND)
_FOREVER = {"Cache-Control": "private, max-age=31536000, immutable"}

PictureName = Annotated[Literal["rgb", "pseudo3d", "depth", "anomaly", "height"], Path(description="Which picture.")]


def _binary(media_type: str, what: str) -> dict[int | str, dict[str, object]]:
    return {200: {"description": what, "content": {media_type: {"schema": {"type": "string", "format": "binary"}}}}}


@router.get("/{inspection_id}/tiles/{picture}.dzi", response_class=Response, responses=_FOUND | _binary("application/xml", "The .dzi file."))
def get_tile_description(inspection_id: InspectionId, picture: PictureName, _caller: Caller, service: Serving) -> Response:
    """How a picture is cut into tiles, as OpenSeadragon wants to be told."""
    inspection, _ = _find(service, inspection_id, f"{picture}.png")
    assert inspection.width_px is not None
    assert inspection.height_px is not None
    text = tiles.description(inspection.width_px, inspection.height_px, picture)
    return Response(text, media_type="application/xml", headers=_FOREVER)


@router.get("/{inspection_id}/tiles/{picture}_files/{level}/{tile}", response_class=FileResponse, responses=_FOUND | _binary("image/*", "The tile."))
def get_tile(
    inspection_id: InspectionId,
    picture: PictureName,
    level: Annotated[int, Path(ge=0, le=20, description="Level of the pyramid; 0 is one pixel.")],
    tile: Annotated[str, Path(pattern=r"^[0-9]{1,4}_[0-9]{1,4}\.(jpg|png)$", description="Column and row of the tile, and its format.")],
    _caller: Caller,
    service: Serving,
) -> FileResponse:
    """A tile of a picture. Those that fill a screen are made when the first of them is asked for, and so are the finer ones."""
    inspection, artifact = _find(service, inspection_id, f"{picture}.png")
    source = service.store.artifacts.path(inspection.created, inspection.id, artifact.name)
    # In two parts: those that fill a screen at once, and the fine ones when somebody looks closer.
    wanted = tiles.part_of(level)
    folder = service.cache.folder(f"tiles{wanted.start}-{artifact.sha256}", lambda folder: tiles.write_pyramid(source, picture, folder, wanted))
    path = folder / str(level) / tile
    if not path.is_file():
        raise NotFound("This picture has no such tile.", cure="Ask for the tiles that its .dzi describes.", detail="tile")
    return FileResponse(path, media_type="image/png" if path.suffix == ".png" else "image/jpeg", headers=_FOREVER)


@router.get("/{inspection_id}/cloud.bin", response_class=FileResponse, responses=_FOUND | _binary("application/octet-stream", "The cloud."))
def get_small_cloud(
    inspection_id: InspectionId,
    _caller: Caller,
    service: Serving,
    points: Annotated[int, Query(ge=1, le=small_cloud.MOST_POINTS, description="The most points.")] = small_cloud.MOST_POINTS,
) -> FileResponse:
    """The part's cloud for a browser: quantised positions, colours and anomaly, as docs/mes.md describes. The full cloud is cloud.ply."""
    inspection, artifact = _find(service, inspection_id, "xyz.tiff")
    names = {a.name for a in inspection.artifacts}

    def stored(name: str) -> File:
        return service.store.artifacts.path(inspection.created, inspection.id, name)

    def make(folder: File) -> None:
        xyz_mm = np.asarray(tifffile.imread(stored("xyz.tiff")), np.float32)
        anomaly = np.asarray(tifffile.imread(stored("anomaly.tiff")), np.float32) if "anomaly.tiff" in names else None
        sigma_z_mm = small_cloud.sigma_of(stored("cloud.ply")) if "cloud.ply" in names else None
        content = small_cloud.quantised(xyz_mm, read_picture(stored("rgb.png")), anomaly, foreground_of(xyz_mm), sigma_z_mm, points)
        (folder / "cloud.bin").write_bytes(content)

    folder = service.cache.folder(f"cloud{small_cloud.VERSION}-{artifact.sha256}-{inspection.id}-{points}", make)
    return FileResponse(folder / "cloud.bin", media_type="application/octet-stream", headers=_FOREVER)


@router.get("/{inspection_id}/frames.zip", response_class=StreamingResponse, responses=_FOUND | _binary("application/zip", "The capture."))
def get_frames(inspection_id: InspectionId, _caller: Caller, service: Serving) -> StreamingResponse:
    """The camera's frames as a capture that d3station reconstructs and replays, where the recipe's policy kept them."""
    inspection = _inspection(service, inspection_id)
    folder = service.store.artifacts.frames(inspection.created, inspection.id)
    headers = {"Content-Disposition": f'attachment; filename="{inspection.id}.zip"'}
    return StreamingResponse(zip_stream.zipped(folder), media_type="application/zip", headers=headers)


def _inspection(service: Service, inspection_id: str) -> Inspection:
    with service.store.read() as session:
        return inspections.inspection_of(inspections.get(session, inspection_id))


def _find(service: Service, inspection_id: str, name: str) -> tuple[Inspection, Artifact]:
    inspection = _inspection(service, inspection_id)
    artifact = next((a for a in inspection.artifacts if a.name == name), None)
    if artifact is None:
        raise NotFound("This inspection has no such picture or cloud.", cure="GET the inspection: it lists its artifacts.", detail="artifact")
    return inspection, artifact
