import numpy as np
import pytest

from inference.decision import tail_limit
from inference.threshold import good_limit, threshold_from_reviews


def test_with_many_good_parts_the_limit_keeps_its_rate_whatever_the_distribution():
    rng = np.random.default_rng(0)
    for draw in (lambda n: rng.lognormal(0, 1, n), lambda n: rng.uniform(0, 1, n), lambda n: rng.standard_t(2, n)):
        rejected = [np.mean(draw(500) > good_limit(draw(200), 0.02)) for _ in range(200)]
        assert np.mean(rejected) == pytest.approx(0.02, abs=0.004)


def test_with_few_good_parts_the_tail_is_fitted_above_all_that_was_seen():
    scores = np.random.default_rng(0).normal(0.0, 0.3, 24)
    assert good_limit(scores, 0.005) == tail_limit(scores, 0.005) > scores.max()


def test_without_defective_parts_the_limit_of_good_ones_stays_and_does_not_collapse():
    good = np.random.default_rng(0).normal(0.0, 0.3, 24)
    proposal = threshold_from_reviews(good, np.array([]), 0.005)
    assert proposal.threshold == good_limit(good, 0.005)
    assert proposal.false_rejects == proposal.missed == 0
    assert threshold_from_reviews(np.full(24, 0.1), np.array([]), 0.005).threshold > 0.1


def test_defective_parts_far_over_the_limit_change_nothing():
    good = np.random.default_rng(0).normal(0.0, 0.3, 24)
    assert threshold_from_reviews(good, np.array([3.0, 5.0]), 0.005).threshold == good_limit(good, 0.005)


def test_a_missed_defect_pulls_the_threshold_between_it_and_the_good_parts():
    good = np.random.default_rng(0).normal(0.0, 0.2, 24)
    missed = 0.5 * (good.max() + good_limit(good, 0.005))
    proposal = threshold_from_reviews(good, np.array([missed, 2.0]), 0.005)
    assert good.max() < proposal.threshold < missed
    assert proposal.missed == proposal.false_rejects == 0


def test_a_defect_in_the_midst_of_good_parts_costs_good_ones_only_as_far_as_it_is_worth():
    good = np.linspace(0.0, 0.9, 91)
    cheap, dear = (threshold_from_reviews(good, np.array([0.1, 2.0, 3.0, 4.0]), 0.005, cost).missed for cost in (0.5, 50.0))
    assert (cheap, dear) == (1, 0)
