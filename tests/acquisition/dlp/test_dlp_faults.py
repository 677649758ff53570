"""Whatever fails in a DLP projector or on its way is told by name, ends dark, and is over when its cause is."""

from __future__ import annotations

import numpy as np
import pytest
from dlp_cell import SIZES, Pattern, Screen, config_of, some_patterns

from acquisition.devices import Projector
from acquisition.drivers.dlp_projector import DlpProjector
from acquisition.simulation.dlp_controllers import EmulatedDlpc900
from acquisition.simulation.dlp_controllers.peer import Peer
from rig_configs.errors import DeviceUnavailable


def fail(peer: Peer, fault: str) -> None:
    match fault:
        case "refused":
            peer.refused.add(0x1A24)
        case "unplugged":
            peer.unplug()
        case _:
            setattr(peer, {"no_answer": "silent", "garbled": "garbled"}[fault], True)


def mend(peer: Peer, fault: str) -> None:
    if fault == "unplugged":
        peer.plug_in()
    peer.silent = peer.garbled = False
    peer.refused.clear()


@pytest.mark.parametrize("step", ["load", "show", "dark"])
@pytest.mark.parametrize("fault", ["refused", "no_answer", "garbled", "unplugged"])
def test_a_fault_at_any_step_is_named_and_the_projector_works_again_after(
    projector: DlpProjector, peer: Peer, patterns: list[Pattern], screen: Screen, fault: str, step: str
) -> None:
    few = patterns[1:2]
    projector.load(few)
    projector.show(0)
    fail(peer, fault)
    projector._talk._timeout_s = 0.05 if fault == "no_answer" else 1.5  # no need to wait long for what cannot come
    with pytest.raises(DeviceUnavailable) as caught:
        {"load": lambda: projector.load(few), "show": lambda: projector.show(0), "dark": projector.dark}[step]()
    assert caught.value.code == f"device.unavailable.{fault}"
    mend(peer, fault)
    projector._talk._timeout_s = 1.5
    projector.load(few)
    projector.show(0)
    np.testing.assert_array_equal(screen.lit, few[0])
    projector.close()
    assert screen.lit is None


def test_after_a_lost_link_patterns_must_be_loaded_again(projector: Projector, peer: Peer, patterns: list[Pattern]) -> None:
    projector.load(patterns[1:2])
    peer.unplug()
    with pytest.raises(DeviceUnavailable, match="went away"):
        projector.show(0)
    with pytest.raises(DeviceUnavailable, match="cannot be opened"):
        projector.dark()
    peer.plug_in()
    projector.dark()
    with pytest.raises(DeviceUnavailable, match="0 are loaded"):
        projector.show(0)


def test_closing_an_unplugged_projector_never_fails(projector: Projector, peer: Peer, patterns: list[Pattern]) -> None:
    projector.load(patterns[1:2])
    peer.unplug()
    projector.close()


def test_closing_turns_a_projector_dark_whose_link_was_lost_while_it_shone(
    projector: DlpProjector, peer: Peer, patterns: list[Pattern], screen: Screen
) -> None:
    projector.load(patterns[1:2])
    projector.show(0)
    peer.silent = True
    projector._talk._timeout_s = 0.05
    with pytest.raises(DeviceUnavailable, match="does not answer"):
        _ = projector.info
    peer.silent = False
    projector._talk._timeout_s = 1.5
    assert screen.lit is not None
    projector.close()
    assert screen.lit is None


def test_a_refusal_of_the_dlpc900_comes_with_its_reason(peer900: EmulatedDlpc900) -> None:
    projector = DlpProjector(config_of("dlpc900", peer900.address))
    projector.load(some_patterns(SIZES["dlpc900"])[1:2])
    peer900.write(0x1A31, bytes([1, 0, 1, 0, 0, 0]))  # somebody else reconfigures it, so its images are gone
    with pytest.raises(DeviceUnavailable, match="refuses command 0x1A24: what the parameter names is not there"):
        projector.show(0)
    projector.close()


def test_a_projector_that_reports_a_hardware_error_is_not_used(
    projector: Projector, peer: Peer, patterns: list[Pattern], monkeypatch: pytest.MonkeyPatch
) -> None:
    read = peer.read
    monkeypatch.setattr(peer, "read", lambda command: b"\x81" if command == 0x1A0A else read(command))
    with pytest.raises(DeviceUnavailable, match="the sequencer failed") as caught:
        projector.load(patterns[1:2])
    assert caught.value.code == "device.unavailable.hardware"


def test_leds_that_do_not_obey_are_told(projector: Projector, peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    read = peer.read
    monkeypatch.setattr(peer, "read", lambda command: b"\x08" if command == 0x1A07 else read(command))
    with pytest.raises(DeviceUnavailable, match="LED enable is 08, not 00") as caught:
        projector.dark()
    assert caught.value.code == "device.unavailable.not_confirmed"


def test_another_board_than_rig_yaml_names_is_refused(screen: Screen) -> None:
    with EmulatedDlpc900(2560, 1600, screen.show) as peer:
        projector = DlpProjector(config_of("dlpc900", peer.address))
        with pytest.raises(DeviceUnavailable, match="has 2560 x 1600 mirrors") as caught:
            _ = projector.info
        assert caught.value.code == "device.unavailable.wrong_device"
        projector.close()


def test_an_answer_that_comes_late_is_not_taken_for_the_next_one(projector: DlpProjector, monkeypatch: pytest.MonkeyPatch) -> None:
    projector.dark()
    link = projector._talk._opened()
    read = link.read
    late = [b"\xc0\x00\x01\x00\xff".ljust(64, b"\0")]
    monkeypatch.setattr(link, "read", lambda timeout_s: late.pop() if late else read(timeout_s))
    assert projector.info.details["running"] == "no"
    assert late == []
