"""Sockets, plugs and boxes with contacts, most of them stood up so that their mouths face the camera."""

from __future__ import annotations

import numpy as np

from acquisition.simulation.materials import GILT, GLOSSY_PLASTIC, MATT_PLASTIC, STEEL
from acquisition.simulation.modelling import Model
from acquisition.simulation.shapes import Body, box, smoothstep

BLACK = (0.055, 0.055, 0.06)
DEEP = (0.03, 0.03, 0.032)
WHITE = (0.66, 0.65, 0.61)
GREEN = (0.06, 0.33, 0.14)
METAL = STEEL.albedo
GOLD = GILT.albedo


def ethernet_connector(rng: np.random.Generator) -> Body:
    """17 × 13 × 10 mm: shielded RJ45 jack, mouth up, with its eight contacts, the latch's notch and two lamps."""
    m = Model(rng, 17, 13, BLACK)
    x, y = m.x, m.y
    m.add(box(x, y, -8.3, 8.3, -6.3, 6.3, 0.5), m.near(10), 0.2, METAL, inlay=True)
    for side in (-1, 1):
        m.add(box(x * side, y, 7.9, 8.6, -1.6, 1.6, 0.1), 8.6, 0.12, METAL, inlay=True)
    inner = m.near(7.6)
    m.cut(box(x, y, -inner, inner, -5.6, 5.6, 0.4), 9.6, 0.0)
    m.add(box(x, y, -inner, inner, -5.6, 5.6, 0.4), 9.6, 0.05, BLACK)
    m.cut(box(x, y, -5.9, 5.9, -4.6, 2.6, 0.3), 5.2, 0.25, DEEP)
    m.cut(box(x, y, -3.2, 3.2, 2.4, 3.9, 0.2), 5.2, 0.1, DEEP)
    m.cut(box(x, y, -1.7, 1.7, 3.7, 4.9, 0.2), 5.2, 0.1, DEEP)
    for k in range(8):
        at = (k - 3.5) * 1.02 + m.near(0) * 0.5
        m.add(box(x, y, at - 0.24, at + 0.24, -4.5, -0.2, 0.1), 6.2 + 1.7 * smoothstep((-y - 1) / 3), 0.1, GOLD, inlay=True, piece=True)
    for side, colour in ((-1, (0.55, 0.42, 0.05)), (1, (0.08, 0.45, 0.12))):
        m.add(box(x * side, y, 4.4, 7.2, 3.2, 5.3, 0.25), 9.85, 0.15, colour)
    return m.body(MATT_PLASTIC, STEEL)


def dc_power_connector(rng: np.random.Generator) -> Body:
    """25 × 22 × 7 mm: panel socket for a barrel plug: flange with two screw holes, round collar, spring contact and centre pin."""
    m = Model(rng, 25, 22, BLACK)
    x, y = m.x, m.y
    ears = np.maximum(np.hypot(np.maximum(np.abs(x) - 9.6, 0), y) - 2.9 - 0.48 * np.maximum(9.6 - np.abs(x), 0), np.abs(x) - 12.5)
    m.add(np.minimum(ears, m.disc(0, 0, 11)), m.near(2.4), 0.3)
    for side in (-1, 1):
        m.cut(m.disc(side * 10.4, 0, m.near(1.25)), 0.1, 0.35, DEEP)
    m.add(m.disc(0, 0, m.near(7.6)), m.near(6.9), 0.45)
    for turn in range(16):
        u, v = m.turned(turn * np.pi / 8)
        m.cut(box(u, v, 7.15, 8.4, -0.35, 0.35, 0.1), 2.5)
    m.add(np.abs(m.disc(0, 0, 5.6)) - 0.45, m.near(7.05), 0.1, METAL, inlay=True, piece=True)
    m.cut(m.disc(0, 0, m.near(4.6)), 1.6, 0.3, DEEP)
    for turn in (0.5, 2.6, 4.7):
        u, v = m.turned(turn)
        m.add(box(u, v, 3.3, 4.5, -1.1, 1.1, 0.1), 4.6, 0.3, METAL, inlay=True, piece=True)
    m.add(m.disc(0, 0, m.near(1.15)), m.near(5.6), 0.5, METAL, inlay=True, piece=True)
    m.text("DC12V", 0, -9.2, 0.95, colour=(0.6, 0.6, 0.58))
    m.text("5.5x2.1", 0, 9.2, 0.9, relief=0.12)
    return m.body(MATT_PLASTIC, STEEL)


