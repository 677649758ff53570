"""Self-pretraining: what is hidden is learned, a stopped run goes on as if it had not been, and the encoder is a backbone then."""

from pathlib import Path

import numpy as np
import pytest
import torch
from test_point_mae import surface

from inference.features import networks
from inference.features.masked_autoencoder import chamfer
from inference.features.networks import Network
from inference.features.point_mae import PointEncoder, PointMaeShape, encoder_tensors, grouped
from inference.features.registry import point_backbone
from inference.weights_folder import stored_tensors
from inference.weights_pretraining import NAME, Pretraining, cut_clouds, pretrain
from rig_configs.errors import Cancelled, Conflict, SampleError

TINY = PointMaeShape(width=24, depth=2, heads=2, taps=(0, 1), narrow=8, groups=60, neighbours=12)
SETTINGS = Pretraining(steps=60, batch=4, groups=24, rate=3e-3, seed=1)


@pytest.fixture(scope="module")
def clouds():
    return [grouped(surface(seed), 0.1, TINY) for seed in range(4)]


def test_hidden_groups_are_foretold_better_with_every_step_and_the_encoder_is_kept(clouds, tmp_path: Path, monkeypatch) -> None:
    told: list[float] = []
    origin, losses = pretrain(clouds, SETTINGS, "sheets", tmp_path, lambda share, _: told.append(share), shape=TINY)
    assert len(losses) == 60
    assert np.mean(losses[-10:]) < 0.6 * np.mean(losses[:5])
    assert told == sorted(told)
    assert told[-1] == 1
    assert origin.source == "sheets"
    assert sorted(p.name for p in tmp_path.iterdir()) == [f"{NAME}.json", f"{NAME}.safetensors"]
    monkeypatch.setitem(networks.NETWORKS, NAME, Network(lambda: PointEncoder(TINY), encoder_tensors, ()))
    monkeypatch.setenv("D3STATION_WEIGHTS_DIR", str(tmp_path))
    point_backbone.cache_clear()
    assert point_backbone(NAME)(surface(9), 0.1).shape == (24, 36, 48)
    point_backbone.cache_clear()


def test_a_stopped_run_goes_on_as_if_it_had_not_been(clouds, tmp_path: Path) -> None:
    pretrain(clouds, SETTINGS, "sheets", tmp_path / "whole", shape=TINY)
    asked = iter(range(1000))
    with pytest.raises(Cancelled, match="step 25 of 60"):
        pretrain(clouds, SETTINGS, "sheets", tmp_path / "parts", cancelled=lambda: next(asked) == 25, shape=TINY)
    with pytest.raises(Conflict, match="other settings"):
        pretrain(clouds, Pretraining(steps=61, groups=24), "sheets", tmp_path / "parts", shape=TINY)
    _, losses = pretrain(clouds, SETTINGS, "sheets", tmp_path / "parts", shape=TINY)
    assert len(losses) == 35
    whole, parts = (stored_tensors(NAME, tmp_path / name)[0] for name in ("whole", "parts"))
    assert all(torch.allclose(tensor, parts[key], atol=1e-6) for key, tensor in whole.items())


def test_clouds_that_are_too_small_and_samples_without_a_part_are_told(clouds, sample_of, tmp_path: Path) -> None:
    with pytest.raises(SampleError, match="100 groups"):
        pretrain(clouds, Pretraining(groups=100), "sheets", tmp_path, shape=TINY)
    good = sample_of(0)
    blank = type(good)(good.rgb, good.pseudo3d, good.xyz_mm, np.zeros_like(good.foreground), "blank")
    cut, left_out = cut_clouds([good, blank], shape=TINY)
    assert [len(c.centres) for c in cut] == [60]
    assert len(left_out) == 1
    assert "blank" in left_out[0]


def test_the_distance_of_sets_is_that_of_brute_force() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.random((2, 5, 3)), rng.random((2, 7, 3))
    square = ((a[:, :, None] - b[:, None]) ** 2).sum(-1)
    wanted = square.min(2).mean() + square.min(1).mean()
    assert float(chamfer(torch.from_numpy(a), torch.from_numpy(b))) == pytest.approx(wanted)
    assert float(chamfer(torch.from_numpy(a), torch.from_numpy(a[:, ::-1].copy()))) == 0
