"""The sensor obeys the photon-transfer model in every format and at every gain, and the station takes every format's frames."""

import cv2
import numpy as np
import pytest

from acquisition import pixel_formats
from acquisition.capture import Capture, CaptureWriter
from acquisition.drivers.simulated import open_simulated
from acquisition.rig import Rig
from acquisition.sequence import AmbientStep, Sequence, ZoneStep
from acquisition.simulation import artefacts
from acquisition.simulation.bench import Bench
from acquisition.simulation.optics import BAYER_RESPONSE
from acquisition.simulation.sensor import Sensor
from rig_configs.cameras import SIMULATED_FORMATS, PixelFormat
from rig_configs.simulation import SensorNoise
from tests.acquisition.ideal_rig import BLACK_DN, ideal_rig

NOISE = SensorNoise(full_well_e=12000, read_noise_e=6, black_level_dn=64)
UNEVEN = NOISE.model_copy(update={"prnu_percent": 1.2, "dsnu_e": 15.0})
SIZE = (400, 500)


def flat_frames(sensor: Sensor, share: float, count: int, start: int = 1) -> np.ndarray:
    light = np.full(SIZE, share * 100, np.float32)  # full wells a second, for 10 ms
    return np.stack([sensor.digitise(light, 10_000, 3, start + i) for i in range(count)]).astype(np.float64)


@pytest.mark.parametrize("gain_db", [0.0, 6.0, 12.0])
@pytest.mark.parametrize("noise", [NOISE, UNEVEN], ids=["even", "uneven"])
def test_variance_against_mean_is_a_line_of_the_gain(noise, gain_db):
    sensor = Sensor(noise, PixelFormat.MONO12, gain_db, 1)
    top = 10 ** (-gain_db / 20)
    means, variances = [], []
    for i, share in enumerate(np.linspace(0.05, 0.85, 9) * top):
        a, b = flat_frames(sensor, share, 2, 1 + 2 * i)
        means.append((a.mean() + b.mean()) / 2 - 64)
        variances.append((a - b).var() / 2)
    slope, offset = np.polyfit(means, variances, 1)
    gain = (4095 - 64) / 12000 * 10 ** (gain_db / 20)
    assert sensor.gain == pytest.approx(gain)
    assert slope == pytest.approx(gain, rel=0.03)
    residual = np.array(variances) - slope * np.array(means) - offset
    assert np.abs(residual).max() < 0.03 * max(variances)


def test_a_single_frames_variance_shows_the_fixed_pattern_and_differencing_takes_it_away():
    sensor = Sensor(UNEVEN, PixelFormat.MONO12, 0.0, 1)
    frames = flat_frames(sensor, 0.7, 24)
    mean = frames.mean() - 64
    temporal = (frames[0] - frames[1]).var() / 2
    spatial = frames.mean(0).var() - temporal / len(frames)
    dark = flat_frames(sensor, 0.0, 24, 100)
    dark_spatial = dark.mean(0).var() - (dark[0] - dark[1]).var() / 2 / len(dark)
    assert np.sqrt(dark_spatial) / sensor.gain == pytest.approx(15.0, rel=0.1)
    assert np.sqrt(spatial - dark_spatial) / mean == pytest.approx(0.012, rel=0.1)
    assert frames[0].var() > temporal + 0.8 * (0.012 * mean) ** 2
    other = flat_frames(Sensor(UNEVEN, PixelFormat.MONO12, 0.0, 2), 0.7, 12, 200)
    own, again = frames[:12].mean(0) - 64 - mean, frames[12:].mean(0) - 64 - mean
    assert np.corrcoef(own.ravel(), again.ravel())[0, 1] > 0.8  # the pattern is the sensor's
    assert abs(np.corrcoef(own.ravel(), other.mean(0).ravel())[0, 1]) < 0.02


def test_six_decibels_double_the_numbers_and_halve_the_well_that_shows():
    plain, louder = (Sensor(NOISE, PixelFormat.MONO12, db, 1) for db in (0.0, 20 * np.log10(2)))
    assert flat_frames(louder, 0.3, 1).mean() - 64 == pytest.approx(2 * (flat_frames(plain, 0.3, 1).mean() - 64), rel=2e-3)
    assert (flat_frames(louder, 0.56, 1) == 4095).all()
    assert (flat_frames(plain, 0.56, 1) < 4095).all()


