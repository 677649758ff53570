import numpy as np
import pytest

from inference.decision import OneClassFusion, fit_judge, joint_limits, tail_limit, with_svm


@pytest.mark.parametrize("count", [8, 20, 60])
def test_limit_keeps_the_stated_false_reject_rate_without_any_defective_part(count):
    """Over many teachings, of maxima with a long upper tail; within what 400 teachings of so few parts can tell."""
    rng = np.random.default_rng(0)
    rejected = [np.mean(rng.gumbel(1.0, 0.1, 200) > tail_limit(rng.gumbel(1.0, 0.1, count), 0.02)) for _ in range(400)]
    assert np.mean(rejected) < 0.03


def test_limit_is_tight_enough_to_be_of_use():
    scores = np.random.default_rng(0).normal(1.0, 0.1, 20)
    assert 1.2 < tail_limit(scores, 0.005) < 1.6


def test_limit_does_not_collapse_onto_identical_scores():
    assert tail_limit(np.full(20, 0.7), 0.005) > 0.7


def test_fewer_samples_and_fewer_rejects_move_the_limit_up():
    scores = np.array([0.9, 1.0, 1.1] * 4)
    assert tail_limit(scores[:6], 0.01) > tail_limit(scores, 0.01)
    assert tail_limit(scores, 0.001) > tail_limit(scores, 0.01)


def _good(seed=1, count=24):
    return np.random.default_rng(seed).normal([0.4, 0.9, 3.0], [0.02, 0.05, 0.2], (count, 3))


def test_svm_rises_with_every_bank_and_weighs_them_by_their_spread_not_their_size():
    good = _good()
    svm = OneClassFusion.fit(good)
    base = svm.score(good.mean(axis=0))
    rises = [svm.score(good.mean(axis=0) + 3 * good.std(axis=0) * np.eye(3)[bank]) - base for bank in range(3)]
    assert min(rises) > 0
    assert max(rises) < 2 * min(rises)


def test_what_one_bank_alone_sees_is_not_outvoted():
    good = _good()
    svm = OneClassFusion.fit(good)
    values = with_svm(svm, good)
    judge = fit_judge(svm, values, values, 0.005)
    for bank in range(3):
        defective = good.mean(axis=0)
        defective[bank] = 1.15 * judge.limit[1 + bank]
        assert judge.voices(defective).max() > 1.0
    assert abs(np.median(judge.voices(good)[:, 1])) < 1e-6


@pytest.mark.parametrize("tail", ["normal", "long", "agreeing"])
def test_several_voices_together_keep_the_rate_and_no_more_than_they_need(tail):
    """Over many teachings of 20 parts with four voices."""
    rng = np.random.default_rng(0)

    def drawn(count):
        if tail == "long":
            return rng.gumbel(1.0, 0.1, (count, 4))
        shared = rng.normal(0.0, 0.2, (count, 1)) if tail == "agreeing" else 0.0
        return rng.normal(1.0, 0.1, (count, 4)) + shared

    rejected, wide, each = [], [], []
    for _ in range(200):
        good = drawn(20)
        limits = joint_limits(good, 0.02)
        rejected.append((drawn(200) > limits).any(axis=1).mean())
        wide.append(((limits - good.mean(axis=0)) / good.std(axis=0, ddof=1)).mean())
        each.append(np.mean([(tail_limit(c, 0.02 / 4) - c.mean()) / c.std(ddof=1) for c in good.T]))
    assert np.mean(rejected) < (0.035 if tail == "long" else 0.02)
    assert tail == "long" or np.mean(wide) < 0.9 * np.mean(each)


def test_joint_limits_do_not_collapse_onto_identical_parts():
    assert (joint_limits(np.full((20, 4), 0.7), 0.005) > 0.7).all()
