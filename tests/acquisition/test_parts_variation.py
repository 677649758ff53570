"""Good parts have a spread, as they come out of a tool: no two are alike in size, colour, print or skin, and all are the same thing."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from acquisition.simulation.modelling import Model
from acquisition.simulation.parts import PART_KINDS
from acquisition.simulation.shapes import STEP_MM

SEEDS = range(4)


@pytest.mark.parametrize("name", PART_KINDS)
def test_parts_of_a_kind_differ_in_size_colour_and_skin(name):
    bodies = [PART_KINDS[name].make(seed).body for seed in SEEDS]
    heights, albedos = np.stack([b.height_mm for b in bodies]), np.stack([b.albedo for b in bodies])
    on = cv2.erode(np.asarray((heights > 0).all(0), np.uint8), np.ones((5, 5))) > 0

    # Taken over a millimetre, the skin has no height: what is left is the tool's.
    form = np.stack([cv2.GaussianBlur(np.where(on, h, 0), (0, 0), 0.5 / STEP_MM) for h in heights]).std(0, ddof=1)[on]
    assert np.percentile(form, 75) > 0.005
    assert np.median(form) < 0.15

    colour = albedos[:, on].mean(1)
    assert (colour.std(0, ddof=1) / colour.mean(0)).max() > 0.004
    assert (colour.std(0, ddof=1) / colour.mean(0)).max() < 0.1

    fine = np.stack([h - cv2.GaussianBlur(h, (0, 0), 0.15 / STEP_MM) for h in heights[:2]])
    level = on & (np.abs(fine).max(0) < 0.01)
    assert np.std((fine[0] - fine[1])[level]) > 0.0004  # neither has the other's skin


def test_a_print_lands_a_little_off_from_part_to_part():
    middles = []
    for seed in range(12):
        model = Model(np.random.default_rng(seed), 12, 8, (0.05, 0.05, 0.05))
        model.add(np.maximum(np.abs(model.x) - 6, np.abs(model.y) - 4), 2.0)
        model.text("2635", 1.0, -1.0, 1.0, colour=(0.8, 0.8, 0.8))
        ink = model.albedo[..., 0] - model.albedo[..., 0].min()
        middles.append([(ink * model.x).sum() / ink.sum(), (ink * model.y).sum() / ink.sum()])
    spread, mean = np.std(middles, axis=0, ddof=1), np.mean(middles, axis=0)
    assert (spread > 0.04).all()
    assert (spread < 0.16).all()
    np.testing.assert_allclose(mean, (1, -1), atol=0.15)
