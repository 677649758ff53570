import cv2
import numpy as np
import pytest

from inference.anomaly_map import Canvas
from inference.bank_fitting import fit_bank
from inference.d3m import D3M, D3MConfig
from inference.decision import tail_limit
from inference.fitting import bank_settings
from inference.methods import D3M_METHOD
from inference.scoring import score_banks
from rig_configs.errors import Cancelled, SampleError


def rows_of(state, features):
    return [state.config.view.rows(source, features, state.fusion) for source in D3M_METHOD.banks]


def test_fresh_good_parts_pass(model, sample_of):
    predictions = [model.predict(sample_of(seed)) for seed in range(100, 104)]
    assert not any(p.is_anomalous for p in predictions)
    assert all(p.regions == () for p in predictions)
    assert all(bank.score < bank.limit for p in predictions for bank in p.banks)


@pytest.mark.parametrize(("defect", "seen_by"), [("stain", "rgb"), ("dent", "pseudo3d"), ("height", "fused")])
@pytest.mark.parametrize("seed", [100, 101])
def test_each_defect_is_found_by_the_modality_that_can_see_it(model, sample_of, defect, seen_by, seed):
    prediction = model.predict(sample_of(seed, defect))
    assert prediction.is_anomalous
    strongest = max(prediction.banks, key=lambda bank: bank.score / bank.limit)
    assert strongest.name == seen_by
    assert strongest.score > strongest.limit
    assert prediction.regions[0].modality == seen_by


def test_a_height_that_is_right_elsewhere_is_seen_in_its_place(good_samples, sample_of):
    """A boss that is level with the plate: its middle looks like the plate's, and only the band knows that it should not."""
    good, level = sample_of(105), sample_of(105, "level")
    boss = np.nan_to_num(np.abs(good.xyz_mm[..., 2] - level.xyz_mm[..., 2])) > 0.7
    middle = cv2.erode(cv2.morphologyEx(boss.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8)), np.ones((33, 33), np.uint8)) > 0
    config = D3MConfig(working_px=256, fusion_steps=20, fusion_batch=256, folds=4)
    held, unheld = (D3M.fit(good_samples[:10], config.model_copy(update={"height_band": with_band})).predict(level) for with_band in (True, False))
    assert middle.sum() > 100
    assert held.anomaly_map[middle].min() > 1.0 > unheld.anomaly_map[middle].mean()
    assert max(held.banks, key=lambda bank: bank.score / bank.limit).name == "fused"


def test_region_lies_on_the_defect_with_its_size_in_millimetres(model, sample_of):
    good, stained = sample_of(103), sample_of(103, "stain")
    difference = np.abs(good.rgb.astype(float) - stained.rgb.astype(float)).mean(axis=2)
    row, column = np.argwhere(difference > 0.5 * difference.max()).mean(axis=0)
    region = model.predict(stained).regions[0]
    assert region.x <= column < region.x + region.width
    assert region.y <= row < region.y + region.height
    assert 1.0 < region.area_mm2 < 16.0
    assert region.area_mm2 <= region.width * region.height * 0.1**2 * 1.05
    assert region.peak > 1.0


def test_map_covers_the_camera_grid_and_falls_to_zero_off_the_part(model, sample_of):
    sample = sample_of(100)
    prediction = model.predict(sample)
    assert prediction.anomaly_map.shape == sample.foreground.shape
    assert prediction.anomaly_map.dtype == np.float32
    reach = [prediction.anomaly_map[row].max() for row in (50, 30, 10)]
    assert reach[0] > reach[1] > reach[2]
    assert prediction.anomaly_map[0].max() < 0.05  # of the limit
    assert 0.0 < prediction.anomaly_map.max() < 1.0


def test_prediction_names_the_model_and_repeats_exactly(model, sample_of):
    sample = sample_of(100, "dent")
    first, second = model.predict(sample), model.predict(sample)
    assert first.model_sha256 == model.sha256
    assert first.model_id == model.model_id
    assert first.score == second.score
    assert np.array_equal(first.anomaly_map, second.anomaly_map)


def test_limits_from_own_bank_scores_would_reject_good_parts_and_held_out_ones_do_not(model, good_samples, sample_of):
    """A good part's own patches are in the bank: its score is biased low, and a limit drawn from such scores alarms at every other part."""
    state = model.state

    def scores(samples):
        return np.array([score_banks(rows_of(state, f), state.banks, 3, Canvas.of(f))[0] for f in map(model.extract, samples)])

    own, fresh = scores(good_samples), scores([sample_of(seed) for seed in range(200, 210)])
    held_out = np.array(model.report.held_out_bank_scores)
    assert (own.mean(axis=0) < fresh.mean(axis=0)).all()
    assert (held_out.mean(axis=0) > own.mean(axis=0)).all()
    rate = state.config.false_reject_rate
    own_limit = np.array([tail_limit(column, rate) for column in own.T])
    held_out_limit = np.array([tail_limit(column, rate) for column in held_out.T])
    assert (fresh > own_limit).any(axis=1).mean() >= 0.2
    assert not (fresh > held_out_limit).any()


def test_held_out_scores_do_not_depend_on_the_own_patches(model, good_samples):
    """The k-fold banks really leave the part out: repeating one part in the set lowers its score."""
    state = model.state
    features = [model.extract(s) for s in good_samples[:6]]

    def first_score(parts):
        rows = zip(*(rows_of(state, part) for part in parts), strict=True)
        settings = bank_settings(D3MConfig(folds=len(parts)))
        return np.array([fit_bank(of_bank, parts, [of_bank[0].shape[1]], settings).scores[0] for of_bank in rows])

    assert (first_score([*features, features[0]]) < first_score(features)).all()


def test_progress_never_falls_and_ends_at_one(good_samples):
    told = []
    model = D3M.fit(iter(good_samples[:5]), D3MConfig(working_px=160, fusion_steps=3, folds=2), progress=lambda f, m: told.append((f, m)))
    fractions = [f for f, _ in told]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert all(message for _, message in told)
    assert len(model.report.samples) == 5


def test_fit_stops_between_samples_when_asked(good_samples):
    taken = []

    def samples():
        for sample in good_samples:
            taken.append(sample.name)
            yield sample

    with pytest.raises(Cancelled):
        D3M.fit(samples(), D3MConfig(working_px=160), cancelled=lambda: len(taken) >= 3)
    assert len(taken) == 3


def test_too_few_good_parts_are_refused(good_samples):
    with pytest.raises(SampleError) as fault:
        D3M.fit(good_samples[:3], D3MConfig(working_px=160))
    assert fault.value.code == "sample.invalid.too_few"


def test_every_setting_is_described():
    assert all(field.description for field in D3MConfig.model_fields.values())
