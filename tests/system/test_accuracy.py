"""What the station measures, with a calibration made of simulated captures, against what was really there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from small_rig import calibrate_small_rig, write_small_rig

from acquisition.simulation.feeder import PartFeeder
from acquisition.simulation.guide import BenchGuide
from acquisition.simulation.truth import Truth, truth_of
from api.acceptance import AcceptanceTest, Artefact, scalars
from api.calibrating import Calibrator
from api.composition import OpenStation, open_rig, open_station
from api.reconstruction import Reconstruction
from api.reports.acceptance import write_acceptance_report
from rig_configs.calibration import Calibration
from rig_configs.files import SHIPPED, load_calibration, load_rig

HOUSING = "connector_housing_female"
TERMINAL = "fork_crimp_terminal"


def height_error_um(result: Reconstruction, truth: Truth) -> np.ndarray:
    seen = truth.object_mask & result.points.valid
    return 1e3 * (result.points.xyz_mm[..., 2] - truth.xyz_mm[..., 2])[seen]


def tilt_error_deg(result: Reconstruction, truth: Truth) -> np.ndarray:
    # Only where every zone reaches: a shadow is the drop rule's business, tested in its own room.
    lit = truth.object_mask & result.photometric.valid & np.all(truth.visible_from_zone, axis=0)
    cosine = np.sum(result.photometric.normals * truth.normals, axis=-1)[lit]
    return np.degrees(np.arccos(np.clip(cosine, -1, 1)))


@pytest.fixture(scope="module")
def station(tmp_path_factory: pytest.TempPathFactory):
    opened = open_station("demo", tmp_path_factory.mktemp("data"), automatic_hand=False)
    yield opened
    opened.station.close()


@pytest.mark.parametrize("kind", [TERMINAL, HOUSING])
def test_heights_are_true_to_micrometres(station: OpenStation, kind: str) -> None:
    assert station.bench is not None
    PartFeeder(station.bench, kind).place(None, seed=31)
    result = station.station.reconstruct()
    error_um = height_error_um(result, truth_of(station.bench))
    assert abs(np.median(error_um)) < 1
    assert np.median(np.abs(error_um)) < 5
    assert np.percentile(np.abs(error_um), 95) < 20


def test_normals_of_matt_plastic_are_true_to_a_degree_and_a_half(station: OpenStation) -> None:
    assert station.bench is not None
    PartFeeder(station.bench, HOUSING).place(None, seed=31)
    result = station.station.reconstruct()
    assert np.median(tilt_error_deg(result, truth_of(station.bench))) < 1.5


def test_the_point_cloud_covers_what_a_projector_can_see(station: OpenStation) -> None:
    assert station.bench is not None
    PartFeeder(station.bench, TERMINAL).place(None, seed=31)
    result = station.station.reconstruct()
    truth = truth_of(station.bench)
    visible = truth.object_mask & np.any(truth.visible_from_projector, axis=0)
    # On a wall seen at a glance a pixel mixes what lies above with what lies below: such points are left out rather than made up.
    wall = truth.normals[..., 2] < 0.5
    assert result.points.valid[visible & ~wall].mean() > 0.999
    assert result.points.valid[visible].mean() > 0.96
    # The part is found where it is, to a pixel or two at its rim.
    overlap = np.sum(result.foreground & truth.object_mask) / np.sum(result.foreground | truth.object_mask)
    assert overlap > 0.97


@pytest.fixture(scope="module")
def self_calibrated(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Calibration]:
    """A smaller rig of another build, calibrated from nothing but its own simulated captures."""
    folder = write_small_rig(tmp_path_factory.mktemp("rig"), "small", 684, seed=23)
    told: list[float] = []
    calibration = calibrate_small_rig(folder, lambda share, _: told.append(share))
    assert told == sorted(told)
    assert told[-1] == 1
    return folder, calibration


def test_a_rig_calibrates_itself_from_captures_alone(self_calibrated: tuple[Path, Calibration]) -> None:
    folder, calibration = self_calibrated
    residuals = calibration.residuals
    assert residuals.camera_rms_px < 0.1
    assert residuals.projector_rms_px < 0.2
    assert residuals.held_out_rms_um < 10
    assert residuals.light_rms_deg < 1
    assert residuals.flat_field_rms_percent < 1
    assert calibration.black_level_dn == pytest.approx(64, abs=2)
    assert calibration.is_simulated
    assert load_calibration(folder) == calibration


def test_what_a_self_calibrated_rig_measures_is_true(self_calibrated: tuple[Path, Calibration], tmp_path: Path) -> None:
    opened = open_station(self_calibrated[0], tmp_path, automatic_hand=False)
    assert opened.bench is not None
    PartFeeder(opened.bench, HOUSING).place(None, seed=2)
    result = opened.station.reconstruct()
    truth = truth_of(opened.bench)
    opened.station.close()
    assert np.median(np.abs(height_error_um(result, truth))) < 8
    assert np.median(tilt_error_deg(result, truth)) < 1.5
    for zone, true in zip(self_calibrated[1].zones, truth.rig.zones, strict=True):
        a, b = np.array(zone.position_mm), np.array(true.position_mm)
        angle = np.degrees(np.arccos(a @ b / np.linalg.norm(a) / np.linalg.norm(b)))
        assert angle < 1
    gammas = [p.gamma for p in truth.rig.projectors]
    assert np.ptp(gammas) > 0.03
    np.testing.assert_allclose([p.gamma for p in self_calibrated[1].projectors], gammas, atol=0.01)


def test_a_calibration_that_holds_is_said_to_hold_and_a_projector_that_moved_is_named(self_calibrated: tuple[Path, Calibration]) -> None:
    folder, calibration = self_calibrated
    config = load_rig(folder)
    opened = open_rig(config, folder, noise_seed=8)
    assert opened.bench is not None
    calibrator = Calibrator(opened.rig, BenchGuide(opened.bench, config, 6))
    drift = calibrator.check(calibration)
    assert drift.holds
    assert drift.drifted == ()
    # The plate itself defines z = 0, so that a board that is not flat to a micrometre does not.
    assert abs(drift.plate_um) < 0.3
    assert drift.plate_tilt_mrad < 0.02
    # The rig moved, seen from the calibration: one projector stands 30 µm from where it was.
    x, y, z = calibration.projectors[2].translation_mm
    moved = calibration.projectors[2].model_copy(update={"translation_mm": (x + 0.03, y, z)})
    before = calibration.model_copy(update={"projectors": (*calibration.projectors[:2], moved, calibration.projectors[3])})
    drift = calibrator.check(before)
    opened.rig.close()
    assert not drift.holds
    assert drift.drifted == (2,)


def test_lights_alone_are_calibrated_without_touching_the_geometry(self_calibrated: tuple[Path, Calibration]) -> None:
    folder, calibration = self_calibrated
    config = load_rig(folder)
    opened = open_rig(config, folder, noise_seed=9)
    assert opened.bench is not None
    again = Calibrator(opened.rig, BenchGuide(opened.bench, config, 7)).lights(calibration)
    opened.rig.close()
    assert again.camera == calibration.camera
    assert again.projectors == calibration.projectors
    assert again.calibration_id != calibration.calibration_id
    assert again.residuals.held_out_rms_um == calibration.residuals.held_out_rms_um
    for new, old in zip(again.zones, calibration.zones, strict=True):
        assert new != old
        np.testing.assert_allclose(new.position_mm, old.position_mm, atol=3)
        np.testing.assert_allclose(new.flat_field_dn_per_ms(9, 6), old.flat_field_dn_per_ms(9, 6), rtol=0.03)  # lamps drift by half a per cent


def test_the_rig_is_accepted_with_the_calibration_it_made_itself(self_calibrated: tuple[Path, Calibration], tmp_path: Path) -> None:
    folder, calibration = self_calibrated
    config = load_rig(folder)
    opened = open_rig(config, folder, noise_seed=10)
    assert opened.bench is not None
    told: list[float] = []
    test = AcceptanceTest(opened.rig, calibration, BenchGuide(opened.bench, config, 8), lambda share, _: told.append(share))
    result = test.run(tuple(Artefact), {Artefact.PLANE: 2, Artefact.SPHERE: 1, Artefact.STEP: 1}, repeats=10)
    opened.rig.close()
    figures = result.figures(calibration, True, 8.0, 20.0, 2.0)
    measured = dict(scalars(figures))
    assert measured["plane sigma_um"] < 3
    assert measured["sphere form_um"] < 4
    assert abs(measured["sphere size_error_um"]) < 4
    assert abs(measured["sphere spacing_error_um"]) < 4
    assert abs(measured["step error_um"]) < 2
    assert 0.9 < measured["predicted_over_measured"] < 1.1
    assert measured["completeness"] > 0.99
    assert measured["outlier_rate"] < 0.003
    assert told == sorted(told)
    report = write_acceptance_report(tmp_path / "acceptance.html", config, calibration, result, figures).read_text()
    assert report.count("data:image/png") == 1
    assert calibration.calibration_id in report


def test_the_shipped_calibration_is_not_the_truth() -> None:
    """It was computed from captures, so it is close to what was built, and never equal to it."""
    shipped = load_calibration("demo")
    config = load_rig("demo")
    opened = open_rig(config, SHIPPED / "demo")
    assert opened.bench is not None
    lens = opened.bench.truth.camera.lens
    opened.rig.close()
    assert shipped.camera.fx_px != lens.K[0, 0]
    assert shipped.camera.fx_px == pytest.approx(lens.K[0, 0], rel=2e-3)
    assert shipped.residuals.held_out_rms_um > 0
