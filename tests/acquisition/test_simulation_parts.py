"""Simulated parts look like parts, differ from one another, and their defects are where they are said to be."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from acquisition.simulation.bench import Bench
from acquisition.simulation.feeder import PartFeeder
from acquisition.simulation.parts import PART_KINDS, Pose, part_kind, random_pose
from acquisition.simulation.truth import defect_mask, truth_of
from rig_configs.errors import NotFound
from rig_configs.files import load_rig

# Real-IAD D³, Table A1: length, width, height in mm. Length lies along x, height along z.
SIZES_MM = {
    "humidity_sensor": (23, 8, 3),
    "fuse_holder": (27, 10, 7),
    "ferrite_bead": (23, 10, 10),
    "lego_pin_connector_plate": (15, 8, 3),
    "fork_crimp_terminal": (22, 5, 5),
    "purple_clay_pot": (20, 20, 8),
    "ethernet_connector": (17, 13, 10),
    "miniature_lifting_motor": (23, 20, 4),
    "dc_power_connector": (25, 22, 7),
    "lego_propeller": (25, 25, 10),
    "limit_switch": (17, 8, 6),
    "headphone_jack_socket": (18, 9, 5),
    "audio_jack_socket": (15, 12, 15),
    "connector_housing_female": (15, 12, 5),
    "common_mode_filter": (10, 10, 12),
    "lattice_block_plug": (16, 12, 15),
    "knob_cap": (7, 7, 5),
    "telephone_spring_switch": (23, 14, 10),
    "power_jack": (15, 12, 17),
    "crimp_st_cable_mount_box": (15, 10, 15),
}
EVERY_DEFECT = [(kind.name, defect) for kind in PART_KINDS.values() for defect in kind.defects]
# Rendering is slow: every kind once, and its defects in turn.
ONE_DEFECT_OF_A_KIND = [(kind.name, kind.defects[i % len(kind.defects)]) for i, kind in enumerate(PART_KINDS.values())]
SIMPLEST_KINDS = ("fork_crimp_terminal", "connector_housing_female")
# How far from its mask a defect can show: its own shadow, or the light that now falls where its shadow was; mm.
REACH_MM = {"scratch": 0.5, "deformation": 2.5, "stain": 0.4, "missing_part": 6.0}


def patches_mm2(mask):
    return cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=4)[2][1:, cv2.CC_STAT_AREA] * 0.04**2


@pytest.fixture(scope="module")
def bench() -> Bench:
    rig = load_rig("demo")
    return Bench(rig.model_copy(update={"camera": rig.camera.model_copy(update={"width_px": 342, "height_px": 228})}))


def test_the_papers_20_parts_can_have_its_69_defects():
    assert set(PART_KINDS) == set(SIZES_MM)
    assert len(EVERY_DEFECT) == 69


@pytest.mark.parametrize("name", PART_KINDS)
def test_parts_have_the_papers_sizes(name):
    height = part_kind(name).make(3).body.height_mm
    rows, columns = np.nonzero(height > 0)
    found = np.ptp(columns) * 0.04, np.ptp(rows) * 0.04, height.max()
    np.testing.assert_allclose(found, SIZES_MM[name], rtol=0.1)


@pytest.mark.parametrize("name", PART_KINDS)
def test_the_same_seed_makes_the_same_part_and_another_seed_a_like_one(name):
    first, again, other = (part_kind(name).make(seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.body.height_mm, again.body.height_mm)
    difference = np.abs(first.body.height_mm - other.body.height_mm)[(first.body.height_mm > 0) & (other.body.height_mm > 0)]
    assert 0 < np.median(difference) < 0.1


@pytest.mark.parametrize(("name", "defect"), EVERY_DEFECT)
def test_a_defect_changes_the_part_inside_its_mask_only(name, defect):
    for seed in range(4) if name in SIMPLEST_KINDS else (1, 17):
        good, bad = part_kind(name).make(seed), part_kind(name).make(seed, defect)
        mask, on = bad.defects.mask, good.body.height_mm > 0
        form = np.abs(np.maximum(good.body.height_mm, 0) - np.maximum(bad.body.height_mm, 0))
        colour = np.abs(good.body.albedo - bad.body.albedo).max(-1)
        changed = ((form > 0.02) | (colour > 0.02)) & on
        # Nothing but specks is left out, and nothing but gaps and slopes is taken in.
        assert patches_mm2(changed & ~mask).max(initial=0) < 0.02
        assert cv2.dilate(((form > 0.002) | (colour > 0.02)).astype(np.uint8), np.ones((9, 9)))[mask].all()
        assert patches_mm2(mask).min() >= 0.02
        assert 0.003 < bad.defect_share < 0.07
        assert not good.defects.mask.any()
        if defect == "stain":
            assert form.max() == 0
        elif defect == "shallow_dent":
            assert 0.008 < form.max() < 0.04
            assert colour.max() == 0
        else:
            assert form.max() > 0.08


@pytest.mark.parametrize(("name", "defect"), [pair for pair in EVERY_DEFECT if pair[0] in SIMPLEST_KINDS])
def test_a_defect_shows_in_the_frames_near_its_mask_and_nowhere_else(bench, name, defect):
    light = []
    for what in (None, defect):
        bench.place(part_kind(name).make(5, what).placed(Pose(0.3, -0.4, 3.0)))
        light.append(np.stack([bench.view.zone(z) for z in range(4)]))
    truth = truth_of(bench)
    changed = (np.abs(light[0] - light[1]) > 0.03 * np.maximum(light[0], light[1]).max()).any(0)
    mask = truth.defect_mask
    assert mask.any()
    assert changed[mask].mean() > 0.3
    distance_mm = cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, 5) * 40 / 342
    assert distance_mm[changed].max() < REACH_MM[defect]


@pytest.mark.parametrize(("name", "defect"), EVERY_DEFECT)
def test_the_camera_sees_every_defect(bench, name, defect):
    part = part_kind(name).make(7, defect)
    bench.place(part.placed(random_pose(np.random.default_rng(7))))
    seen = defect_mask(bench).sum() / bench.view.object_mask().sum()
    assert 0.5 * part.defect_share < seen < 2 * part.defect_share


@pytest.mark.parametrize(("name", "defect"), ONE_DEFECT_OF_A_KIND)
def test_a_defect_lies_open_to_the_camera_and_changes_its_light(bench, name, defect):
    light, truth = [], []
    for what in (None, defect):
        bench.place(part_kind(name).make(5, what).placed(Pose(0.3, -0.4, 3.0)))
        light.append(np.stack([bench.view.zone(z) for z in (0, 2)]))
        truth.append(truth_of(bench))
    mask = truth[1].defect_mask
    assert 0.002 < mask.sum() / truth[1].object_mask.sum() < 0.08
    changed = (np.abs(light[1] - light[0]) > 0.02 * np.maximum(light[0], light[1])).any(0)
    assert changed[mask].mean() > 0.2


def test_contacts_shine_like_metal_and_the_housing_does_not():
    placed = part_kind("lattice_block_plug").make(2).placed()
    plastic, metal = placed.meshes
    assert max(plastic.material.f0) < 0.1 < min(metal.material.f0)
    screw = np.hypot(metal.vertices_mm[metal.triangles][:, 0, 0], metal.vertices_mm[metal.triangles][:, 0, 1] - 2.2) < 1.2
    assert screw.any()


def test_the_table_of_parts_in_the_docs_is_that_of_the_software():
    text = (Path(__file__).parents[2] / "docs" / "parts.md").read_text("utf-8")
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("| `")]
    told = {name.strip("`"): (size, defects) for name, size, defects in (row for row in rows if len(row) == 3)}
    assert told == {
        kind.name: (" × ".join(map(str, SIZES_MM[kind.name])), ", ".join(d.replace("_", " ") for d in kind.defects)) for kind in PART_KINDS.values()
    }


def test_the_mask_follows_the_parts_pose(bench):
    part = part_kind("connector_housing_female").make(8, "stain")
    centres = []
    for x in (-0.8, 0.8):
        bench.place(part.placed(Pose(x, 0.0, 0.0)))
        truth = truth_of(bench)
        centres.append(truth.xyz_mm[truth.defect_mask].mean(0))
    np.testing.assert_allclose(centres[1] - centres[0], (1.6, 0, 0), atol=0.05)


def test_an_unknown_part_or_defect_is_told_with_the_known_ones():
    with pytest.raises(NotFound, match="fork_crimp_terminal, connector_housing_female") as missing:
        part_kind("gearbox")
    assert missing.value.code == "not_found.part"
    with pytest.raises(NotFound, match="scratch, deformation"):
        part_kind("fork_crimp_terminal").make(1, "rust")


def test_the_feeder_feeds_the_same_parts_for_a_seed_and_its_share_of_defects(bench):
    feeders = [PartFeeder(bench, "fork_crimp_terminal", seed=4, defect_share=0.5) for _ in range(2)]
    fed = [[(p.seed, p.defect) for p in (feeder.place_next() for _ in range(8))] for feeder in feeders]
    assert fed[0] == fed[1]
    defects = [defect for _, defect in fed[0]]
    assert 1 <= sum(d is not None for d in defects) <= 7
    assert len({seed for seed, _ in fed[0]}) == 8
    assert bench.placed is not None
    assert bench.placed.name == "fork_crimp_terminal"


def test_a_hand_lays_parts_within_the_nest():
    poses = [random_pose(np.random.default_rng(seed)) for seed in range(50)]
    assert max(abs(p.x_mm) for p in poses) <= 0.8
    assert max(abs(p.angle_deg) for p in poses) <= 5
    assert np.std([p.angle_deg for p in poses]) > 1
