"""Point-MAE takes the official file's tensors, computes what torch's own layers compute of them, and groups as brute force does."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import cKDTree
from test_vit import _reference_layer, drawn

from inference.features.point_groups import farthest_points, grid_neighbours, three_nearest
from inference.features.point_mae import PointEncoder, PointMae, PointMaeShape, encoder_tensors

SMALL = PointMaeShape(width=24, depth=3, heads=4, taps=(0, 2), narrow=8, groups=40, neighbours=16)


def surface(seed: int, rows: int = 24, columns: int = 36, pitch: float = 0.1) -> np.ndarray:
    """A wavy sheet with a step and holes, on a jittered grid."""
    rng = np.random.default_rng(seed)
    v, u = np.mgrid[0:rows, 0:columns].astype(np.float64)
    x, y = (u + rng.uniform(0.1, 0.9, u.shape)) * pitch, -(v + rng.uniform(0.1, 0.9, u.shape)) * pitch
    z = 0.2 * np.sin(2 * x) + np.where(u > columns // 2, rng.uniform(0, 3), 0)
    points = np.dstack([x, y, z]).astype(np.float32)
    points[rng.random(u.shape) < 0.1] = np.nan
    points[rows // 3 : rows // 2, 5:12] = np.nan
    return points


@pytest.fixture(scope="module")
def encoder() -> PointEncoder:
    return drawn(PointEncoder(SMALL))


def test_keys_and_shapes_are_those_of_the_official_file() -> None:
    with torch.device("meta"):
        state = PointEncoder(PointMaeShape()).state_dict()
    wanted: dict[str, tuple[int, ...]] = {}
    for name, inside, outside, last in (("first_conv", 3, 128, 256), ("second_conv", 512, 512, 384)):
        wanted |= {f"encoder.{name}.0.weight": (outside, inside, 1), f"encoder.{name}.0.bias": (outside,)}
        wanted |= {f"encoder.{name}.1.{part}": (outside,) for part in ("weight", "bias", "running_mean", "running_var")}
        wanted |= {f"encoder.{name}.1.num_batches_tracked": (), f"encoder.{name}.3.weight": (last, outside, 1), f"encoder.{name}.3.bias": (last,)}
    wanted |= {"pos_embed.0.weight": (128, 3), "pos_embed.0.bias": (128,), "pos_embed.2.weight": (384, 128), "pos_embed.2.bias": (384,)}
    for block in range(12):
        parts = {
            "norm1.weight": (384,), "norm1.bias": (384,), "attn.qkv.weight": (1152, 384), "attn.proj.weight": (384, 384), "attn.proj.bias": (384,),
            "norm2.weight": (384,), "norm2.bias": (384,), "mlp.fc1.weight": (1536, 384), "mlp.fc1.bias": (1536,),
            "mlp.fc2.weight": (384, 1536), "mlp.fc2.bias": (384,),
        }  # fmt: skip
        wanted |= {f"blocks.blocks.{block}.{name}": shape for name, shape in parts.items()}
    wanted |= {"norm.weight": (384,), "norm.bias": (384,)}
    assert {name: tuple(tensor.shape) for name, tensor in state.items()} == wanted
    assert PointMaeShape().channels == 1152


def test_the_encoder_is_found_in_a_whole_models_file() -> None:
    encoder = {"norm.weight": torch.zeros(2)}
    decoder = {"MAE_decoder.norm.weight": torch.ones(2), "mask_token": torch.ones(1)}
    for prefix in ("module.MAE_encoder.", "MAE_encoder."):
        found = encoder_tensors({f"{prefix}{k}": v for k, v in encoder.items()} | {prefix.split("MAE")[0] + k: v for k, v in decoder.items()})
        assert set(found) == {"norm.weight"}
        assert torch.equal(found["norm.weight"], torch.zeros(2))
    assert encoder_tensors(encoder) == encoder


def test_it_computes_what_torchs_own_layers_compute_of_the_same_tensors(encoder: PointEncoder) -> None:
    state = encoder.state_dict()
    generator = torch.Generator().manual_seed(2)
    groups, centres = torch.randn(10, 16, 3, generator=generator), torch.randn(10, 3, generator=generator)

    def layer(name: str, x: torch.Tensor) -> torch.Tensor:
        """Two linear maps with a normalisation by stored statistics between, on (..., C)."""
        x = x @ state[f"{name}.0.weight"][..., 0].T + state[f"{name}.0.bias"]
        x = (x - state[f"{name}.1.running_mean"]) / (state[f"{name}.1.running_var"] + 1e-5).sqrt()
        x = (x * state[f"{name}.1.weight"] + state[f"{name}.1.bias"]).clamp(min=0)
        return x @ state[f"{name}.3.weight"][..., 0].T + state[f"{name}.3.bias"]

    each = layer("encoder.first_conv", groups)
    tokens = layer("encoder.second_conv", torch.cat([each.max(1, keepdim=True).values.expand_as(each), each], -1)).max(1).values[None]
    hidden = torch.nn.functional.gelu(centres @ state["pos_embed.0.weight"].T + state["pos_embed.0.bias"])
    positions = (hidden @ state["pos_embed.2.weight"].T + state["pos_embed.2.bias"])[None]
    taken: list[torch.Tensor] = []
    for block in range(3):
        tokens = _reference_layer(state, f"blocks.blocks.{block}.", 24, 4, 1e-5)(tokens + positions)
        if block in SMALL.taps:
            taken.append(torch.nn.functional.layer_norm(tokens, (24,), state["norm.weight"], state["norm.bias"], 1e-5)[0])
    with torch.inference_mode():
        got = encoder(groups, centres)
    assert torch.allclose(got, torch.cat(taken, 1), atol=2e-4, rtol=1e-4)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), count=st.sampled_from([1, 7, 32, 128]))
def test_neighbours_on_the_grid_are_those_of_a_search_everywhere(seed: int, count: int) -> None:
    points = surface(seed)
    flat = points.reshape(-1, 3)
    known = np.flatnonzero(np.isfinite(flat[:, 2]))
    centres = np.random.default_rng(seed).choice(known, 20, replace=False)
    found = grid_neighbours(points, centres, count, 0.1)
    wanted, _ = cKDTree(flat[known]).query(flat[centres], count)
    distances = np.linalg.norm(flat[found] - flat[centres][:, None], axis=-1)
    assert np.allclose(distances, np.reshape(wanted, distances.shape), atol=1e-6)


def test_a_cloud_smaller_than_a_group_repeats_its_points() -> None:
    points = np.full((4, 4, 3), np.nan, np.float32)
    points[1, 1], points[1, 2] = (0.1, 0.1, 0), (0.2, 0.1, 0)
    assert grid_neighbours(points, np.array([5]), 5, 0.1).tolist() == [[5, 6, 5, 6, 5]]


def test_centres_are_far_apart_and_cover_the_cloud_whatever_the_order() -> None:
    points = surface(3).reshape(-1, 3)
    points = points[np.isfinite(points[:, 2])]
    chosen = farthest_points(points, 40)
    assert len(set(chosen.tolist())) == 40
    apart = cKDTree(points[chosen]).query(points[chosen], 2)[0][:, 1].min()
    cover = cKDTree(points[chosen]).query(points)[0].max()
    assert cover <= apart + 1e-6  # what greedy farthest-point sampling promises
    order = np.random.default_rng(0).permutation(len(points))
    again = order[farthest_points(points[order], 40)]
    assert set(again.tolist()) == set(chosen.tolist())
    assert len(farthest_points(points[:5], 40)) == 5


def test_interpolation_weighs_the_three_nearest_by_inverse_square_distance() -> None:
    rng = np.random.default_rng(1)
    points, centres = rng.random((50, 3), np.float32), rng.random((9, 3), np.float32)
    index, weight = three_nearest(points, centres)
    distance, wanted = cKDTree(centres).query(points, 3)
    assert np.array_equal(index, wanted)
    inverse = 1 / (distance**2 + 1e-8)
    assert np.allclose(weight, inverse / inverse.sum(1, keepdims=True), rtol=1e-4)
    on_centre = three_nearest(centres, centres)
    assert np.allclose(on_centre[1][:, 0], 1, atol=1e-4)


def test_as_a_backbone_it_describes_known_points_whatever_their_place_on_the_rig(encoder: PointEncoder) -> None:
    points = surface(5)
    backbone = PointMae(encoder, "")
    values = backbone(points, 0.1)
    known = np.isfinite(points[..., 2])
    assert values.shape == (*known.shape, 48)
    assert (values[~known] == 0).all()
    assert np.abs(values[known]).max() > 0
    moved = backbone(points + np.float32((3, -2, 0.5)), 0.1)
    assert np.allclose(moved, values, atol=2e-2)
    larger = backbone(points * 4, 0.4)  # the unit follows the pitch
    assert np.allclose(larger, values, atol=1e-3)
    nearest = PointMae(encoder, "", interpolate=False)(points, 0.1)
    assert len(np.unique(nearest[known], axis=0)) <= SMALL.groups < len(np.unique(values[known], axis=0))
