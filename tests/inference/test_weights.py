"""Importing checkpoints: what fits is kept and found, what does not says why, and nothing in a file is run."""

import json
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from test_point_mae import surface
from test_vit import drawn
from typer.testing import CliRunner

from api.cli.main import app
from inference.features import networks
from inference.features.networks import NETWORKS, Network, loaded_network
from inference.features.point_mae import PointEncoder, PointMaeShape, encoder_tensors
from inference.features.registry import CARDS, Backbones, image_backbone, point_backbone
from inference.features.vit import VisionTransformer
from inference.weights_folder import stored_tensors, use_weights_folder, weights_folder
from inference.weights_import import import_weights
from inference.weights_list import list_backbones
from rig_configs.errors import ModelError, NotFound

TINY_VIT = Network(lambda: VisionTransformer(8, 24, 2, 2, 32), NETWORKS["dino-vitb8"].tensors, ("head.",))
TINY_MAE = Network(
    lambda: PointEncoder(PointMaeShape(width=24, depth=3, heads=4, taps=(0, 2), narrow=8, groups=40, neighbours=16)), encoder_tensors, ("decoder.",)
)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch) -> Path:
    """Small networks stand for the large ones: the files' handling is the same and takes no second."""
    monkeypatch.setitem(networks.NETWORKS, "dino-vitb8", TINY_VIT)
    monkeypatch.setitem(networks.NETWORKS, "point-mae", TINY_MAE)
    monkeypatch.setenv("D3STATION_WEIGHTS_DIR", str(tmp_path / "weights"))
    image_backbone.cache_clear()
    point_backbone.cache_clear()
    yield tmp_path / "weights"
    image_backbone.cache_clear()
    point_backbone.cache_clear()


def _vit(seed: int = 0) -> dict[str, torch.Tensor]:
    return drawn(TINY_VIT.make(), seed).state_dict()


def _mae_file(path: Path) -> dict[str, torch.Tensor]:
    """As the official file is: a wrapper, prefixes, a decoder, numbers beside the tensors."""
    state = drawn(TINY_MAE.make()).state_dict()
    whole = {f"module.MAE_encoder.{k}": v for k, v in state.items()} | {
        "module.MAE_decoder.norm.weight": torch.ones(3),
        "module.mask_token": torch.ones(1),
    }
    torch.save({"base_model": whole, "epoch": 300, "metrics": {"acc": 0.0}}, path)
    return state


def test_each_file_is_known_by_its_tensors(tmp_path: Path, folder: Path) -> None:
    vit, mae = _vit(), _mae_file(tmp_path / "pretrain.pth")
    torch.save(vit, tmp_path / "dino.pth")
    save_file(vit, tmp_path / "dino.safetensors")
    assert import_weights(tmp_path / "dino.pth").backbone == "dino-vitb8"
    assert import_weights(tmp_path / "pretrain.pth").backbone == "point-mae"
    for name, wanted in (("dino-vitb8", vit), ("point-mae", mae)):
        network, sha256 = loaded_network(name)
        assert all(torch.equal(tensor, wanted[key]) for key, tensor in network.state_dict().items())
        assert not any(p.requires_grad for p in network.parameters())
        assert json.loads((folder / f"{name}.json").read_text())["sha256"] == sha256
    first = stored_tensors("dino-vitb8")[1]
    again = import_weights(tmp_path / "dino.safetensors", "dino-vitb8")
    assert (again.sha256, again.source) == (first.sha256, "dino.safetensors")  # the same tensors, whatever file they came in
    assert again.source_sha256 != first.source_sha256
    assert sorted(p.name for p in folder.iterdir()) == ["dino-vitb8.json", "dino-vitb8.safetensors", "point-mae.json", "point-mae.safetensors"]


def test_imported_backbones_make_features(tmp_path: Path) -> None:
    torch.save(_vit(), tmp_path / "dino.pth")
    import_weights(tmp_path / "dino.pth")
    _mae_file(tmp_path / "pretrain.pth")
    import_weights(tmp_path / "pretrain.pth")
    maps = image_backbone("dino-vitb8")(np.zeros((1, 64, 48, 3), np.uint8))
    assert maps.shape[2:] == (8, 6)
    values = point_backbone("point-mae", True)(surface(0), 0.1)
    assert values.shape == (24, 36, 48)
    assert not np.array_equal(values, point_backbone("point-mae", False)(surface(0), 0.1))
    fingerprints = Backbones("dino-vitb8", "point-mae").weights_sha256()
    assert {name: len(sha256) for name, sha256 in fingerprints.items()} == {"dino-vitb8": 64, "point-mae": 64}


def test_half_precision_files_are_computed_in_single_precision(tmp_path: Path) -> None:
    torch.save({k: v.half() for k, v in _vit().items()}, tmp_path / "half.pth")
    import_weights(tmp_path / "half.pth")
    assert {p.dtype for p in loaded_network("dino-vitb8")[0].parameters()} == {torch.float32}


class _Code:
    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self):
        return (os.system, (f"touch {self.marker}",))


