"""Things that are pressed, turned or played with: switches, a knob, toys, a teapot."""

from __future__ import annotations

import numpy as np

from acquisition.simulation.kinds.connectors import BLACK, DEEP, METAL, WHITE
from acquisition.simulation.materials import CLAY, GLOSSY_PLASTIC, MATT_PLASTIC, STEEL
from acquisition.simulation.modelling import Model
from acquisition.simulation.shapes import Body, box, smoothstep


def limit_switch(rng: np.random.Generator) -> Body:
    """17 × 8 × 6 mm: microswitch on its side: case with two holes, lever over a red plunger, three terminals."""
    m = Model(rng, 17, 8, BLACK)
    x, y = m.x, m.y
    for at in (-6.6, 0.2, 6.6):
        m.add(box(x, y, at - 0.75, at + 0.75, -4, -2.0, 0.2), 3.6, 0.15, METAL, inlay=True, piece=True)
    m.add(box(x, y, 2.1, 3.7, 2.0, 3.15, 0.3), 4.2, 0.3, (0.55, 0.05, 0.04), piece=True)
    m.add(box(x, y, -8.5, 8.5, -2.7, 2.45, 0.4), m.near(6), 0.25)
    lever = y - 2.95 - 0.055 * (x + 7)
    m.add(np.maximum(np.abs(lever) - 0.2, np.abs(x - 0.3) - 7.4), 4.7, 0.1, METAL, inlay=True, piece=True)
    m.add(box(x, y, -7.6, -6.2, 2.2, 3.4, 0.2), 5.0, 0.15, METAL, inlay=True)
    for side in (-1, 1):
        m.cut(m.disc(side * m.near(4.75), -1.0, m.near(1.15)), 0.1, 0.3, DEEP)
    m.groove(np.where(np.abs(x) < 8.3, y - 1.85, 9), 0.09, 0.15)
    m.text("3A 125V", 0, 0.95, 0.95, colour=(0.62, 0.62, 0.6))
    m.text("KW", 0, -1.0, 1.1, relief=0.14)
    return m.body(MATT_PLASTIC, STEEL)


def telephone_spring_switch(rng: np.random.Generator) -> Body:
    """23 × 14 × 10 mm: hook switch: base with terminals, a long white lever on its pivot, and the coil spring that lifts it."""
    m = Model(rng, 23, 14, BLACK)
    x, y = m.x, m.y
    m.add(box(x, y, -11.5, 8.5, -6.2, 6.2, 0.6), m.near(4.2), 0.3)
    for k in range(4):
        at = -8.5 + 4.6 * k
        m.add(box(x, y, at - 0.7, at + 0.7, -7, -5.9, 0.15), 2.6, 0.15, METAL, inlay=True, piece=True)
        m.add(box(x, y, at - 0.7, at + 0.7, 5.9, 7, 0.15), 2.6, 0.15, METAL, inlay=True, piece=True)
    m.cut(box(x, y, -9.6, 5.4, -4.4, 0.4, 0.3), 1.4, 0.2, DEEP)
    radius, coil_y = m.near(1.9), -2.0
    pitch = m.near(1.15)
    winding = np.sqrt(np.clip(1 - (2 * (((x + 0.3 * (y - coil_y)) / pitch) % 1) - 1) ** 2, 0, 1))
    coil = 2.4 + np.sqrt(np.maximum(radius**2 - (y - coil_y) ** 2, 0.01)) - 0.85 * (1 - winding)
    m.add(np.maximum(np.abs(y - coil_y) - radius, np.abs(x + 2.3) - 6.6), coil, 0.1, METAL, inlay=True)
    for end in (-9.9, 5.4):
        m.add(box(x, y, end - 0.8, end + 0.8, -4.6, 0.6, 0.3), 5.6, 0.25, WHITE)
    m.add(box(x, y, -10.6, 9.6, 1.6, 4.8, 0.6), 5.4 + 2.6 * smoothstep((x + 10) / 18), 0.35, WHITE)
    m.add(box(x, y, 6.6, 11.5, -5.0, 5.0, 1.0), m.near(10) - 0.10 * (x - 9) ** 2, 0.6, WHITE)
    for at in (7.9, 9.0, 10.1):
        m.groove(np.where(np.abs(y) < 4, x - at, 9), 0.16, 0.22)
    m.add(m.disc(-8.0, 3.2, 1.1), 6.9, 0.25, METAL, inlay=True, piece=True)
    m.text("HS-2", -1.5, 3.2, 1.2, relief=-0.14)
    m.text("2635", 4.0, -5.3, 0.9, colour=(0.6, 0.6, 0.58))
    return m.body(GLOSSY_PLASTIC, STEEL)


