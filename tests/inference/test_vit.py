"""The vision transformer takes the official file's tensors, and computes what torch's own layers compute of them."""

import numpy as np
import pytest
import torch
from torch import nn

from inference.features.vit import DinoViT, VisionTransformer


def _reference_layer(state: dict[str, torch.Tensor], prefix: str, width: int, heads: int, eps: float) -> nn.TransformerEncoderLayer:
    """Torch's own pre-norm layer, fed with a block's tensors."""
    layer = nn.TransformerEncoderLayer(width, heads, 4 * width, dropout=0.0, activation="gelu", layer_norm_eps=eps, batch_first=True, norm_first=True)
    bias = state.get(f"{prefix}attn.qkv.bias")
    layer.load_state_dict(
        {
            "self_attn.in_proj_weight": state[f"{prefix}attn.qkv.weight"],
            "self_attn.in_proj_bias": torch.zeros(3 * width) if bias is None else bias,
            "self_attn.out_proj.weight": state[f"{prefix}attn.proj.weight"],
            "self_attn.out_proj.bias": state[f"{prefix}attn.proj.bias"],
            "linear1.weight": state[f"{prefix}mlp.fc1.weight"],
            "linear1.bias": state[f"{prefix}mlp.fc1.bias"],
            "linear2.weight": state[f"{prefix}mlp.fc2.weight"],
            "linear2.bias": state[f"{prefix}mlp.fc2.bias"],
            "norm1.weight": state[f"{prefix}norm1.weight"],
            "norm1.bias": state[f"{prefix}norm1.bias"],
            "norm2.weight": state[f"{prefix}norm2.weight"],
            "norm2.bias": state[f"{prefix}norm2.bias"],
        }
    )
    return layer.eval()


def drawn(module: nn.Module, seed: int = 0) -> nn.Module:
    """The module with every tensor drawn, so that none of them is a harmless zero or one."""
    generator = torch.Generator().manual_seed(seed)
    state = {k: 0.2 * torch.randn(v.shape, generator=generator) if v.is_floating_point() else v for k, v in module.state_dict().items()}
    state |= {k: v.abs() + 0.5 for k, v in state.items() if k.endswith("running_var")}
    module.load_state_dict(state)
    return module.eval().requires_grad_(False)


@pytest.fixture(scope="module")
def small() -> VisionTransformer:
    return drawn(VisionTransformer(patch_px=8, width=48, depth=3, heads=4, trained_px=56))


def test_keys_and_shapes_are_those_of_the_official_file() -> None:
    with torch.device("meta"):
        state = VisionTransformer().state_dict()
    wanted = {
        "cls_token": (1, 1, 768),
        "pos_embed": (1, 785, 768),
        "patch_embed.proj.weight": (768, 3, 8, 8),
        "patch_embed.proj.bias": (768,),
        "norm.weight": (768,),
        "norm.bias": (768,),
    }
    for block in range(12):
        wanted |= {
            f"blocks.{block}.{name}": shape
            for name, shape in {
                "norm1.weight": (768,), "norm1.bias": (768,), "attn.qkv.weight": (2304, 768), "attn.qkv.bias": (2304,),
                "attn.proj.weight": (768, 768), "attn.proj.bias": (768,), "norm2.weight": (768,), "norm2.bias": (768,),
                "mlp.fc1.weight": (3072, 768), "mlp.fc1.bias": (3072,), "mlp.fc2.weight": (768, 3072), "mlp.fc2.bias": (768,),
            }.items()
        }  # fmt: skip
    assert {name: tuple(tensor.shape) for name, tensor in state.items()} == wanted
    assert len(wanted) == 150


def test_it_computes_what_torchs_own_layers_compute_of_the_same_tensors(small: VisionTransformer) -> None:
    state = small.state_dict()
    x = torch.randn(2, 3, 56, 56, generator=torch.Generator().manual_seed(1))
    # Patches cut by hand and multiplied, not convolved.
    patches = x.unfold(2, 8, 8).unfold(3, 8, 8).permute(0, 2, 3, 1, 4, 5).reshape(2, 49, -1)
    tokens = patches @ state["patch_embed.proj.weight"].reshape(48, -1).T + state["patch_embed.proj.bias"]
    tokens = torch.cat([state["cls_token"].expand(2, -1, -1), tokens], 1) + state["pos_embed"]
    for block in range(3):
        tokens = _reference_layer(state, f"blocks.{block}.", 48, 4, 1e-6)(tokens)
    tokens = torch.nn.functional.layer_norm(tokens, (48,), state["norm.weight"], state["norm.bias"], 1e-6)
    wanted = tokens[:, 1:].transpose(1, 2).reshape(2, 48, 7, 7)
    with torch.inference_mode():
        got = small(x)
    assert torch.allclose(got, wanted, atol=2e-4, rtol=1e-4)


def test_positions_are_the_stored_ones_at_the_trained_size_and_interpolated_elsewhere() -> None:
    net = VisionTransformer(patch_px=8, width=2, depth=1, heads=1, trained_px=56)
    ramp = torch.linspace(-1, 1, 7)
    grid = torch.stack([ramp[:, None].expand(7, 7), ramp[None, :].expand(7, 7)], -1).reshape(1, 49, 2)
    net.pos_embed.data = torch.cat([torch.full((1, 1, 2), 5.0), grid], 1)
    assert torch.equal(net.positions(7, 7), net.pos_embed)
    for rows, columns in ((14, 21), (5, 3)):
        positions = net.positions(rows, columns).detach()
        assert positions.shape == (1, 1 + rows * columns, 2)
        assert torch.equal(positions[0, 0], torch.full((2,), 5.0))  # the class token has no place
        down = positions[0, 1:].reshape(rows, columns, 2)[:, columns // 2, 0]
        wanted = -1 + ((torch.arange(rows) + 0.5) / rows * 7 - 0.5) / 3
        inside = (wanted > -0.7) & (wanted < 0.7)  # away from the border a ramp stays a ramp
        assert torch.allclose(down[inside], wanted[inside], atol=0.025)
        assert torch.allclose(down, -down.flip(0), atol=1e-5)


def test_as_a_backbone_it_keeps_the_grid_for_any_extent_and_images_apart(small: VisionTransformer) -> None:
    backbone = DinoViT(small, 48, "0" * 64)
    images = np.random.default_rng(0).integers(0, 256, (2, 64, 96, 3), dtype=np.uint8)
    maps = backbone(images)
    assert maps.shape == (2, 48, 8, 12)
    assert maps.dtype == np.float32
    assert np.array_equal(maps[1], backbone(images[1:])[0])


def test_in_bfloat16_the_features_are_nearly_those_of_float32() -> None:
    net = drawn(VisionTransformer(patch_px=8, width=48, depth=3, heads=4, trained_px=56))
    images = np.random.default_rng(0).integers(0, 256, (1, 56, 56, 3), dtype=np.uint8)
    whole = DinoViT(net, 48, "")(images)[0].reshape(48, -1)
    half = DinoViT(net.to(torch.bfloat16), 48, "", torch.bfloat16)(images)[0].reshape(48, -1)
    assert half.dtype == np.float32
    error = np.linalg.norm(half - whole, axis=0) / np.linalg.norm(whole, axis=0)
    assert 0 < error.max() < 0.1
