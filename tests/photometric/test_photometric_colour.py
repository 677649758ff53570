"""The colour picture shows a white plate grey and evenly lit, and is refused when frames are missing."""

from __future__ import annotations

import numpy as np
import pytest
from photometric_scene import BLACK, EXPOSURE_US, HEIGHT, WIDTH, calibration, flat_scene

from photometric.colour import WHITE_PLATE, ColourImage
from rig_configs.errors import ReconstructionError

GAINS = np.array([1.6, 1.0, 1.25])
CALIBRATION = calibration().model_copy(update={"white_balance": tuple(GAINS)})


def srgb(linear: float) -> float:
    return 255 * (1.055 * linear ** (1 / 2.4) - 0.055)


def frames(albedo: float | np.ndarray = 1.0, ambient: float = 0.0):
    """Zone and ambient frames of a plate, as a camera sees them whose red and blue answer less than its green."""
    scene = flat_scene(albedo=1.0)
    colour = np.asarray(albedo) / GAINS

    def see(luminance):
        return np.rint((luminance - BLACK)[..., None] * colour + BLACK).astype(np.uint16)

    return [see(image) for image in scene.render(ambient=ambient)], see(scene.ambient(ambient))


def picture(albedo=1.0, ambient=0.0, exposure_us=EXPOSURE_US) -> np.ndarray:
    image = ColourImage(CALIBRATION)
    zones, room = frames(albedo, ambient)
    image.add_ambient(room, exposure_us)
    for zone in zones:
        image.add(zone, exposure_us)
    return image.picture()


@pytest.mark.parametrize("ambient", [0.0, 20.0])
def test_a_white_plate_is_grey_everywhere(ambient):
    plate = picture(ambient=ambient)
    assert plate.shape == (HEIGHT, WIDTH, 3)
    assert plate.dtype == np.uint8
    assert np.abs(plate - srgb(WHITE_PLATE)).max() < 2


def test_a_colour_keeps_its_hue():
    plate = picture(albedo=np.array([0.6, 0.3, 0.1]))
    assert np.abs(plate - [srgb(WHITE_PLATE * a) for a in (0.6, 0.3, 0.1)]).max() < 3


def test_what_is_brighter_than_the_plate_saturates_at_white():
    assert (picture(albedo=1.4) == 255).all()


def test_missing_frames_are_refused():
    zones, room = frames()
    image = ColourImage(CALIBRATION)
    for zone in zones:
        image.add(zone, EXPOSURE_US)
    with pytest.raises(ReconstructionError, match="ambient"):
        image.picture()
    image.reset()
    image.add_ambient(room, EXPOSURE_US)
    for zone in zones[:3]:
        image.add(zone, EXPOSURE_US)
    with pytest.raises(ReconstructionError, match="3 zone frames came"):
        image.picture()
    image.add(zones[3], EXPOSURE_US)
    image.picture()


def test_a_picture_after_reset_is_the_same():
    zones, room = frames(albedo=0.5)
    image = ColourImage(CALIBRATION)
    pictures = []
    for _ in range(2):
        image.reset()
        image.add_ambient(room, EXPOSURE_US)
        for zone in zones:
            image.add(zone, EXPOSURE_US)
        pictures.append(image.picture())
    np.testing.assert_array_equal(*pictures)
