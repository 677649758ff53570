"""Recipes: versions, models, thresholds, teaching and judging again, from station to station."""

from __future__ import annotations

import base64
import json
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from conftest import As, Client
from fake_station import QUICK, FakeStation
from sqlalchemy import event
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session
from tiny_parts import H, W, outcome_of, part

from api import recipe_archive
from api.ignoring import judged_part
from api.recipe_archive import SigningKey
from api.recipes import Recipes
from api.samples import stored_sample
from api.schemas import Role
from api.schemas_people import Scope
from api.schemas_recipes import IgnoredBox, RecipeVersion
from api.security import Principal
from api.service import Service
from api.store import audit, inspections
from inference.d3m import D3M
from rig_configs.errors import Conflict, D3Error, ModelError, SampleError, Unprocessable

URL = "/api/v1/inspections"
RECIPES = "/api/v1/recipes"
WAIT = {"Prefer": "wait=30"}


@pytest.fixture(scope="module")
def model() -> D3M:
    return D3M.fit([part(seed) for seed in range(6)], QUICK)


@pytest.fixture
def taught(fake: FakeStation, model: D3M) -> FakeStation:
    fake.models.add_model("bolt", model)
    fake.models.change("bolt", "test", "taught", model_id=model.model_id)
    return fake


@pytest.fixture
def engineer(as_role: As) -> httpx.Client:
    return as_role(Role.ENGINEER)


def events_until(client: httpx.Client, task_id: str) -> Iterator[dict]:
    """The task's events, to its end."""
    with client.stream("GET", "/api/v1/events", headers={"Last-Event-ID": "0"}) as answer:
        for line in answer.iter_lines():
            if line.startswith("data:") and '"share"' in line and (told := json.loads(line[5:]))["id"] == task_id:
                yield told
                if told["finished"]:
                    return


def inspect(operator: httpx.Client, fake: FakeStation, seed: int, **outcome: object) -> str:
    fake.next = outcome_of(part(seed, stained=not outcome.get("good", True)), **outcome)
    return operator.post(URL, json={"recipe": "bolt"}, headers=WAIT).json()["id"]


def test_a_change_makes_a_version_and_an_old_one_comes_back(engineer: httpx.Client, operator: httpx.Client) -> None:
    made = engineer.post(RECIPES, json={"name": "nut", "product": "M4 nut", "note": "new"})
    assert (made.status_code, made.json()["version"], made.json()["judged_at"]) == (201, 1, None)
    assert engineer.post(RECIPES, json={"name": "nut", "note": "again"}).json()["code"] == "conflict.recipe"
    box = {"name": "laser mark", "x_px": 1, "y_px": 2, "width_px": 3, "height_px": 4}
    changed = engineer.put(f"{RECIPES}/nut", json={"product": "M5 nut", "ignore": [box], "note": "larger", "expected_version": 1}).json()
    assert (changed["version"], changed["product"], changed["ignore"], changed["by"]) == (2, "M5 nut", [box], "engineer")
    late = engineer.put(f"{RECIPES}/nut", json={"note": "lost", "expected_version": 1})
    assert (late.status_code, late.json()["code"]) == (409, "conflict.version")
    back = engineer.post(f"{RECIPES}/nut/roll-back", json={"version": 1, "note": "was right"}).json()
    assert (back["version"], back["product"], back["ignore"]) == (3, "M4 nut", [])
    assert [v["note"] for v in operator.get(f"{RECIPES}/nut/versions").json()] == ["was right", "larger", "new"]
    assert operator.put(f"{RECIPES}/nut", json={"note": "no"}).status_code == 403
    assert "nut" in [recipe["name"] for recipe in operator.get(RECIPES).json()]


def test_two_who_change_a_recipe_at_once_cannot_both_win(tmp_path: Path) -> None:
    one, other = Recipes(tmp_path, ("bolt",)), Recipes(tmp_path, ("bolt",))
    stale = other.definition("bolt")
    one.change("bolt", "a", "first")
    other.definition = lambda *_: stale  # read before the first wrote
    with pytest.raises(Conflict):
        other.change("bolt", "b", "second")
    assert one.definition("bolt").note == "first"


