"""How much memory teaching takes, told before it is taken."""

from __future__ import annotations

from dataclasses import dataclass

from inference.features.extraction import SampleFeatures
from inference.methods import D3M_METHOD, channel_groups
from inference.model_state import D3MConfig

_FLOAT = 4
_COPIES = 4
"""Copies of one bank's patches at the worst moment: by part, together, in the bank's units, and projected for the coreset."""


@dataclass(frozen=True, slots=True)
class TeachingMemory:
    """Bytes."""

    features: int
    """Of all parts, kept until the model is ready."""
    working: int
    """While the widest bank is made; freed again."""
    banks: int
    """What the model keeps."""

    @property
    def megabytes(self) -> float:
        """All together at the worst moment, MB; the backbones come on top."""
        return (self.features + self.working + self.banks) / 1e6


def teaching_memory(part: SampleFeatures, parts: int, config: D3MConfig) -> TeachingMemory:
    """What ``parts`` good parts like this one will take."""
    cells = len(part.rgb) * parts
    widths = [sum(channel_groups(source, part)) for source in D3M_METHOD.banks]
    kept = min(round(config.coreset_share * cells), config.most_bank_rows)
    features = cells * (2 * part.rgb.shape[1] + part.points.shape[1])
    # Held-out scoring keeps a second coreset's worth of rows, the folds' own.
    return TeachingMemory(_FLOAT * features, _FLOAT * (_COPIES * cells * max(widths) + kept * max(widths)), _FLOAT * kept * sum(widths))