def knob_cap(rng: np.random.Generator) -> Body:
    """7 × 7 × 5 mm: knurled cap for a rotary control, dished top, white pointer."""
    m = Model(rng, 7, 7, (0.08, 0.08, 0.085), 0.01)
    r, angle = np.hypot(m.x, m.y), np.arctan2(m.y, m.x)
    flute = 0.13 * (0.5 + 0.5 * np.cos(20 * angle + 0.1 * rng.standard_normal()))
    m.add(r - m.near(3.5), 1.2, 0.2)
    m.add(r - m.near(3.25) + flute, m.near(4.7) - 0.35 * np.maximum(r - 2.4, 0), 0.2)
    m.add(r - 2.45, m.near(5) - 0.25 * (1 - np.clip(r / 2.2, 0, 1) ** 2), 0.2)
    m.cut(box(m.x, m.y, -0.26, 0.26, 1.0, 3.15, 0.1), 4.3, 0.0)
    m.add(box(m.x, m.y, -0.24, 0.24, 1.0, 3.1, 0.1), 4.92 - 0.12 * np.maximum(m.y - 2.2, 0), 0.05, (0.72, 0.72, 0.7), piece=True)
    for k in range(11):
        u, v = m.turned(np.pi / 2 + (k - 5) * 0.5)
        m.paint(box(u, v, 3.28, 3.48, -0.05, 0.05) < 0, (0.6, 0.6, 0.58))
    return m.body(MATT_PLASTIC, grain_mm=0.001)


def lego_propeller(rng: np.random.Generator) -> Body:
    """25 × 25 × 10 mm: four twisted blades round a hub with an axle cross."""
    m = Model(rng, 25, 25, (0.62, 0.40, 0.03))
    reach = m.near(12.4)
    for k in range(4):
        u, v = m.turned(k * np.pi / 2 + np.pi / 14)
        half = 1.5 + 1.5 * smoothstep((u - 2) / 6) - 0.1
        tip = np.maximum(np.hypot(np.maximum(u - reach + 2.6, 0), v * 0.88) - 2.6, -u + 1)
        twist = 2.9 + 0.62 * v * (1 - 0.3 * smoothstep((u - 4) / 8))
        m.add(np.maximum(tip, np.abs(v) - half), twist, 0.3)
    m.add(m.disc(0, 0, m.near(4.1)), m.near(6.4), 0.5)
    m.add(m.disc(0, 0, m.near(3.2)), m.near(10), 0.45)
    m.cut(m.disc(0, 0, 2.45), 9.3, 0.0)
    cross = np.minimum(box(m.x, m.y, -2.2, 2.2, -0.75, 0.75, 0.2), box(m.x, m.y, -0.75, 0.75, -2.2, 2.2, 0.2))
    m.cut(cross, 6.0, 0.15, (0.2, 0.12, 0.01))
    return m.body(GLOSSY_PLASTIC, grain_mm=0.001)


