"""The products a data set is made of, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from acquisition.simulation.parts import PartKind
    from api.datasets.plan import Arguments


def kinds_of(arguments: Arguments) -> dict[str, PartKind]:
    """The products that the arguments name.

    Raises:
        NotFound: the simulated bench has no such part.
    """
    from acquisition.simulation.parts import part_kind

    return {name: part_kind(name) for name in arguments.categories}


def all_categories() -> tuple[str, ...]:
    """Every part of the simulated bench."""
    from acquisition.simulation.parts import PART_KINDS

    return tuple(PART_KINDS)
