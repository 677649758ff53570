"""How surfaces answer to light: Lambert plus GGX, brushed ones by direction, translucent ones spread about; colours linear."""

from __future__ import annotations

from dataclasses import dataclass

Colour = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Material:
    """What a surface is made of."""

    albedo: Colour
    """Diffuse reflectance of red, green and blue."""
    f0: Colour
    """Specular reflectance at normal incidence; high and tinted for metals, about 0.04 for plastics."""
    roughness: float
    """0 mirror to 1 matt; GGX's alpha is its square. Of a brushed surface, along its grain."""
    across: float | None = None
    """Roughness across the grain; None is the same in every direction."""
    grain: tuple[float, float, float] = (1.0, 0.0, 0.0)
    """Direction of brushing or rolling in the part's own frame."""
    free_path_mm: float = 0.0
    """How far light wanders sideways within a translucent body before it comes out: standard deviation along an axis, mm."""


MATT_PLATE = Material((0.06, 0.06, 0.062), (0.02, 0.02, 0.02), 0.9)
"""The dark plate that parts lie on."""
MATT_WHITE = Material((0.8, 0.8, 0.8), (0.0, 0.0, 0.0), 1.0)
"""The white plate, and the ground of the calibration board: Lambert only."""
MIRROR = Material((0.01, 0.01, 0.01), (0.9, 0.9, 0.9), 0.05)
"""The polished sphere."""
TINNED_BRASS = Material((0.17, 0.16, 0.145), (0.50, 0.47, 0.42), 0.62, across=0.67)
"""Matt tin plating on brass, as rolled."""
NYLON = Material((0.60, 0.56, 0.46), (0.04, 0.04, 0.04), 0.55, free_path_mm=0.06)
"""Natural PA66, moulded against an eroded steel."""
GLOSSY_PLASTIC = Material((0.4, 0.4, 0.4), (0.04, 0.04, 0.04), 0.42)
"""ABS or polycarbonate from a polished mould; the colour is the part's own."""
MATT_PLASTIC = Material((0.2, 0.2, 0.2), (0.04, 0.04, 0.04), 0.6)
"""Glass-filled PBT or PA from an eroded mould; the colour is the part's own."""
CLAY = Material((0.24, 0.11, 0.08), (0.03, 0.03, 0.03), 0.72)
"""Purple Yixing clay, burnished and fired."""
ENAMELLED_WIRE = Material((0.42, 0.16, 0.06), (0.12, 0.07, 0.05), 0.5)
"""Copper wire under lacquer."""
STEEL = Material((0.2, 0.2, 0.2), (0.52, 0.51, 0.5), 0.58, across=0.63)
"""Nickel-plated sheet steel, matt, as rolled."""
GILT = Material((0.26, 0.17, 0.05), (0.75, 0.55, 0.25), 0.58)
"""Gold flash on phosphor bronze."""
