"""The good part that an inspected one was most like: told with the verdict, and shown."""

from __future__ import annotations

from pathlib import Path

import cv2
import httpx
import numpy as np
import pytest
from conftest import As
from fake_station import QUICK, FakeStation
from tiny_parts import part

from api import recipe_archive
from api.outcome_of import nearest_good_of
from api.recipe_archive import SigningKey
from api.recipes import Recipes
from api.schemas import Role
from inference.d3m import D3M

RECIPES = "/api/v1/recipes"


@pytest.fixture(scope="module")
def model() -> D3M:
    return D3M.fit([part(seed) for seed in range(5)], QUICK)


@pytest.fixture
def taught(fake: FakeStation, model: D3M) -> FakeStation:
    fake.models.add_model("bolt", model)
    fake.models.change("bolt", "test", "taught", model_id=model.model_id)
    return fake


@pytest.mark.usefixtures("taught")
def test_the_nearest_good_part_is_named_and_its_pictures_are_served_to_whoever_may_look(
    model: D3M, operator: httpx.Client, mes: httpx.Client, anonymous: httpx.Client
) -> None:
    inspected = part(20, stained=True)
    nearest = nearest_good_of(model.predict(inspected))
    assert nearest is not None
    url = f"{RECIPES}/bolt/models/{model.model_id}/good-parts/{nearest.part}"
    for name in ("rgb", "pseudo3d"):
        answer = operator.get(f"{url}/{name}.jpg")
        assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg")
        picture = cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_COLOR)
        assert picture.shape[:2] == (nearest.height_px, nearest.width_px)  # these parts are smaller than a screen
    good = part(nearest.part).rgb[nearest.y_px : nearest.y_px + nearest.height_px, nearest.x_px : nearest.x_px + nearest.width_px]
    shown = cv2.imdecode(np.frombuffer(operator.get(f"{url}/rgb.jpg").content, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
    assert np.abs(shown.astype(float) - good).mean() < 12
    assert mes.get(f"{url}/rgb.jpg").status_code == 200
    assert anonymous.get(f"{url}/rgb.jpg").status_code == 401


@pytest.mark.usefixtures("taught")
def test_what_is_not_there_is_not_found(model: D3M, operator: httpx.Client) -> None:
    url = f"{RECIPES}/bolt/models"
    assert operator.get(f"{url}/{model.model_id}/good-parts/5/rgb.jpg").json()["code"] == "not_found.good_part"
    assert operator.get(f"{url}/d3m-000000000000/good-parts/0/rgb.jpg").json()["code"] == "not_found.model"
    assert operator.get(f"{RECIPES}/none/models/{model.model_id}/good-parts/0/rgb.jpg").json()["code"] == "not_found.recipe"
    assert operator.get(f"{url}/{model.model_id}/good-parts/0/depth.jpg").status_code == 422


def test_the_pictures_go_with_the_recipe_to_another_station(taught: FakeStation, model: D3M, as_role: As, tmp_path: Path) -> None:
    key, other = SigningKey.of(tmp_path), Recipes(tmp_path / "other", ("bolt",))
    recipe_archive.write(taught.models, "bolt", key, tmp_path / "bolt.zip")
    recipe_archive.read(tmp_path / "bolt.zip", other, key, ()).take_in(other, "test")
    here, there = (models.load("bolt", model.model_id).state.good_parts for models in (taught.models, other))
    assert len(there) == 5
    assert all(np.array_equal(a, b) for one, two in zip(here, there, strict=True) for a, b in zip(one.pictures, two.pictures, strict=True))
    assert as_role(Role.ENGINEER).get(f"{RECIPES}/bolt/models/{model.model_id}/good-parts/0/rgb.jpg").status_code == 200