def test_models_are_activated_and_rolled_back(engineer: httpx.Client, taught: FakeStation, model: D3M) -> None:
    other = D3M.fit([part(seed) for seed in range(10, 16)], QUICK)
    taught.models.add_model("bolt", other)
    found = engineer.get(f"{RECIPES}/bolt").json()
    assert {m["model_id"]: m["is_active"] for m in found["models"]} == {model.model_id: True, other.model_id: False}
    assert found["models"][0]["taught_from"] == 6
    now = engineer.post(f"{RECIPES}/bolt/models/{other.model_id}/activate", json={"note": "better"}).json()
    assert (now["model_id"], taught.models.model("bolt").model_id) == (other.model_id, other.model_id)
    engineer.post(f"{RECIPES}/bolt/roll-back", json={"version": 1, "note": "worse after all"})
    assert taught.models.model("bolt").model_id == model.model_id
    assert engineer.post(f"{RECIPES}/bolt/models/d3m-000000000000/activate", json={"note": "?"}).json()["code"] == "not_found.model"


def test_a_threshold_is_previewed_then_set_and_the_models_identity_stays(
    engineer: httpx.Client, operator: httpx.Client, taught: FakeStation, model: D3M
) -> None:
    ids = [
        inspect(operator, taught, 20 + n, score=score, good=score < 1, model_id=model.model_id) for n, score in enumerate((0.2, 0.8, 0.9, 1.4, 2.0))
    ]
    assert operator.get(f"{RECIPES}/bolt/threshold/preview", params={"threshold": 1.5}).json()["proposed"] is None
    engineer.post(f"{URL}/{ids[3]}/review", json={"evaluation": "OK", "reason": "a fibre"})
    engineer.post(f"{URL}/{ids[4]}/review", json={"evaluation": "NotOK"})
    found = operator.get(f"{RECIPES}/bolt/threshold/preview", params={"threshold": 1.5}).json()
    assert (found["present"], found["wanted"], found["inspections"]) == (1.0, 1.5, 5)
    assert (found["becomes_ok"], found["becomes_not_ok"], found["missed"], found["false_alarms"]) == (1, 0, 0, 0)
    assert found["examples"] == [ids[3]]
    assert [sum(b[k] for b in found["histogram"]) for k in ("taught", "good", "bad", "unreviewed")] == [6, 1, 1, 3]
    lower = operator.get(f"{RECIPES}/bolt/threshold/preview", params={"threshold": 0.85}).json()
    assert (lower["becomes_not_ok"], lower["false_alarms"], lower["examples"]) == (1, 1, [ids[2]])
    engineer.post(f"{URL}/{ids[2]}/review", json={"evaluation": "NotOK", "reason": "a crack"})
    assert operator.get(f"{RECIPES}/bolt/threshold/preview", params={"threshold": 1.0}).json()["proposed"] < 0.9 < lower["proposed"]

    sample = part(99, stained=True)
    before = taught.models.model("bolt").predict(sample)
    assert (
        engineer.put(f"{RECIPES}/bolt/threshold", json={"threshold": before.score + 0.1, "note": "fibres"}).json()["judged_at"] == before.score + 0.1
    )
    after = taught.models.model("bolt").predict(sample)
    assert (before.is_anomalous, after.is_anomalous) == (True, False)
    assert (after.score, after.model_id, after.model_sha256) == (before.score, model.model_id, model.sha256)
    assert engineer.put(f"{RECIPES}/bolt/threshold", json={"threshold": None, "note": "as taught"}).json()["judged_at"] == 1.0
    assert engineer.put(f"{RECIPES}/ring/threshold", json={"threshold": 2, "note": "?"}).status_code == 409


