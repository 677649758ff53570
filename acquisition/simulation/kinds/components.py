"""Components of electronics: sensors, filters, holders, a motor."""

from __future__ import annotations

import numpy as np

from acquisition.simulation.kinds.connectors import BLACK, DEEP, METAL, WHITE
from acquisition.simulation.materials import ENAMELLED_WIRE, GLOSSY_PLASTIC, MATT_PLASTIC, STEEL
from acquisition.simulation.modelling import Model
from acquisition.simulation.shapes import Body, box, smoothstep


def humidity_sensor(rng: np.random.Generator) -> Body:
    """23 × 8 × 3 mm: blue case with a grille over the sensing element, four leads."""
    m = Model(rng, 23, 8, (0.06, 0.24, 0.52))
    x, y = m.x, m.y
    for k in range(4):
        at = (k - 1.5) * m.near(1.9)
        m.add(box(x, y, 3.0, 11.5, at - 0.3, at + 0.3, 0.1), 1.3, 0.12, METAL, inlay=True, piece=True)
        m.add(box(x, y, 3.0, 5.6, at - 0.5, at + 0.5, 0.1), 1.4, 0.12, METAL, inlay=True)
    m.add(box(x, y, -11.5, 4.2, -4, 4, 0.5), m.near(2.7), 0.25)
    m.add(box(x, y, -10.7, 2.2, -3.4, 3.4, 0.4), m.near(3), 0.2)
    for row in (-2.1, 0.0, 2.1):
        for column in range(6):
            left = -10.0 + 1.62 * column
            m.cut(box(x, y, left, left + m.near(1.05), row - 0.7, row + 0.7, 0.15), 1.5, 0.12, (0.5, 0.5, 0.46))
    m.text("DHT", 1.15, 0.0, 0.7, colour=(0.8, 0.8, 0.78))
    m.cut(m.disc(3.3, 3.1, 0.3), 2.3)
    return m.body(GLOSSY_PLASTIC, STEEL)


def fuse_holder(rng: np.random.Generator) -> Body:
    """27 × 10 × 7 mm: base, two spring clips, and the glass fuse in them with its caps and its wire."""
    m = Model(rng, 27, 10, BLACK)
    x, y = m.x, m.y
    m.add(box(x, y, -13.5, 13.5, -5, 5, 0.8), m.near(2), 0.3)
    m.cut(box(x, y, -5.2, 5.2, -3.8, 3.8, 0.4), 1.3, 0.2)
    for side in (-1, 1):
        m.cut(m.disc(side * 12.2, 0, 0.75), 0.4, 0.2, DEEP)
        for flank in (-1, 1):
            lean = 6.2 - 1.4 * smoothstep((y * flank - 3.2) / 1.2)
            m.add(box(x * side, y * flank, 6.4, 10.4, 2.55, 4.3, 0.2), lean, 0.15, METAL, inlay=True, piece=True)
        m.add(box(x * side, y, 6.4, 11.3, -3.0, 3.0, 0.2), 2.5, 0.15, METAL, inlay=True)
    radius = m.near(2.45)
    glass = 4.5 + np.sqrt(np.maximum(radius**2 - y**2, 0.01)) - 0.15
    m.add(np.maximum(np.abs(y) - radius, np.abs(x) - 9), glass, 0.1, (0.17, 0.22, 0.19))
    m.paint((np.abs(x) < 6) * np.exp(-(((y - 0.12 * np.sin(x)) / 0.11) ** 2)), (0.02, 0.02, 0.02))
    m.paint((np.abs(x) < 5.6) * np.exp(-(((y - 0.85) / 0.2) ** 2)) * 0.7, (0.5, 0.55, 0.52))
    for side in (-1, 1):
        cap = 4.5 + np.sqrt(np.maximum((radius + 0.2) ** 2 - y**2, 0.01)) - 0.12
        m.add(np.maximum(np.abs(y) - radius - 0.15, np.abs(x * side - 8.2) - 2.2), cap, 0.3, METAL, inlay=True)
    m.text("F5A 250V", 0, -4.4, 0.75, colour=(0.6, 0.6, 0.58))
    return m.body(GLOSSY_PLASTIC, STEEL)


def ferrite_bead(rng: np.random.Generator) -> Body:
    """23 × 10 × 10 mm: clip-on cable ferrite: round case in two halves, hinge seam, latches, collars for the cable."""
    m = Model(rng, 23, 10, (0.075, 0.075, 0.08))
    x, y = m.x, m.y
    r = m.near(4.7)
    round_top = 5 + 4.85 * np.sqrt(np.clip(1 - np.abs(y / r) ** 2.6, 0.002, 1))
    m.add(box(x, y, -8.8, 8.8, -r, r, 0.8), round_top, 0.6)
    for side in (-1, 1):
        for k, radius in enumerate((4.0, 3.55, 3.1)):
            end = 9.6 + 0.95 * k
            tube = 5 + np.sqrt(np.maximum(radius**2 - y**2, 0.02))
            m.add(np.maximum(np.abs(y) - radius, np.abs(x * side - end + 0.6) - 0.6), tube, 0.2)
    m.groove(np.where(np.abs(x) < 8.7, y - m.near(1.1), 9), 0.13, 0.35)
    for at in (-4.8, 4.8):
        m.add(box(x, y, at - 1.3, at + 1.3, -0.9, 4.9, 0.3), round_top + 0.35, 0.25, piece=True)
        m.cut(box(x, y, at - 0.7, at + 0.7, 0.6, 2.2, 0.2), 8.9, 0.1, DEEP)
    for at in (-7.6, -7.0, 7.0, 7.6):
        m.groove(x - at, 0.12, 0.18)
    m.text("ZCAT", 0, -1.6, 1.3, relief=0.14)
    m.text("1730", 0, -3.2, 0.9, colour=(0.62, 0.62, 0.6))
    return m.body(MATT_PLASTIC)


