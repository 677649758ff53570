"""A model knows which good part each row of its banks comes from, and keeps what that part looked like."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from inference import model_file
from inference.d3m import D3M
from inference.fitting import extract_all
from inference.methods import D3M_METHOD
from rig_configs.errors import NotFound


def _similarity(picture, sample, box):
    x, y, width, height = box
    shown = cv2.resize(sample.rgb[y : y + height, x : x + width], (picture.shape[1], picture.shape[0]), interpolation=cv2.INTER_AREA)
    return float(np.abs(picture.astype(float) - shown[..., ::-1]).mean())


def test_a_taught_part_is_most_like_itself(model, good_samples):
    """Not each one: of a usual part a coreset may keep hardly a row, and then its cells find others'."""
    found = [model.predict(sample).nearest for sample in good_samples]
    itself = [nearest for number, nearest in enumerate(found) if nearest.part == number]
    assert len(itself) >= 14
    assert {nearest.shift for nearest in itself} == {(0, 0)}
    assert {nearest.name for nearest in itself} <= {sample.name for sample in good_samples}


def test_a_defect_is_shown_beside_a_good_part_in_its_place(model, good_samples, sample_of):
    """The shift is by how much the two parts lie apart: laid over each other by it, they are more alike than without."""
    inspected = sample_of(101, "stain")
    nearest = model.predict(inspected).nearest
    good = good_samples[nearest.part]
    dx, dy = nearest.shift
    moved = np.roll(good.rgb, (dy, dx), axis=(0, 1))
    both = inspected.foreground & np.roll(good.foreground, (dy, dx), axis=(0, 1))
    assert (dx, dy) != (0, 0)
    assert (inspected.foreground & ~good.foreground).sum() > (inspected.foreground & ~both).sum()
    assert np.abs(moved[both].astype(float) - inspected.rgb[both]).mean() < 20


def test_rows_know_their_part_through_the_coreset(model, good_samples):
    """Each row of a bank is a patch of the part that it says it is of."""
    # As they were taught: each part held against the heights of the others, not against its own.
    _, features = extract_all(good_samples, model.config, lambda *_: None, lambda: False)
    for number, bank in enumerate(model.state.banks):
        assert len(bank.parts) == len(bank.rows)
        assert set(bank.parts) == set(range(len(good_samples)))
        for part in (0, 7):
            view = model.config.view
            patches = view.rows(D3M_METHOD.banks[number], features[part], model.state.fusion)
            distance, _ = replace(bank, rows=((patches - bank.mean) * bank.scale).astype(np.float32)).distances(
                bank.rows[bank.parts == part] / bank.scale + bank.mean
            )
            assert distance.max() < 1e-3


def test_pictures_are_kept_with_the_model_and_read_without_it(model, good_samples, tmp_path):
    folder = model_file.save(model, tmp_path / "model")
    assert model_file.load(folder).state.good_parts[3].box == model.state.good_parts[3].box
    for part in (0, 9):
        picture = cv2.imdecode(np.frombuffer(model_file.good_part_picture(folder, part, "rgb"), np.uint8), cv2.IMREAD_COLOR)
        differences = [_similarity(picture, sample, model.state.good_parts[part].box) for sample in good_samples]
        assert int(np.argmin(differences)) == part
        assert differences[part] < 5
    with pytest.raises(NotFound) as fault:
        model_file.good_part_picture(folder, len(good_samples), "rgb")
    assert fault.value.code == "not_found.good_part"


def test_parts_that_are_added_are_known_too(model, sample_of):
    more = [sample_of(seed) for seed in (300, 301)]
    larger = model.extended(more)
    assert len(larger.state.good_parts) == len(larger.report.samples) == 18
    assert larger.predict(more[1]).nearest.part == 17


def test_a_model_of_before_judges_and_names_no_part(model, sample_of, tmp_path):
    """What was taught before rows knew their parts stays in use: same verdict, no part to compare with."""
    banks = tuple(replace(bank, parts=np.zeros(0, np.int32)) for bank in model.state.banks)
    old = D3M(replace(model.state, banks=banks, good_parts=()))
    loaded = model_file.load(model_file.save(old, tmp_path / "old"))
    sample = sample_of(100, "dent")
    assert loaded.predict(sample).nearest is None
    assert loaded.predict(sample).score == model.predict(sample).score
    assert loaded.extended([sample_of(300)]).predict(sample).nearest is None
    with pytest.raises(NotFound):
        model_file.good_part_picture(tmp_path / "old", 0, "rgb")
