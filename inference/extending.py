"""More good parts for a model, without starting over.

The new parts are true held-out parts of the old model: its banks have never seen them. So their scores join the old held-out ones,
and the limits of samples and maps are drawn from all. The banks take up a coreset of the new parts' patches in their own units, and the height
band widens by their heights; fusion, standardisation and what a cell's SVM weighs stay as they were taught, for they would not change by a few parts. After many, teach anew.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np

from inference.anomaly_map import Canvas
from inference.coreset import k_centre_greedy
from inference.decision import OneClassFusion, fit_judge, with_svm
from inference.features.extraction import extract, taken_up
from inference.good_parts import GoodPart
from inference.memory_bank import MemoryBank
from inference.methods import D3M_METHOD
from inference.model_state import ModelState
from inference.sample import D3Sample
from inference.scoring import score_banks
from rig_configs.errors import Cancelled, SampleError


def extended(
    state: ModelState, samples: Iterable[D3Sample], progress: Callable[[float, str], None], cancelled: Callable[[], bool] = lambda: False
) -> ModelState:
    """The model with more good parts; the old one stays as it is.

    Args:
        state: a fitted model.
        samples: good parts, taken one by one.
        progress: told the share done.
        cancelled: asked at every part.

    Raises:
        SampleError: no parts, or one that the model cannot see.
        Cancelled: ``cancelled`` said so.
    """
    started, config = time.monotonic(), state.config
    cell_svm, grid = state.decision.cell.svm, state.grid
    names: list[str] = []
    scores, maxima = [], []
    rows: list[list[np.ndarray]] = [[] for _ in D3M_METHOD.banks]
    pictures: list[GoodPart] = []
    for sample in samples:
        if cancelled():
            raise Cancelled("Teaching was stopped.", cure="Start it again when wanted; nothing was changed.")
        features = extract(sample, state.grid, config.backbones)
        canvas = Canvas.of(features)
        of_banks = [config.view.rows(source, features, state.fusion) for source in D3M_METHOD.banks]
        score, distances, _ = score_banks(of_banks, state.banks, config.neighbours, canvas if config.sample_score == "map" else None)
        names.append(features.name)
        pictures.append(GoodPart.of(sample, features.window))
        scores.append(score)
        maxima.append([canvas.part_maximum(canvas.smooth(column)) for column in with_svm(cell_svm, distances).T])
        grid, features = taken_up(features, grid)
        in_band = [config.view.rows(source, features, state.fusion) for source in D3M_METHOD.banks]
        for kept, patches, bank in zip(rows, in_band, state.banks, strict=True):
            # Thinned at once: memory holds the coresets of the new parts and never all their patches.
            kept.append(bank.thinned(patches, config.coreset_share, config.seed, cancelled)[0])
        progress(0.9 * (1.0 - 1.0 / (1.0 + len(names))), f"part {len(names)}")
    if not names:
        raise SampleError("There are no parts to add.", cure="Give at least one good part.", detail="too_few")

    progress(0.9, "taking them up")
    report = state.report
    banks: list[MemoryBank] = []
    for bank, kept in zip(state.banks, rows, strict=True):
        together = np.concatenate([bank.rows, *kept])
        parts = np.concatenate([bank.parts, *(np.full(len(new), number, np.int32) for number, new in enumerate(kept, start=len(report.samples)))])
        chosen = np.arange(len(together))
        if len(together) > config.most_bank_rows:
            chosen = k_centre_greedy(together, config.most_bank_rows, config.seed, cancelled)
        # Of a model that did not keep where its rows come from, nor can a larger one tell.
        banks.append(MemoryBank(bank.mean, bank.scale, np.ascontiguousarray(together[chosen]), parts[chosen] if len(bank.parts) else bank.parts))
    all_scores = np.array([*report.held_out_bank_scores, *scores], np.float64)
    all_maxima = np.array([*report.held_out_map_maxima, *maxima], np.float64)
    svm = OneClassFusion.fit(all_scores, config.seed)
    voices = with_svm(svm, all_scores)
    rate, rule = config.false_reject_rate, state.decision.rule
    decision = replace(
        state.decision,
        sample=fit_judge(svm, voices, voices, rate, rule),
        cell=fit_judge(cell_svm, state.decision.cell.typical[None, :], all_maxima, rate, rule),
    )
    progress(1.0, "model ready")
    return replace(
        state,
        grid=grid,
        banks=tuple(banks),
        decision=decision,
        good_parts=(*state.good_parts, *pictures) if state.good_parts else (),
        report=replace(
            report,
            samples=(*report.samples, *names),
            held_out_scores=tuple(float(value) for value in decision.score(all_scores)),
            held_out_bank_scores=tuple(tuple(float(value) for value in row) for row in all_scores),
            held_out_map_maxima=tuple(tuple(float(value) for value in row) for row in all_maxima),
            bank_rows=tuple(len(bank.rows) for bank in banks),
            seconds=report.seconds + time.monotonic() - started,
        ),
    )
