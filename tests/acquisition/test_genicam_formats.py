"""Unpacking a camera's bytes, against a reference that reads them bit by bit."""

from __future__ import annotations

import numpy as np
import pytest
from harvesters.util.pfnc import dict_by_names
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from acquisition.drivers.genicam_formats import FrameCounter, unpack, wire_format
from acquisition.pixel_formats import rgb
from acquisition.simulation.gentl.packing import pack
from rig_configs.cameras import PixelFormat, WireFormat
from rig_configs.errors import FrameFault


def bit_by_bit(raw: bytes, wire: WireFormat, count: int) -> list[int]:
    """The values by PFNC's own words: a stream of bits, least significant first; unpacked formats in whole bytes, little-endian."""
    bits = "".join(f"{byte:08b}"[::-1] for byte in raw)
    step = 8 if wire.pixel_format.is_rgb else wire.bits_per_pixel
    return [int(bits[i * step : (i + 1) * step][::-1], 2) for i in range(count)]


@settings(deadline=None, max_examples=200)  # the first example of each format compiles its kernel
@given(st.data(), st.sampled_from(list(WireFormat)), st.integers(1, 7), st.integers(1, 9))
def test_every_format_is_read_as_its_bits_say(data: st.DataObject, wire: WireFormat, height: int, width: int) -> None:
    seen = wire.pixel_format
    shape = (height, width, 3) if seen.is_rgb else (height, width)
    dtype = np.uint8 if seen.bits == 8 else np.uint16
    pixels = data.draw(hnp.arrays(dtype, shape, elements=st.integers(0, seen.full_scale_dn)))
    out = np.full(pixels.size * 2 + 8, 0xAA, np.uint8)
    size = pack(pixels, seen, wire, out)
    assert bit_by_bit(out[:size].tobytes(), wire, pixels.size) == pixels.reshape(-1).tolist()
    read = unpack(out.tobytes(), wire, height, width)
    assert read.dtype == dtype
    assert read.shape == shape
    np.testing.assert_array_equal(read, pixels)


def test_pixels_outlive_the_buffer_they_came_in() -> None:
    for wire in (WireFormat.MONO8, WireFormat.MONO12, WireFormat.MONO12P):
        buffer = np.arange(64, dtype=np.uint8)
        read = unpack(buffer, wire, 4, 4)
        before = read.copy()
        buffer[:] = 0xFF
        np.testing.assert_array_equal(read, before)
        assert read.flags.writeable


@pytest.mark.parametrize("wire", [WireFormat.MONO8, WireFormat.MONO10P, WireFormat.MONO12P, WireFormat.RGB8])
def test_a_buffer_that_is_too_short_is_refused(wire: WireFormat) -> None:
    size = (5 * 5 * wire.bits_per_pixel + 7) // 8
    unpack(bytes(size), wire, 5, 5)
    with pytest.raises(FrameFault) as caught:
        unpack(bytes(size - 1), wire, 5, 5)
    assert caught.value.code == "device.frame_fault.short"


def test_formats_have_the_numbers_of_the_convention() -> None:
    assert {wire.value: wire.pfnc for wire in WireFormat} == {wire.value: dict_by_names[wire.value] for wire in WireFormat}
    assert wire_format(dict_by_names["BayerGB12p"]) is WireFormat.BAYER_GB12P
    assert wire_format(dict_by_names["YUV422_8"]) is None


@pytest.mark.parametrize("letters", ["RG", "GB", "GR", "BG"])
def test_the_mosaic_gives_the_colours_of_its_letters(letters: str) -> None:
    colour = {"R": 200, "G": 100, "B": 50}
    second = {"RG": "GB", "GB": "RG", "GR": "BG", "BG": "GR"}[letters]
    cell = np.array([[colour[c] for c in letters], [colour[c] for c in second]], np.uint8)
    assert rgb(np.tile(cell, (4, 4)), PixelFormat(f"Bayer{letters}8"))[3, 3].tolist() == [200, 100, 50]


@given(st.integers(1, 0xFFFF), st.lists(st.integers(1, 200), max_size=30), st.booleans())
def test_frame_ids_rise_by_what_they_rose_across_the_wrap(first: int, steps: list[int], skips_zero: bool) -> None:
    counter = FrameCounter(skips_zero)
    lap = 0xFFFF if skips_zero else 0x10000
    total, before = first, counter.unwrap(first)
    for step in steps:
        total += step
        now = counter.unwrap((total - 1) % lap + 1 if skips_zero else total % lap)
        assert now - before == step
        before = now


def test_a_frame_that_comes_again_does_not_look_like_a_lap() -> None:
    counter = FrameCounter(skips_zero=False)
    assert [counter.unwrap(i) for i in (70000, 70001, 70001, 70000)] == [70000, 70001, 70001, 70000]