def common_mode_filter(rng: np.random.Generator) -> Body:
    """10 × 10 × 12 mm: ring core with two windings of lacquered wire, a divider between them, on a base with corner posts."""
    m = Model(rng, 10, 10, ENAMELLED_WIRE.albedo)
    x, y = m.x, m.y
    m.add(box(x, y, -5, 5, -5, 5, 0.7), m.near(6.5), 0.3, BLACK)
    for sx in (-1, 1):
        for sy in (-1, 1):
            m.add(m.disc(sx * 4.3, sy * 4.3, 0.5), 8.5, 0.2, METAL, inlay=True, piece=True)
    r, angle = np.hypot(x, y), np.arctan2(y, x)
    core = np.abs(r - 3.0) - 1.15
    m.add(core, 10.9, 0.45, (0.10, 0.18, 0.12))
    wound = np.abs(np.abs(angle) - np.pi / 2) < m.near(1.16)
    phase = angle * m.near(26.0) / (2 * np.pi) + 0.03 * rng.standard_normal()
    turn = np.sqrt(np.clip(1 - (2 * (phase % 1) - 1) ** 2, 0, 1))
    across = np.clip((r - 3.0) / 1.6, -1, 1)
    wire = 9.9 + 1.95 * np.sqrt(np.clip(1 - across**2, 0.001, 1)) - 0.32 * (1 - turn)
    m.add(np.where(wound, np.abs(r - 3.0) - 1.55, 1.0), wire, 0.15, ENAMELLED_WIRE.albedo)
    m.paint(wound * (np.abs(r - 3.0) < 1.6) * (1 - turn) ** 2 * 0.8, (0.10, 0.035, 0.015))
    m.add(box(x, y, -4.4, 4.4, -0.3, 0.3, 0.1), m.near(12), 0.12, WHITE, piece=True)
    m.text("CM", 3.7, -2.6, 0.5, colour=(0.6, 0.6, 0.58))
    return m.body(ENAMELLED_WIRE, STEEL)


def miniature_lifting_motor(rng: np.random.Generator) -> Body:
    """23 × 20 × 4 mm: flat frame with a round motor, its lead screw, a slide on two rods, and a flex cable's end."""
    m = Model(rng, 23, 20, METAL)
    x, y = m.x, m.y
    m.add(box(x, y, -11.5, 11.5, -10, 10, 1.0), m.near(0.8), 0.15, (0.11, 0.12, 0.14))
    for sx, sy in ((-10, 8.6), (10, 8.6), (-10, -8.6), (10, -8.6)):
        m.cut(m.disc(sx, sy, m.near(0.75)), 0.03, 0.1, DEEP)
    can = 2.0 + np.sqrt(np.maximum(1.95**2 - (y - 1.5) ** 2, 0.02))
    m.add(np.maximum(np.abs(y - 1.5) - 1.9, np.maximum(-10.6 - x, x + 1.2)), can, 0.3, METAL, inlay=True)
    m.add(np.maximum(np.abs(y - 1.5) - 2.1, np.abs(x + 1.3) - 0.4), can + 0.1, 0.15, WHITE)
    for rod in (-6.0, 7.2):
        top = 1.8 + np.sqrt(np.maximum(0.65**2 - (y - rod) ** 2, 0.01))
        m.add(np.maximum(np.abs(y - rod) - 0.6, np.maximum(-9.8 - x, x - 9.8)), top, 0.1, METAL, inlay=True, piece=True)
        for end in (-9.4, 9.4):
            m.add(box(x, y, end - 0.9, end + 0.9, rod - 1.4, rod + 1.4, 0.3), 3.0, 0.2, (0.3, 0.3, 0.3))
    screw = 2.0 + np.sqrt(np.maximum(0.85**2 - (y - 1.5) ** 2, 0.01))
    thread = 0.13 * np.sin(2 * np.pi * (x + 0.4 * (y - 1.5)) / 0.62)
    m.add(np.maximum(np.abs(y - 1.5) - 0.85, np.maximum(-1.2 - x, x - 9.9)), screw + thread, 0.1, (0.24, 0.19, 0.08), inlay=True)
    m.add(box(x, y, 9.0, 10.6, -0.1, 3.1, 0.3), 3.4, 0.2, BLACK)
    slide = 4.2 + 0.5 * float(rng.standard_normal())
    m.add(box(x, y, slide - 1.7, slide + 1.7, -7.5, 8.7, 0.4), m.near(3.4), 0.25, WHITE)
    m.add(box(x, y, slide - 1.2, slide + 1.2, -1.6, 4.6, 0.4), m.near(4.0), 0.25, WHITE)
    m.add(box(x, y, -11.3, -6.6, -9.2, -7.6, 0.2), 1.2, 0.1, (0.42, 0.22, 0.05), piece=True)
    for k in range(4):
        m.paint(box(x, y, -11.0 + 1.15 * k, -10.4 + 1.15 * k, -8.9, -7.9) < 0, (0.5, 0.42, 0.2))
    m.text("M05", -6.2, -3.4, 1.3, colour=(0.5, 0.5, 0.48))
    return m.body(GLOSSY_PLASTIC, STEEL)