@pytest.mark.parametrize("pixel_format", SIMULATED_FORMATS)
def test_every_format_has_its_depth_shape_and_full_scale(pixel_format):
    bench = Bench(ideal_rig(96, pixel_format=pixel_format, noise={"black_level_dn": 4.0}))
    bench.place(artefacts.white_plate())
    bench.set_zone(0)
    frame = bench.expose(6000).pixels
    assert frame.shape == ((64, 96, 3) if pixel_format is PixelFormat.RGB8 else (64, 96))
    assert frame.dtype == (np.uint8 if pixel_format.value.endswith("8") else np.uint16)
    assert pixel_format.full_scale_dn == {"8": 255, "0": 1023, "2": 4095}[pixel_format.value[-1]]
    clipped = bench.expose(1e6).pixels
    assert (clipped == pixel_format.full_scale_dn).all()
    assert pixel_formats.saturated(clipped, pixel_format).shape == (64, 96)
    assert pixel_formats.saturated(clipped, pixel_format).all()
    assert not pixel_formats.saturated(frame, pixel_format).any()
    colour = pixel_formats.rgb(frame, pixel_format)
    assert colour.shape == (64, 96, 3)
    assert pixel_formats.luminance(colour).shape == (64, 96)


def test_a_grey_plate_is_as_bright_in_every_format():
    means = {}
    for pixel_format in SIMULATED_FORMATS:
        black = 4.0
        bench = Bench(ideal_rig(96, pixel_format=pixel_format, noise={"black_level_dn": black, "full_well_e": 1e7}))
        bench.place(artefacts.white_plate())
        bench.set_zone(0)
        frame = bench.expose(6000).pixels
        colour = (pixel_formats.rgb(frame, pixel_format)[8:-8, 8:-8].mean((0, 1)) - black) / (pixel_format.full_scale_dn - black)
        filters = (1.0, 1.0, 1.0) if pixel_format.value.startswith("Mono") else BAYER_RESPONSE
        means[pixel_format] = colour / filters
    np.testing.assert_allclose(np.stack(list(means.values())) / means[PixelFormat.MONO12], 1, rtol=5e-3)


def test_one_clipped_colour_makes_an_rgb_pixel_clipped():
    frame = np.full((4, 5, 3), 200, np.uint8)
    frame[1, 2, 2] = 255
    found = pixel_formats.saturated(frame, PixelFormat.RGB8)
    assert found.sum() == 1
    assert found[1, 2]
    assert pixel_formats.rgb(frame, PixelFormat.RGB8) is frame


def test_rgb_frames_pass_the_rig_and_come_back_from_a_capture(tmp_path):
    config = ideal_rig(96, pixel_format=PixelFormat.RGB8, noise={"black_level_dn": 4.0})
    camera, lights, projectors, bench = open_simulated(config)
    bench.place(artefacts.white_plate())
    rig = Rig(config, camera, lights, projectors)
    sequence = Sequence((AmbientStep(exposure_us=8000), ZoneStep(zone=0, exposure_us=8000)), ((), (), (), ()))
    with CaptureWriter(tmp_path / "capture") as writer:
        frames = list(writer.write(rig.scan(sequence)))
        writer.finish(rig=config, rig_sha256="0", calibration_id=None, calibration_sha256=None)
    rig.close()
    for frame, saved in zip(frames, Capture(tmp_path / "capture").frames(), strict=True):
        assert frame.pixels.shape == (64, 96, 3)
        np.testing.assert_array_equal(saved.pixels, frame.pixels)
    written = cv2.imread(str(tmp_path / "capture" / "zone0.tiff"), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(written[..., ::-1], frames[1].pixels)  # a colour picture to any viewer


def test_exposure_scales_the_light_and_not_the_black():
    bench = Bench(ideal_rig(96))
    bench.place(artefacts.white_plate())
    bench.set_zone(1)
    short, long = (bench.expose(us).pixels.mean() - BLACK_DN for us in (2000, 8000))
    assert long == pytest.approx(4 * short, rel=2e-3)
    assert bench.expose(0.001).pixels.mean() == pytest.approx(BLACK_DN, abs=0.1)
