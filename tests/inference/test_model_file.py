import hashlib
import json
import subprocess

import numpy as np
import pytest

from inference import model_file
from rig_configs.errors import ModelError


@pytest.fixture
def saved(model, tmp_path):
    return model_file.save(model, tmp_path / "models" / "demo", recipe="plate")


def _code(folder) -> str:
    with pytest.raises(ModelError) as fault:
        model_file.load(folder)
    assert fault.value.cure
    return fault.value.code


def test_a_loaded_model_predicts_exactly_what_the_saved_one_did(model, saved, sample_of):
    loaded = model_file.load(saved)
    assert loaded.sha256 == model.sha256
    assert loaded.report == model.report
    assert loaded.config == model.config
    sample = sample_of(100, "stain")
    before, after = model.predict(sample), loaded.predict(sample)
    assert (before.score, before.regions, before.banks, before.model_id) == (after.score, after.regions, after.banks, after.model_id)
    assert np.array_equal(before.anomaly_map, after.anomaly_map)


def test_the_folder_is_plain_and_its_checksums_are_those_of_sha256sum(saved):
    assert sorted(p.name for p in saved.iterdir()) == ["model.json", "model.safetensors", "sha256sums"]
    assert [p.name for p in saved.parent.iterdir()] == ["demo"]  # nothing temporary is left
    subprocess.run(["sha256sum", "--check", "--quiet", "sha256sums"], cwd=saved, check=True)
    description = json.loads((saved / "model.json").read_text())
    assert description["recipe"] == "plate"
    assert len(description["report"]["held_out_scores"]) == 16
    assert list(description["backbones"]) == ["efficientnet-lite2", "fpfh"]


@pytest.mark.parametrize("name", ["model.safetensors", "model.json"])
def test_one_changed_byte_is_refused(saved, name):
    data = bytearray((saved / name).read_bytes())
    data[len(data) // 2] ^= 1
    (saved / name).write_bytes(data)
    assert _code(saved) == "model.invalid.damaged"


@pytest.mark.parametrize("name", ["model.safetensors", "model.json", "sha256sums"])
def test_a_missing_file_is_named(saved, name):
    (saved / name).unlink()
    with pytest.raises(ModelError, match=name):
        model_file.load(saved)


def test_no_folder_no_model(tmp_path):
    assert _code(tmp_path / "nothing") == "model.invalid.missing"


def _rewrite(folder, change):
    """As another version would have written it: contents and checksums agree."""
    description = json.loads((folder / "model.json").read_text())
    change(description)
    data = json.dumps(description).encode()
    (folder / "model.json").write_bytes(data)
    lines = (folder / "sha256sums").read_text().splitlines()
    lines = [f"{hashlib.sha256(data).hexdigest()}  model.json" if line.endswith("model.json") else line for line in lines]
    (folder / "sha256sums").write_text("\n".join(lines) + "\n")


def test_another_format_is_refused(saved):
    _rewrite(saved, lambda d: d.update(format="d3station-d3m/99"))
    assert _code(saved) == "model.invalid.format"


def test_other_backbone_weights_are_refused(saved):
    _rewrite(saved, lambda d: d["backbones"].update({"efficientnet-lite2": "0" * 64}))
    assert _code(saved) == "model.invalid.backbone"


def test_an_incomplete_description_is_refused(saved):
    _rewrite(saved, lambda d: d.pop("decision"))
    assert _code(saved) == "model.invalid.damaged"


def test_a_model_is_never_overwritten(model, saved):
    before = (saved / "model.json").read_bytes()
    with pytest.raises(ModelError) as fault:
        model_file.save(model, saved)
    assert fault.value.code == "model.invalid.exists"
    assert (saved / "model.json").read_bytes() == before


def test_a_failed_save_leaves_nothing(model, tmp_path, monkeypatch):
    def full(*_):
        raise OSError("No space left on device")

    monkeypatch.setattr(model_file, "_write", full)
    with pytest.raises(OSError, match="No space"):
        model_file.save(model, tmp_path / "demo")
    assert list(tmp_path.iterdir()) == []
