"""A DLP projector shows exactly what it was given, refuses what it cannot show, and keeps to its trigger lines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from dlp_cell import SIZES, Pattern, Screen, config_of, fringe, some_patterns

from acquisition.devices import Projector
from acquisition.drivers import dlpc350
from acquisition.drivers.dlp_planes import flash_images
from acquisition.drivers.dlp_projector import DlpProjector
from acquisition.simulation.dlp_controllers import EmulatedDlpc350, EmulatedDlpc900
from acquisition.simulation.dlp_controllers.peer import Peer
from rig_configs.errors import DeviceUnavailable, RigFileError


def test_every_loaded_pattern_is_shown_bit_for_bit_in_any_order(projector: Projector, patterns: list[Pattern], screen: Screen) -> None:
    projector.load(patterns)
    assert screen.lit is None
    for i in (3, 0, 1, 4, 2, 2):
        projector.show(i)
        np.testing.assert_array_equal(screen.lit, patterns[i])
    projector.dark()
    assert screen.lit is None


def test_the_two_controllers_of_a_9000_each_get_their_half(screen: Screen) -> None:
    patterns = some_patterns(SIZES["dlpc900 dual"])[:2]
    with EmulatedDlpc900(2560, 1600, screen.show) as peer:
        projector = DlpProjector(config_of("dlpc900 dual", peer.address))
        projector.load(patterns)
        projector.show(1)
        np.testing.assert_array_equal(screen.lit, patterns[1])
        projector.close()
        assert screen.lit is None


def test_a_dlpc350_is_given_time_to_take_another_image_from_flash_and_no_time_for_the_same(
    peer350: EmulatedDlpc350, flash: Path, flash_waits: list[float]
) -> None:
    projector = DlpProjector(config_of("dlpc350", peer350.address, flash / "manifest.json"))
    projector.load(some_patterns(SIZES["dlpc350"]))
    counts: list[int] = []
    for i in (0, 1, 4, 3, 0):  # 3 and 4 are in the second image
        projector.show(i)
        counts.append(len(flash_waits))
    assert counts == [1, 1, 2, 2, 3]
    assert all(0 < wait <= dlpc350.FLASH_LOAD_S for wait in flash_waits)
    projector.close()


def test_fringes_that_no_line_repeats_are_shown_bit_for_bit_too(peer900: EmulatedDlpc900, screen: Screen) -> None:
    projector = DlpProjector(config_of("dlpc900", peer900.address))
    pattern = np.stack([np.roll(row, 3 * y) for y, row in enumerate(fringe(SIZES["dlpc900"], 2))])
    projector.load([pattern])
    projector.show(0)
    np.testing.assert_array_equal(screen.lit, pattern)
    assert peer900.uploaded_bytes > 5e6
    projector.close()


def test_vertical_fringes_upload_as_little_more_than_one_line(peer900: EmulatedDlpc900) -> None:
    projector = DlpProjector(config_of("dlpc900", peer900.address))
    projector.load([fringe(SIZES["dlpc900"], phase) for phase in (0, 2, 4)])
    assert peer900.uploaded_bytes < 1920 * 3 + 1080 * 8
    projector.close()


def test_it_tells_what_it_is(projector: Projector, patterns: list[Pattern], kind: str) -> None:
    projector.load(patterns)
    info = projector.info
    assert (info.kind, info.name, info.model) == ("projector", "north", f"Texas Instruments {kind.upper()}")
    assert info.details["firmware"] == {"dlpc350": "4.4.1", "dlpc900": "5.1.0"}[kind]
    assert (info.details["running"], info.details["patterns"]) == ("no", "5")


def test_closing_leaves_it_dark_and_may_be_done_twice(projector: Projector, patterns: list[Pattern], screen: Screen) -> None:
    projector.load(patterns)
    projector.show(0)
    projector.close()
    projector.close()
    assert screen.lit is None


def test_dark_before_anything_else_turns_a_projector_off_that_somebody_left_on(kind: str, peer: Peer, projector: Projector) -> None:
    projector.dark()
    assert peer.read(0x1A07) == b"\x00"
    peer.write(0x1A07, b"\x08")
    projector.dark()
    assert peer.read(0x1A07) == b"\x00"


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ([np.zeros((8, 8), np.uint8)], "pattern 0 is"),
        ([np.zeros((1080, 1920), np.float32)], "float32"),
        ([], "there are none"),
    ],
)
def test_patterns_that_it_cannot_show_are_refused(peer900: EmulatedDlpc900, wrong: list[Any], words: str) -> None:
    projector = DlpProjector(config_of("dlpc900", peer900.address))
    with pytest.raises(DeviceUnavailable, match=words) as caught:
        projector.load(wrong)
    assert caught.value.code == "device.unavailable.pattern_refused"


def test_a_projector_set_up_for_black_and_white_refuses_grey(peer900: EmulatedDlpc900) -> None:
    grey, binary, *_ = some_patterns(SIZES["dlpc900"])
    projector = DlpProjector(config_of("dlpc900", peer900.address, bit_depth=1, exposure_us=200, period_us=200))
    projector.load([binary])
    with pytest.raises(DeviceUnavailable, match="pattern 1 is grey"):
        projector.load([binary, grey])
    projector.close()


def test_more_planes_than_its_memory_holds_are_refused(peer900: EmulatedDlpc900) -> None:
    grey = fringe(SIZES["dlpc900"], 0)
    projector = DlpProjector(config_of("dlpc900", peer900.address))
    with pytest.raises(DeviceUnavailable, match="400 bit planes"):
        projector.load([grey] * 51)
    projector.close()


def test_only_what_is_in_a_dlpc350s_flash_is_shown(peer350: EmulatedDlpc350, flash: Path) -> None:
    projector = DlpProjector(config_of("dlpc350", peer350.address, flash / "manifest.json"))
    patterns = some_patterns(SIZES["dlpc350"])
    patterns[1] = fringe(SIZES["dlpc350"], 1.0)
    with pytest.raises(DeviceUnavailable, match=r"1 of 5 are not in its flash \(the first is pattern 1\).*flash_images") as caught:
        projector.load(patterns)
    assert caught.value.code == "device.unavailable.not_in_flash"
    projector.close()


def test_a_flash_with_fewer_images_than_the_manifest_names_is_refused(screen: Screen, flash: Path) -> None:
    with EmulatedDlpc350([np.zeros((1140, 912, 3), np.uint8)], screen.show) as peer:
        projector = DlpProjector(config_of("dlpc350", peer.address, flash / "manifest.json"))
        with pytest.raises(DeviceUnavailable, match="its flash holds 1 images, the manifest needs 2"):
            projector.load(some_patterns(SIZES["dlpc350"]))
        projector.close()


def test_a_missing_manifest_is_told_with_its_cure(peer350: EmulatedDlpc350, tmp_path: Path) -> None:
    projector = DlpProjector(config_of("dlpc350", peer350.address, tmp_path / "manifest.json"))
    with pytest.raises(RigFileError, match="flash_manifest"):
        projector.load(some_patterns(SIZES["dlpc350"]))
    projector.close()


@pytest.mark.parametrize("index", [-1, 5])
def test_a_pattern_that_is_not_loaded_is_refused(projector: Projector, patterns: list[Pattern], index: int) -> None:
    with pytest.raises(DeviceUnavailable, match="0 are loaded"):
        projector.show(0)
    projector.load(patterns)
    with pytest.raises(DeviceUnavailable, match="5 are loaded") as caught:
        projector.show(index)
    assert caught.value.code == "device.unavailable.no_such_pattern"


def driver_on(kind: str, peer: Peer, flash: Path, trigger: str) -> DlpProjector:
    return DlpProjector(config_of(kind, peer.address, flash / "manifest.json" if kind == "dlpc350" else None, trigger=trigger))


def test_camera_master_each_edge_on_the_trigger_line_shows_the_next_pattern(
    kind: str, peer: EmulatedDlpc350 | EmulatedDlpc900, flash: Path, patterns: list[Pattern], screen: Screen
) -> None:
    projector = driver_on(kind, peer, flash, "trig_in")
    projector.load(patterns)
    for i, pattern in enumerate(patterns):
        projector.show(i)
        peer.trigger_in()
        np.testing.assert_array_equal(screen.lit, pattern)
    with pytest.raises(DeviceUnavailable, match="in order: 5 is next, not 3") as caught:
        projector.show(3)
    assert caught.value.code == "device.unavailable.out_of_order"
    projector.dark()
    assert screen.lit is None
    projector.show(0)
    assert screen.lit is None
    projector.close()


def test_projector_master_plays_every_pattern_once_and_frames_each(kind: str, flash: Path, patterns: list[Pattern], screen: Screen) -> None:
    edges: list[int] = []
    emulated = {
        "dlpc350": lambda: EmulatedDlpc350.of_folder(flash, screen.show, lambda: edges.append(len(screen.seen))),
        "dlpc900": lambda: EmulatedDlpc900(1920, 1080, screen.show, lambda: edges.append(len(screen.seen))),
    }[kind]()
    with emulated as peer:
        projector = driver_on(kind, peer, flash, "trig_out")
        projector.load(patterns)
        projector.play(range(len(patterns)))
        screen.wait_for(2 * len(patterns))
        assert edges == [1, 3, 5, 7, 9]
        for lit, dark, pattern in zip(screen.seen[::2], screen.seen[1::2], patterns, strict=True):
            np.testing.assert_array_equal(lit, pattern)
            assert dark is None
        projector.close()


def test_flash_images_that_would_come_too_late_for_a_sequence_are_refused(screen: Screen, tmp_path: Path) -> None:
    patterns = [fringe(SIZES["dlpc350"], phase / 4) for phase in range(8)]  # three 24-bit images
    manifest = flash_images(patterns, tmp_path)
    with EmulatedDlpc350.of_folder(tmp_path, screen.show) as peer:
        projector = DlpProjector(config_of("dlpc350", peer.address, manifest, trigger="trig_out"))
        with pytest.raises(DeviceUnavailable, match="shown for 27 ms, and the next one takes 200 ms") as caught:
            projector.load(patterns)
        assert caught.value.code == "device.unavailable.timing"
        projector.close()
        slow = DlpProjector(config_of("dlpc350", peer.address, manifest, trigger="trig_out", period_us=70_000))
        slow.load(patterns)
        slow.close()
