"""Some defects show in one modality alone, as the paper's do: through the real solvers, against the spread among good parts."""

from __future__ import annotations

import pytest

from tests.benchmarks.modality_contrast import PAIRS, SmallScanner, contrasts

SHOWN_BY = [pair for pair in PAIRS if pair[0] in ("connector_housing_female", "lego_pin_connector_plate", "common_mode_filter", "lattice_block_plug")]


@pytest.fixture(scope="module")
def scanner():
    scanner = SmallScanner()
    yield scanner
    scanner.rig.close()


@pytest.mark.parametrize(("kind", "defect", "modality"), SHOWN_BY)
def test_a_defect_of_one_modality_shows_in_it_and_is_lost_among_good_parts_in_the_others(scanner, kind: str, defect: str, modality: str) -> None:
    found = contrasts(scanner, kind, defect, seed=2)
    shown = found[modality][0]
    for name, (bad, twin) in found.items():
        assert twin < 2, name  # the measure itself: a good part is like the good ones
        if name != modality:
            assert bad < 2, name
            assert shown > 2.5 * bad, name
    assert shown > 3
