"""Places on a part that are not judged."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from api.schemas_recipes import IgnoredBox
from inference.sample import D3Sample


def judged_part(sample: D3Sample, ignore: Iterable[IgnoredBox]) -> D3Sample:
    """The sample with the places that the recipe does not judge; where the part is stays as it was seen."""
    ignored = np.zeros(sample.foreground.shape, bool)
    for box in ignore:
        ignored[box.y_px : box.y_px + box.height_px, box.x_px : box.x_px + box.width_px] = True
    return replace(sample, ignored=ignored if ignored.any() else None)