def test_the_stored_sample_is_the_one_that_was_judged(operator: httpx.Client, taught: FakeStation, service: Service, model: D3M) -> None:
    sample = part(7)
    found = inspect(operator, taught, 7)
    with service.store.read() as session:
        inspection = inspections.inspection_of(inspections.get(session, found))
    again = stored_sample(service.store.artifacts, inspection, taught.models.definition("bolt"))
    assert model.predict(again).score == model.predict(sample).score
    ignoring = RecipeVersion(version=1, created=None, by="", note="", ignore=[IgnoredBox(name="x", x_px=0, y_px=0, width_px=100_000, height_px=30)])
    part_of_it = stored_sample(service.store.artifacts, inspection, ignoring)
    assert part_of_it.ignored is not None
    assert part_of_it.ignored[:30].all()
    assert not part_of_it.ignored[30:].any()
    assert (part_of_it.foreground == sample.foreground).all()


@pytest.mark.parametrize("box", [(25, 25, 26, 24), (10, 8, 24, 56)], ids=["in the middle", "at the edge"])
def test_what_a_recipe_ignores_is_not_judged_and_moves_nothing(model: D3M, box: tuple[int, int, int, int]) -> None:
    ignore = [IgnoredBox(name="x", x_px=box[0], y_px=box[1], width_px=box[2], height_px=box[3])]
    sample = part(7)
    whole, less = model.extract(sample), model.extract(judged_part(sample, ignore))
    assert less.window == whole.window  # the part is where it was seen, whatever of it is judged
    assert not (less.cells & ~whole.cells).any()
    assert whole.cells.sum() - less.cells.sum() == (whole.cells & ~whole.window.cell_mask(~judged_part(sample, ignore).ignored)).sum() > 0
    kept = less.cells[whole.cells]
    assert (less.rgb == whole.rgb[kept]).all()
    assert (less.points == whole.points[kept]).all()
    everything = [IgnoredBox(name="all", x_px=0, y_px=0, width_px=W, height_px=H)]
    with pytest.raises(SampleError) as refused:
        model.extract(judged_part(sample, everything))
    assert refused.value.code == "sample.invalid.ignored"


def test_a_stain_where_a_recipe_does_not_look_is_not_found(model: D3M) -> None:
    stained = part(99, stained=True)
    ignore = [IgnoredBox(name="stain", x_px=20, y_px=20, width_px=36, height_px=34)]
    assert model.predict(stained).is_anomalous
    seen, unseen = model.predict(stained).score, model.predict(judged_part(stained, ignore)).score
    assert unseen < seen


def test_a_model_is_taught_from_stored_good_parts_with_progress(engineer: httpx.Client, operator: httpx.Client, taught: FakeStation) -> None:
    for seed in range(6):
        inspect(operator, taught, seed)
    few = engineer.post(f"{RECIPES}/ring/teach", json={"source": "inspections"})
    assert few.json()["code"] == "sample.invalid.too_few"
    begun = engineer.post(f"{RECIPES}/bolt/teach", json={"source": "inspections", "parts": 6, "activate": False, "note": "new lamp"})
    assert begun.status_code == 202
    told = list(events_until(engineer, begun.json()["id"]))
    assert [t["share"] for t in told] == sorted(t["share"] for t in told)
    done = operator.get(begun.headers["location"]).json()
    assert (done["state"], done["reason"]) == ("finished", None)
    assert done["result"]["model_id"] in taught.models.model_ids("bolt")
    assert taught.models.definition("bolt").version == 1  # not activated


def test_judging_again_tells_what_would_differ_and_changes_nothing(engineer: httpx.Client, operator: httpx.Client, taught: FakeStation) -> None:
    ids = [inspect(operator, taught, 40), inspect(operator, taught, 41, good=False, score=3.0)]
    before = [operator.get(f"{URL}/{i}").json() for i in ids]
    begun = engineer.post(f"{RECIPES}/bolt/rejudge", json={"last": 10, "threshold": 1000}).json()
    list(events_until(engineer, begun["id"]))
    result = operator.get(f"/api/v1/tasks/{begun['id']}").json()["result"]
    assert [(one["id"], one["was"], one["evaluation"]) for one in result["rejudged"]] == [(ids[1], "NotOK", "OK"), (ids[0], "OK", "OK")]
    assert (result["changed"], result["threshold"]) == (1, 1000)
    assert [operator.get(f"{URL}/{i}").json() for i in ids] == before


