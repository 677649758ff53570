"""Reviewed inspections are a data set: labelled by what people said, and read as any other."""

import csv
from dataclasses import replace

import httpx
import numpy as np
import pytest
from fake_station import BAD, GOOD, FakeStation

from api.datasets.labels import write_labels
from api.outcome import ArtifactFile
from api.pictures import encode, tiff
from api.service import Service
from inference.datasets.dataset import Split
from inference.datasets.layouts import open_dataset

URL = "/api/v1/inspections"
WAIT = {"Prefer": "wait=30"}


def _files() -> list[ArtifactFile]:
    v, u = np.mgrid[0:40, 0:60].astype(np.float32)
    z = np.where((abs(u - 30) < 15) & (abs(v - 20) < 10), 2.0, 0.0)
    xyz = np.dstack([u * 0.1, -v * 0.1, z]).astype(np.float32)
    picture = np.full((40, 60, 3), 90, np.uint8)
    return [
        ArtifactFile("rgb.png", "image/png", encode(".png", picture)),
        ArtifactFile("pseudo3d.png", "image/png", encode(".png", picture)),
        ArtifactFile("xyz.tiff", "image/tiff", tiff(xyz)),
    ]


@pytest.mark.parametrize("trust_verdicts", [False, True])
def test_reviewed_inspections_are_read_as_a_data_set(operator: httpx.Client, fake: FakeStation, service: Service, trust_verdicts: bool) -> None:
    ids = []
    for outcome in (replace(GOOD, artifacts=_files()), replace(GOOD, artifacts=_files()), replace(BAD, artifacts=_files()), GOOD):
        fake.next = outcome
        ids.append(operator.post(URL, json={"recipe": "bolt"}, headers=WAIT | {"Idempotency-Key": f"key-{len(ids)}"}).json()["id"])
    operator.post(f"{URL}/{ids[0]}/review", json={"evaluation": "OK"})
    operator.post(f"{URL}/{ids[2]}/review", json={"evaluation": "NotOK"})
    path, counts = write_labels(service.store, 1, trust_verdicts=trust_verdicts)
    lines = list(csv.DictReader(path.read_text().splitlines()))
    wanted = [(ids[0], "OK", "train"), (ids[1], "OK", "test"), (ids[2], "defect", "test")]
    assert [(line["inspection"], line["class"], line["split"]) for line in lines] == [w for w in wanted if trust_verdicts or w[0] != ids[1]]
    assert counts == ({"OK": 2, "defect": 1, "no files": 1} if trust_verdicts else {"OK": 1, "defect": 1, "no review": 2})
    dataset = open_dataset(path.parent)
    samples = list(dataset.samples("bolt"))
    assert [s.split for s in samples] == [Split(w[2]) for w in wanted if trust_verdicts or w[0] != ids[1]]
    loaded = samples[0].load()
    assert loaded.foreground.sum() == pytest.approx(29 * 19, rel=0.1)
    assert loaded.rgb[0, 0, 0] == 90
