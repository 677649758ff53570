"""A part is found wherever and however it lies, and each place of it is held against the same place of good parts."""

import cv2
import numpy as np
import pytest

from inference.features.height_band import HeightBand
from inference.features.registration import inverse, registered

H, W = 72, 96


def part(turn_deg=0.0, shift=(0.0, 0.0), raised_mm=0.0, gain=0.0, size=(H, W)):
    """Height image: a plate with a bar, a post and a notch, so that no turn but its own fits; the bar may stand too high."""
    ss = 4
    v, u = (np.mgrid[0 : size[0] * ss, 0 : size[1] * ss].astype(np.float64) + 0.5) / ss - 0.5
    angle = np.deg2rad(turn_deg)
    du, dv = u - (size[1] - 1) / 2 - shift[0], v - (size[0] - 1) / 2 - shift[1]
    x, y = np.cos(angle) * du + np.sin(angle) * dv, -np.sin(angle) * du + np.cos(angle) * dv
    z = np.where((abs(x) < 30) & (abs(y) < 18), 2.0, 0.0)
    z = np.where((abs(x) > 24) & (y > 6), 0.0, z) * (1.0 + gain)
    z += np.where((abs(x - 10) < 6) & (abs(y + 4) < 8), 1.5 + raised_mm, 0.0)
    z += np.where(np.hypot(x + 18, y + 6) < 4, 1.5, 0.0)
    return np.asarray(cv2.resize(z.astype(np.float32), (size[1], size[0]), interpolation=cv2.INTER_AREA), np.float32)


def apart(transform, turn_deg, shift):
    """Largest error on the part, px, of a transform that should undo a turn and a shift about the middle."""
    angle = np.deg2rad(turn_deg)
    corners = np.array([[30, 18], [-30, 18], [-30, -18], [30, -18]], np.float64)
    middle = np.array([(W - 1) / 2, (H - 1) / 2])
    true = corners @ np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]).T + middle + shift
    return np.abs((corners + middle) @ transform[:, :2].T + transform[:, 2] - true).max()


@pytest.mark.parametrize(("turn", "shift"), [(0.0, (0.0, 0.0)), (4.3, (2.5, -1.2)), (88.0, (0.4, 3.0)), (-137.0, (-2.0, 0.7)), (180.0, (1.0, 1.0))])
def test_a_part_is_registered_however_it_lies(turn, shift):
    assert apart(registered(part(turn, shift), part()), turn, shift) < 0.1


def test_a_piece_that_stands_too_high_hardly_moves_the_registration():
    assert apart(registered(part(7.0, (1.0, 2.0), raised_mm=0.4), part()), 7.0, (1.0, 2.0)) < 0.15


def test_large_images_are_registered_as_well():
    large = [np.asarray(cv2.resize(part(*pose), None, fx=5, fy=5), np.float32) for pose in ((33.0, (2.0, 1.0)), (0.0, (0.0, 0.0)))]
    transform, angle = registered(*large), np.deg2rad(33.0)
    np.testing.assert_allclose(transform[:, :2], [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]], atol=1e-3)
    middle = (np.array([5 * W, 5 * H]) - 1) / 2
    np.testing.assert_allclose(transform @ [*middle, 1.0], middle + 5 * np.array([2.0, 1.0]), atol=0.1)


def test_where_there_is_no_shape_nothing_is_turned():
    np.testing.assert_array_equal(registered(np.zeros((40, 50), np.float32), np.zeros((30, 50), np.float32)), [[1, 0, 0], [0, 1, 5]])


def test_inverse_leads_back():
    transform = registered(part(20.0, (3.0, 1.0)), part())
    there_and_back = np.vstack([transform, [0, 0, 1]]) @ np.vstack([inverse(transform), [0, 0, 1]])
    np.testing.assert_allclose(there_and_back, np.eye(3), atol=1e-4)


def _good(count=8, seed=0):
    rng = np.random.default_rng(seed)
    return [part(rng.uniform(-180, 180), rng.uniform(-3, 3, 2), gain=rng.normal(0, 0.005)) for _ in range(count)]


def test_a_wrong_height_is_told_in_millimetres_and_with_its_sign_at_its_place():
    band, _ = HeightBand.of(_good())
    for raised in (0.3, -0.3):
        pose = (63.0, (1.0, -2.0))
        outside, bar = band.outside(part(*pose, raised_mm=raised)), part(*pose) > 3.0
        inner = cv2.erode(bar.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
        assert np.median(outside[inner & (np.abs(outside) > 0.1)]) == pytest.approx(raised, abs=0.05)
        assert (np.abs(outside) > 0.1).sum() > 0.3 * 12 * 16
        assert np.abs(outside[~cv2.dilate(bar.astype(np.uint8), np.ones((5, 5), np.uint8)).astype(bool)]).max() < 0.1


def test_further_good_parts_lie_inside():
    band, _ = HeightBand.of(_good(16))
    for fresh in _good(4, seed=1):
        assert np.quantile(np.abs(band.outside(fresh)), 0.99) < 0.05


def test_a_taught_part_is_held_against_the_others_and_never_against_itself():
    band, outside = HeightBand.of([*_good(), part(10.0, raised_mm=0.4)])
    assert [bool((np.abs(of_part) > 0.2).sum() > 60) for of_part in outside] == [False] * 8 + [True]
    assert np.abs(band.outside(part(10.0, raised_mm=0.4))).max() < 0.03


def test_the_band_is_the_same_in_any_order_and_a_later_part_widens_it_as_an_earlier_one():
    first, *others = _good(6)
    band, _ = HeightBand.of([first, *others])
    backwards, _ = HeightBand.of([first, *others[::-1]])
    later = HeightBand.of([first, *others[:3]])[0].widened(others[3]).widened(others[4])
    for other in (backwards, later):
        np.testing.assert_array_equal(other.lowest, band.lowest)
        np.testing.assert_array_equal(other.highest, band.highest)