def lego_pin_connector_plate(rng: np.random.Generator) -> Body:
    """15 × 8 × 3 mm: plate with rounded ends and two counterbored holes, a slotted friction pin in one of them, moulded marks between."""
    m = Model(rng, 15, 8, (0.52, 0.05, 0.04))
    x, y = m.x, m.y
    ends = np.hypot(np.maximum(np.abs(x) - 3.55, 0), y) - 3.95
    m.add(ends, m.near(3), 0.25)
    for side in (-1, 1):
        m.cut(m.disc(side * m.near(3.75), 0, m.near(3.05)), 2.2, 0.0)
        m.cut(m.disc(side * 3.75, 0, m.near(2.4)), -0.4, 0.15, (0.2, 0.02, 0.015))
    pin = (0.09, 0.09, 0.095)
    m.add(m.disc(3.75, 0, m.near(2.3)), m.near(2.8), 0.2, pin)
    m.add(np.abs(m.disc(3.75, 0, 2.0)) - 0.32, m.near(3.0), 0.15, pin)
    m.cut(m.disc(3.75, 0, m.near(1.3)), 0.9, 0.15, DEEP)
    turn = 0.3 + 0.1 * float(rng.standard_normal())
    u, v = m.turned(turn, (3.75, 0.0))
    m.cut(box(u, v, -2.35, 2.35, -0.3, 0.3, 0.05), 1.2, 0.1, DEEP)
    m.groove(np.where(np.abs(y) > 2.6, x, 9), 0.3, 0.4)
    m.text("D3", 0, 2.9, 0.55, relief=0.1)
    m.text("A", 0, -2.9, 0.55, relief=0.1)
    return m.body(GLOSSY_PLASTIC, grain_mm=0.0008)


def purple_clay_pot(rng: np.random.Generator) -> Body:
    """20 × 20 × 8 mm: miniature Yixing teapot from above: belly, lid with its knob, spout and handle, a seal."""
    m = Model(rng, 20, 20, CLAY.albedo, 0.05)
    u, v = m.turned(np.pi / 4)
    half = 2.3 - 1.25 * smoothstep((u - 6.5) / 5)
    lip = np.maximum(np.maximum(np.abs(v) - half, 5 - u), np.hypot(np.maximum(u - 12.0, 0), v) - 1.05)
    round_spout = np.sqrt(np.clip(1 - (v / (half + 0.4)) ** 2, 0.02, 1))
    m.add(lip, 2.4 + 1.6 * round_spout + 2.6 * smoothstep((u - 7) / 5.5), 0.5)
    m.cut(np.hypot((u - 11.9) / 1.2, v) - 0.5, 5.0, 0.15, (0.08, 0.035, 0.03))
    ring = np.abs(np.hypot((u + 8.8) / 1.15, v) - 3.35) - 0.85
    m.add(np.where(u < -5, ring, 1.0), 5.0, 0.8)
    r = np.hypot(m.x, m.y)
    radius = m.near(8.1)
    m.add(r - radius, 0.5 + 5.6 * np.sqrt(np.clip(1 - (r / (radius + 0.3)) ** 2.6, 0.01, 1)), 0.6)
    m.add(r - m.near(5.1), 6.1 + 0.45 * np.clip(1 - (r / 5.1) ** 2, 0, 1), 0.3)
    m.groove(r - 5.15, 0.16, 0.45)
    for bead in (2.4, 3.0):
        m.groove(r - bead, 0.12, -0.08)
    m.groove(r - 3.6, 0.10, 0.08)
    m.groove(r - 6.9, 0.14, -0.1)
    m.add(r - m.near(1.45), 7.2 + 0.8 * np.sqrt(np.clip(1 - (r / 1.6) ** 2, 0, 1)), 0.4, piece=True)
    m.cut(m.disc(0.95, -2.2, 0.22), 5.6)
    s, t = m.turned(-np.pi / 4)
    m.height = m.height - 0.12 * (box(s, t, 5.6, 6.7, -0.55, 0.55, 0.1) < 0) * (np.abs(s - 6.15) % 0.35 < 0.2)
    return m.body(CLAY, grain_mm=0.003)
