"""How surfaces answer to light: Lambert plus GGX, colours linear."""

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
    """0 mirror to 1 matt; GGX's alpha is its square."""


MATT_PLATE = Material((0.06, 0.06, 0.062), (0.02, 0.02, 0.02), 0.9)
"""The dark plate that parts lie on."""
MATT_WHITE = Material((0.8, 0.8, 0.8), (0.0, 0.0, 0.0), 1.0)
"""The white plate, and the ground of the calibration board: Lambert only."""
MIRROR = Material((0.01, 0.01, 0.01), (0.9, 0.9, 0.9), 0.05)
"""The polished sphere."""
TINNED_BRASS = Material((0.17, 0.16, 0.145), (0.50, 0.47, 0.42), 0.64)
"""Matt tin plating on brass, as rolled."""
NYLON = Material((0.60, 0.56, 0.46), (0.04, 0.04, 0.04), 0.55)
"""Natural PA66, moulded against an eroded steel."""