def power_jack(rng: np.random.Generator) -> Body:
    """15 × 12 × 17 mm: board-mounted DC jack stood on its back: stepped square face, round mouth, pin, terminals at its sides."""
    m = Model(rng, 15, 12, BLACK)
    x, y = m.x, m.y
    m.add(box(x, y, -5.6, 5.6, -6, 6, 0.4), m.near(14.2), 0.3)
    m.add(box(x, y, -5.2, 5.2, -5.6, 5.6, 0.6), m.near(17), 0.35)
    m.add(box(x, y, -7.5, -5.4, -1.5, 1.5, 0.15), 15.2, 0.15, METAL, inlay=True, piece=True)
    m.add(box(x, y, 5.4, 7.5, -2.6, 0.4, 0.15), 14.6, 0.15, METAL, inlay=True, piece=True)
    m.add(box(x, y, 5.4, 7.2, 2.6, 5.0, 0.15), 15.0, 0.15, METAL, inlay=True, piece=True)
    m.cut(m.disc(0, 0.4, m.near(3.9)), 16.3, 0.2)
    m.cut(m.disc(0, 0.4, m.near(3.15)), 12.0, 0.25, DEEP)
    m.add(box(x, y, -0.9, 0.9, -2.7, -1.9, 0.1), 15.2, 0.2, METAL, inlay=True)
    m.add(m.disc(0, 0.4, m.near(1.0)), m.near(16.0), 0.45, METAL, inlay=True, piece=True)
    m.text("DC-005", 0, -4.6, 0.9, relief=0.14)
    m.text("+", 4.2, 4.6, 0.9, colour=(0.6, 0.6, 0.58))
    return m.body(MATT_PLASTIC, STEEL)


def headphone_jack_socket(rng: np.random.Generator) -> Body:
    """18 × 9 × 5 mm: 3.5 mm jack socket lying on its board side: box with spring windows, barrel with its mouth, side terminals."""
    m = Model(rng, 18, 9, BLACK)
    x, y = m.x, m.y
    m.add(box(x, y, -9, 4.6, -3.7, 3.7, 0.35), m.near(5), 0.25)
    r = m.near(2.45)
    m.add(np.maximum(np.abs(y) - r, np.maximum(4.0 - x, x - 9)), 2.45 + np.sqrt(np.maximum(r**2 - y**2, 0.02)), 0.2)
    m.add(np.maximum(np.abs(y) - 2.9, np.abs(x - 5.1) - 0.5), 2.3 + np.sqrt(np.maximum(2.9**2 - y**2, 0.02)) - 0.2, 0.15)
    for k, (left, side) in enumerate(((-7.6, 1), (-3.6, -1), (0.4, 1))):
        m.cut(box(x, y * side, left, left + 2.6, 0.3, 2.6, 0.2), 2.6, 0.15, DEEP)
        m.add(box(x, y * side, left + 0.3, left + 2.3, 0.9, 2.0, 0.2), 3.2 + 1.5 * smoothstep((x - left) / 2.4), 0.15, METAL, inlay=True, piece=True)
        m.add(box(x, y * side, left + 0.5, left + 2.0, 3.4, 4.5, 0.15), 2.2, 0.15, METAL, inlay=True, piece=True)
        if k == 1:
            m.add(box(x, y * -side, left + 0.5, left + 2.0, 3.4, 4.5, 0.15), 2.2, 0.15, METAL, inlay=True, piece=True)
    m.cut(box(x, y, -9.5, -8.3, -1.2, 1.2, 0.1), 2.0, 0.1, DEEP)
    m.text("PJ", -5.9, -1.7, 1.2, relief=0.14)
    return m.body(MATT_PLASTIC, STEEL)


