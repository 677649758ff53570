"""Which backbones are ready to be used, and what their weights are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from inference.features.images import packaged_weights_sha256
from inference.features.registry import CARDS, Card
from inference.weights_folder import origin_of, weights_file
from rig_configs.errors import ModelError


@dataclass(frozen=True, slots=True)
class BackboneState:
    """A backbone, and whether it can be used."""

    card: Card
    ready: bool
    sha256: str
    """Of its weights; empty where it has none."""
    source: str
    """File or package that they came from."""
    source_sha256: str
    """Of the imported file."""
    cure: str
    """What to do where it is not ready."""


def list_backbones(folder: Path | None = None) -> list[BackboneState]:
    """Every backbone, the defaults of each modality first.

    Args:
        folder: of imported weights; that of ``weights_folder`` where not given.
    """
    return [_state(card, folder) for card in CARDS.values()]


def _state(card: Card, folder: Path | None) -> BackboneState:
    if card.weights == "none":
        return BackboneState(card, ready=True, sha256="", source="computed", source_sha256="", cure="")
    try:
        if card.weights == "package":
            return BackboneState(card, True, packaged_weights_sha256(card.name, card.package), card.package, "", "")
        origin = origin_of(card.name, folder)
    except ModelError as error:
        return BackboneState(card, False, "", "", "", error.cure)
    if origin is None:
        made = "d3station weights pretrain" if card.name == "point-mae-small" else f"d3station weights import FILE --as {card.name}"
        return BackboneState(card, False, "", "", "", made)
    return BackboneState(card, weights_file(card.name, folder).is_file(), origin.sha256, origin.source, origin.source_sha256, "")
