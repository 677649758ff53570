"""Places on a part that are not judged."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from api.schemas_recipes import IgnoredBox
from inference.sample import D3Sample


def judged_part(sample: D3Sample, ignore: Iterable[IgnoredBox]) -> D3Sample:
    """The sample without the places that the recipe does not judge."""
    foreground = sample.foreground.copy()
    for box in ignore:
        foreground[box.y_px : box.y_px + box.height_px, box.x_px : box.x_px + box.width_px] = False
    return replace(sample, foreground=foreground)