def test_teaching_from_the_rig_waits_for_each_part_and_can_be_given_up(engineer: httpx.Client, taught: FakeStation) -> None:
    taught.samples = [part(seed) for seed in range(5)]
    begun = engineer.post(f"{RECIPES}/bolt/teach", json={"source": "rig", "parts": 5}).json()
    waited = 0
    for told in events_until(engineer, begun["id"]):
        if told["state"] == "waiting":
            waited += 1
            assert f"part {waited} of 5" in told["message"]
            if waited == 3:
                busy = engineer.post(f"{RECIPES}/bolt/rejudge", json={})
                assert (busy.status_code, busy.json()["code"]) == (409, "conflict.task")
                assert engineer.post(f"/api/v1/tasks/{begun['id']}/cancel").status_code == 202
            else:
                assert engineer.post(f"/api/v1/tasks/{begun['id']}/continue").status_code == 202
    assert (waited, told["state"], told["reason"]["code"]) == (3, "cancelled", "job.cancelled")
    assert engineer.post(f"/api/v1/tasks/{begun['id']}/continue").status_code == 409
    assert taught.models.definition("bolt").version == 1


def test_the_station_is_changed_over_in_one_call(mes: httpx.Client, taught: FakeStation) -> None:
    named = {"Idempotency-Key": "k"} | WAIT
    assert mes.post(URL, json={}, headers=named).json()["code"] == "unprocessable.recipe"
    assert mes.put("/api/v1/rig/recipe", json={"recipe": "ring"}).json()["code"] == "model.invalid.missing"
    assert mes.put("/api/v1/rig/recipe", json={"recipe": "bolt"}).json()["recipe"] == "bolt"
    assert mes.post(URL, json={}, headers=named).json()["recipe"] == "bolt"
    assert Recipes(taught.models.root).current() == "bolt"  # also after a restart


def test_a_recipe_goes_to_a_station_that_trusts_the_sender(
    engineer: httpx.Client, as_role: As, taught: FakeStation, service: Service, tmp_path: Path
) -> None:
    taught.models.change("bolt", "test", "stricter", threshold=0.8)
    archive = engineer.get(f"{RECIPES}/bolt/archive")
    assert archive.headers["content-type"] == "application/zip"
    back = as_role(Role.ADMIN).post(f"{RECIPES}/import", content=archive.content)
    assert (back.status_code, back.json()["origin"], back.json()["version"]) == (201, "own", 3)
    assert list((service.settings.data_dir / "scratch").iterdir()) == []

    file = tmp_path / "bolt.zip"
    file.write_bytes(archive.content)
    there, key = Recipes(tmp_path / "there"), SigningKey.of(tmp_path / "other station")
    with pytest.raises(Unprocessable) as refused:
        recipe_archive.read(file, there, key, ())
    assert refused.value.code == "unprocessable.signer"
    sender = SigningKey.of(service.settings.data_dir).fingerprint
    assert engineer.get("/api/v1/recipe-signing-key").json()["fingerprint"] == sender
    taken = recipe_archive.read(file, there, key, (sender,)).take_in(there, "admin")
    assert (taken.recipe, taken.origin, there.model("bolt").threshold, there.model("bolt").sha256) == (
        "bolt",
        "trusted",
        0.8,
        taught.models.model("bolt").sha256,
    )