def _bad(path: Path, kind: str) -> None:
    state, hook = _vit(), _Code(path.with_name("ran"))
    if kind == "code":
        torch.save({"state_dict": state, "hook": hook}, path, _use_new_zipfile_serialization=False)
    elif kind == "zipped_code":
        torch.save({"state_dict": state, "hook": hook}, path)
    elif kind == "truncated":
        torch.save(state, path)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    elif kind == "damaged":
        torch.save(state, path)
        with zipfile.ZipFile(path) as archive:
            names = [n for n in archive.namelist() if not n.endswith("/data/0")]
            content = {n: archive.read(n) for n in names}
        with zipfile.ZipFile(path, "w") as archive:
            for name, data in content.items():
                archive.writestr(name, data)
    elif kind == "legacy_truncated":
        torch.save(state, path, _use_new_zipfile_serialization=False)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    elif kind == "text":
        path.write_text("<html>Not Found</html>")
    elif kind == "list":
        torch.save([torch.ones(3)], path)


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("code", "could run as code; nothing of it was run"),
        ("zipped_code", "could run as code; nothing of it was run"),
        ("truncated", "cut short"),
        ("damaged", "damaged or cut short"),
        ("legacy_truncated", "cut short"),
        ("text", "not a checkpoint"),
        ("list", "no tensors by name"),
    ],
)
def test_what_is_no_sound_checkpoint_says_so_and_runs_nothing(tmp_path: Path, folder: Path, kind: str, said: str) -> None:
    _bad(tmp_path / "bad.pth", kind)
    with pytest.raises(ModelError, match=said) as fault:
        import_weights(tmp_path / "bad.pth")
    assert fault.value.code == "model.invalid.weights"
    assert not (tmp_path / "ran").exists()
    assert not folder.exists()


def test_another_networks_tensors_are_named(tmp_path: Path, folder: Path) -> None:
    state = _vit()
    del state["norm.bias"]
    state["pos_embed"] = state["pos_embed"][:, :-1]
    state["norm.weight"][0] = float("nan")
    state["fc.weight"] = torch.ones(1)
    torch.save(state, tmp_path / "other.pth")
    with pytest.raises(ModelError) as fault:
        import_weights(tmp_path / "other.pth", "dino-vitb8")
    assert fault.value.code == "model.invalid.backbone"
    for said in ("norm.bias is missing", "pos_embed is (1, 16, 24), not (1, 17, 24)", "norm.weight holds values", "fc.weight is not one"):
        assert said in fault.value.message
    with pytest.raises(NotFound):
        import_weights(tmp_path / "nothing.pth")
    with pytest.raises(NotFound, match="dino-vitb8"):
        import_weights(tmp_path / "other.pth", "resnet")
    assert not folder.exists()


def test_a_backbone_without_weights_and_damaged_weights_say_what_to_do(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(ModelError, match="d3station weights import FILE --as dino-vitb8"):
        image_backbone("dino-vitb8")
    torch.save(_vit(), tmp_path / "dino.pth")
    import_weights(tmp_path / "dino.pth")
    path = folder / "dino-vitb8.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(ModelError, match="SHA-256"):
        image_backbone("dino-vitb8")
    (folder / "dino-vitb8.json").write_text("{}")
    with pytest.raises(ModelError, match="damaged"):
        image_backbone("dino-vitb8")
    assert [s.ready for s in list_backbones() if s.card.name == "dino-vitb8"] == [False]


def test_the_folder_is_the_environments_then_the_processs_then_the_data_folders(tmp_path: Path, monkeypatch) -> None:
    assert weights_folder() == tmp_path / "weights"
    monkeypatch.delenv("D3STATION_WEIGHTS_DIR")
    monkeypatch.setenv("D3STATION_DATA_DIR", "/data")
    monkeypatch.setattr("inference.weights_folder._chosen", [])
    assert weights_folder() == Path("/data/weights")
    use_weights_folder(tmp_path / "own")
    assert weights_folder() == tmp_path / "own"


def test_the_cards_tell_what_the_networks_are() -> None:
    real = {"dino-vitb8": 768, "point-mae": PointMaeShape().channels, "point-mae-small": networks.SMALL_POINT_MAE.channels}
    assert real == {name: CARDS[name].channels for name in networks.NETWORKS}
    assert {card.name for card in CARDS.values() if card.weights == "file"} == set(real)


def test_the_commands_list_and_import(tmp_path: Path, folder: Path) -> None:
    torch.save(_vit(), tmp_path / "dino.pth")
    runner = CliRunner()
    imported = runner.invoke(app, ["weights", "import", str(tmp_path / "dino.pth"), "--json"])
    assert imported.exit_code == 0
    assert json.loads(imported.stdout)["file"] == str(folder / "dino-vitb8.safetensors")
    listed = {entry["name"]: entry for entry in json.loads(runner.invoke(app, ["weights", "list", "--json"]).stdout)}
    assert next(iter(listed)) == "efficientnet-lite2"
    assert {name for name, entry in listed.items() if entry["ready"]} >= {"efficientnet-lite2", "fpfh", "dino-vitb8"}
    assert listed["dino-vitb8"]["source"] == "dino.pth"
    assert listed["point-mae"]["cure"] == "d3station weights import FILE --as point-mae"
    assert runner.invoke(app, ["weights", "list"]).exit_code == 0