def audio_jack_socket(rng: np.random.Generator) -> Body:
    """15 × 12 × 15 mm: panel jack stood up: body with lugs, hexagon nut, threaded bush and the bore."""
    m = Model(rng, 15, 12, BLACK)
    x, y = m.x, m.y
    m.add(box(x, y, -6.4, 6.4, -6, 6, 0.7), m.near(9.5), 0.35)
    for at in (-3.2, 0.3, 3.6):
        m.add(box(x, y, 6.1, 7.5, at - 0.65, at + 0.65, 0.15), 7.6, 0.15, METAL, inlay=True, piece=True)
    m.add(box(x, y, -7.5, -6.1, -2.0, 2.0, 0.2), 8.4, 0.2, METAL, inlay=True, piece=True)
    m.add(m.disc(0, 0, 5.7), 10.2, 0.15, METAL, inlay=True)
    turn = 0.25 * rng.standard_normal()
    hexagon = np.max([m.turned(turn + k * np.pi / 3)[0] for k in range(6)], 0) - m.near(4.75)
    m.add(hexagon, np.minimum(12.6, 12.6 - 0.5 * (np.hypot(x, y) - 4.7)), 0.2, METAL, inlay=True)
    r = np.hypot(x, y)
    thread = 15 - np.maximum(r - 2.9, 0) * 1.1 + 0.12 * np.cos(2 * np.pi * (r - 2.9) / 0.42 + np.arctan2(y, x))
    m.add(r - m.near(3.8), np.where(r > 2.9, thread, 15.0), 0.1, METAL, inlay=True)
    m.cut(r - m.near(1.9), 8.0, 0.35, DEEP)
    m.text("1", -5.2, 4.6, 1.2, colour=(0.6, 0.6, 0.58))
    m.text("2", 5.2, 4.6, 1.2, colour=(0.6, 0.6, 0.58))
    m.text("3", -5.2, -4.6, 1.2, colour=(0.6, 0.6, 0.58))
    return m.body(MATT_PLASTIC, STEEL)


def lattice_block_plug(rng: np.random.Generator) -> Body:
    """16 × 12 × 15 mm: green pluggable terminal block: three clamping screws in their wells, a lattice of wire mouths before them."""
    m = Model(rng, 16, 12, GREEN)
    x, y = m.x, m.y
    m.add(box(x, y, -8, 8, -2.0, 6, 0.3), m.near(15), 0.25)
    m.add(box(x, y, -8, 8, -6, -1.5, 0.3), m.near(13.4), 0.25)
    for side in (-1, 1):
        m.add(box(x * side, y, 7.0, 8.0, -4.6, 4.6, 0.2), 15.3, 0.2, piece=True)
    for k in range(3):
        at = (k - 1) * m.near(5.0)
        m.cut(m.disc(at, 2.2, m.near(1.95)), 13.0, 0.25, DEEP)
        turn = rng.uniform(0, np.pi)
        m.add(m.disc(at, 2.2, 1.6), m.near(13.9), 0.25, METAL, inlay=True, piece=True)
        u, v = m.turned(turn, (at, 2.2))
        m.cut(box(u, v, -1.7, 1.7, -0.25, 0.25), 13.2)
        m.cut(box(x, y, at - 1.65, at + 1.65, -5.3, -2.6, 0.15), 10.0, 0.2, DEEP)
        m.add(box(x, y, at - 1.6, at + 1.6, -5.2, -4.1, 0.1), 11.9, 0.15, METAL, inlay=True, piece=True)
        m.text(str(k + 1), at, 5.0, 0.9, colour=(0.75, 0.75, 0.7))
    for edge in (-2.5, 2.5):
        m.groove(np.where(y > -1.6, x - edge, 9), 0.12, 0.25)
    return m.body(GLOSSY_PLASTIC, STEEL)


def crimp_st_cable_mount_box(rng: np.random.Generator) -> Body:
    """15 × 10 × 15 mm: white housing for crimped cable ends: six shafts, crimps in them, locking ramp and keying ribs."""
    m = Model(rng, 15, 10, WHITE)
    x, y = m.x, m.y
    m.add(box(x, y, -7.4, 7.4, -3.6, 4.0, 0.5), m.near(15), 0.3)
    for at in (-5.2, 0.0, 5.2):
        m.add(box(x, y, at - 0.6, at + 0.6, -4.4, -3.3, 0.2), 14.2, 0.25, piece=True)
    m.add(box(x, y, -2.6, 2.6, 3.7, 5.0, 0.3), 12.4 + 1.6 * smoothstep((5 - y) / 1.2), 0.25, piece=True)
    for side in (-1, 1):
        m.add(box(x * side, y, 5.4, 6.4, 3.7, 4.9, 0.2), 14.0, 0.2, piece=True)
    half = m.near(1.25)
    for row in (-1.55, 1.95):
        for column in (-4.7, 0.0, 4.7):
            m.cut(box(x, y, column - half - 0.4, column + half + 0.4, row - half, row + half, 0.25), 11.4, 0.3, (0.42, 0.41, 0.38))
            r = np.hypot(x - column, y - row)
            m.add(np.abs(r - 0.8) - 0.24 + 0.3 * ((np.abs(x - column) < 0.22) & (y > row)), m.near(13.9), 0.12, METAL, inlay=True, piece=True)
    m.text("ST", -2.35, 0.2, 0.8, relief=-0.12)
    m.text("1", -6.9, 3.2, 0.7, colour=(0.1, 0.1, 0.1))
    return m.body(GLOSSY_PLASTIC, STEEL)