def test_no_forged_archive_gets_in_and_none_writes_outside(taught: FakeStation, tmp_path: Path) -> None:
    key = SigningKey.of(tmp_path / "station")
    good = tmp_path / "good.zip"
    recipe_archive.write(taught.models, "bolt", key, good)
    there = Recipes(tmp_path / "there")
    with zipfile.ZipFile(good) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}

    def forged(**changes: bytes | None) -> Path:
        path = tmp_path / "forged.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in (files | changes).items():
                if content is not None:
                    archive.writestr(name, content)
        return path

    manifest = json.loads(files["manifest.json"])
    renamed = json.dumps(manifest | {"recipe": "../../evil"}).encode()
    for name, path in {
        "changed model": forged(**{"model.safetensors": files["model.safetensors"][:-1] + b"x"}),
        "bomb": forged(**{"model.safetensors": bytes(60 * 2**20)}),
        "bomb in the manifest": forged(**{"manifest.json": b" " * 20 * 2**20 + files["manifest.json"]}),
        "changed manifest": forged(**{"manifest.json": renamed}),
        "missing file": forged(**{"model.json": None}),
        "traversal": forged(**{"../../evil.txt": b"evil"}),
        "no signature": forged(**{"signature.json": b"{}"}),
        "not a zip": Path(shutil.copy(__file__, tmp_path / "text.zip")),
        "cut off": Path(tmp_path / "cut.zip"),
    }.items():
        if name == "cut off":
            path.write_bytes(good.read_bytes()[:-200])
        with pytest.raises(D3Error) as refused:
            recipe_archive.read(path, there, key, ())
        assert refused.value.code == "unprocessable.archive", name
    assert there.names() == []
    assert not list(tmp_path.rglob("evil*"))
    signed = tmp_path / "signed.zip"  # by the station itself, and still no path
    text = renamed
    with zipfile.ZipFile(signed, "w") as archive:
        for name, content in files.items():
            if name == "manifest.json":
                content = text
            if name == "signature.json":
                content = json.dumps(json.loads(content) | {"signature": base64.b64encode(key.private.sign(text)).decode()}).encode()
            archive.writestr(name, content)
    with pytest.raises(Unprocessable):
        recipe_archive.read(signed, there, key, ())
    assert there.names() == []


def test_a_machine_changes_over_with_a_key_of_full_scope_alone(client: Client, service: Service, taught: FakeStation) -> None:
    keys = {scope: service.accounts.create_key(scope.value, Role.MES, scope=scope) for scope in Scope}
    answers = {scope: client(headers={"Authorization": f"Bearer {key}"}) for scope, key in keys.items()}
    for scope in (Scope.READ, Scope.TRIGGER):
        refused = answers[scope].put("/api/v1/rig/recipe", json={"recipe": "bolt"})
        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden.scope")
    assert taught.models.current() is None
    assert answers[Scope.FULL].put("/api/v1/rig/recipe", json={"recipe": "bolt"}).json()["recipe"] == "bolt"
    triggered = answers[Scope.TRIGGER].post(URL, json={}, headers=WAIT | {"Idempotency-Key": "1"})
    assert triggered.json()["recipe"] == "bolt"


def test_a_model_that_could_not_be_read_is_used_once_it_is_back(taught: FakeStation, model: D3M) -> None:
    file = taught.models.folder("bolt") / model.model_id / "model.safetensors"
    right = file.read_bytes()
    file.write_bytes(right[: len(right) // 2])
    for _ in range(2):
        with pytest.raises(ModelError) as refused:
            taught.models.model("bolt")
        assert refused.value.code.startswith("model.invalid")
    file.write_bytes(right)
    assert taught.models.model("bolt").predict(part(7)).score == model.predict(part(7)).score


@pytest.mark.both_databases
def test_a_change_that_the_log_does_not_take_is_none(
    engineer: httpx.Client, as_role: As, taught: FakeStation, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = engineer.get(f"{RECIPES}/bolt/archive").content
    admin = as_role(Role.ADMIN)
    before = taught.models.definition("bolt")

    def full(session: Session) -> None:
        raise OperationalError("COMMIT", None, Exception("database or disk is full"))

    event.listen(service.store._writers, "before_commit", full)
    monkeypatch.setattr("api.accounts.Accounts.by_key", lambda *_: Principal("admin", Role.ADMIN, "key", ""))
    for answer in (
        engineer.put(f"{RECIPES}/bolt/threshold", json={"threshold": 2, "note": "x"}),
        engineer.post(RECIPES, json={"name": "nut", "product": "nut", "note": "x"}),
        admin.post(f"{RECIPES}/import", content=archive),
        engineer.put("/api/v1/rig/recipe", json={"recipe": "bolt"}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (503, "store.failed")
    event.remove(service.store._writers, "before_commit", full)
    assert taught.models.definition("bolt") == before
    assert taught.models.versions("bolt") == [before.version]
    assert taught.models.versions("nut") == []
    assert taught.models.current() is None
    with service.store.read() as session:
        assert {row.action for row in audit.page(session, None, 50)[0]} <= {"recipe.export", "key.create"}
