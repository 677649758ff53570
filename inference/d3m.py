"""D³-Memory: three memory banks over RGB, pseudo-3D and their fusion with the point cloud, decided by one-class SVMs.

Reference:
    Real-IAD D³, section 4. Where the paper and its code differ, the choice is written at the setting or the function.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from inference.anomaly_map import Canvas, find_regions
from inference.extending import extended
from inference.features.extraction import SampleFeatures, extract
from inference.fitting import fit_state
from inference.good_parts import NearestGood, nearest_part
from inference.methods import D3M_METHOD
from inference.model_state import D3MConfig, FitReport, ModelState
from inference.prediction import BANK_NAMES, BankScore, Prediction
from inference.sample import D3Sample
from inference.scoring import score_banks

__all__ = ["D3M", "D3MConfig", "FitReport"]


def _silent(_fraction: float, _message: str) -> None:
    pass


@dataclass(frozen=True, slots=True)
class D3M:
    """A fitted model. Immutable; what it predicts is a function of its contents and the sample alone."""

    state: ModelState

    @classmethod
    def fit(
        cls,
        samples: Iterable[D3Sample],
        config: D3MConfig | None = None,
        progress: Callable[[float, str], None] = _silent,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> D3M:
        """Teach from good parts.

        Args:
            samples: taken one by one, features only are kept: capture the next part while this one is worked on.
            config: settings; the defaults where None.
            progress: told the fraction done, 0 to 1 and never falling, and what is going on.
            cancelled: asked often.

        Raises:
            SampleError: fewer than five samples, or one without a part or points.
            Cancelled: ``cancelled`` said so.
            ModelError: the backbone's weights are missing.
        """
        return cls(fit_state(samples, config or D3MConfig(), progress, cancelled))

    def extended(
        self, samples: Iterable[D3Sample], progress: Callable[[float, str], None] = _silent, cancelled: Callable[[], bool] = lambda: False
    ) -> D3M:
        """A model of this one's good parts and more, for the time of the new parts alone.

        Raises:
            SampleError: no parts, or one that the model cannot see.
            Cancelled: ``cancelled`` said so.
        """
        return D3M(extended(self.state, samples, progress, cancelled))

    def extract(self, sample: D3Sample) -> SampleFeatures:
        """Features of a sample on the model's grid; the slow part of ``predict``.

        Raises:
            SampleError: no part, too few points, or another image size.
        """
        return extract(sample, self.state.grid, self.config.backbones)

    def predict(self, sample: D3Sample) -> Prediction:
        """Judge one part.

        Raises:
            SampleError: nothing can be said about this sample: no part, too few points, or another image size.
        """
        return self.judge(self.extract(sample))

    def judge(self, features: SampleFeatures) -> Prediction:
        """Judge a part by its features."""
        decision, shape = self.state.decision, self.state.grid.image_shape
        rows = [self.config.view.rows(source, features, self.state.fusion) for source in D3M_METHOD.banks]
        canvas = Canvas.of(features)
        scores, distances, found = score_banks(rows, self.state.banks, self.config.neighbours, canvas if self.config.sample_score == "map" else None)
        score = float(decision.score(scores))
        anomalous = score > decision.threshold

        voices = decision.cell.voices(distances)
        maps = np.stack([canvas.smooth(voice) for voice in voices.T])
        anomaly_map = canvas.on_camera(decision.heard(maps), shape)
        regions = ()
        if anomalous:
            bank_maps = np.stack([canvas.on_camera(bank, shape) for bank in maps[1:]])
            cell_px = features.window.width / features.cells.shape[1]
            regions = find_regions(anomaly_map, bank_maps, features.pitch_mm, least_px=round(cell_px**2))
        return Prediction(
            score=score,
            threshold=decision.threshold,
            is_anomalous=anomalous,
            anomaly_map=anomaly_map,
            regions=regions,
            banks=tuple(
                BankScore(name, float(value), float(limit)) for name, value, limit in zip(BANK_NAMES, scores, decision.sample.limit[1:], strict=True)
            ),
            model_id=self.model_id,
            model_sha256=self.sha256,
            nearest=self._nearest(features, nearest_part(self.state.banks, found, voices[:, 1:] >= 1.0)),
        )

    def _nearest(self, features: SampleFeatures, part: int | None) -> NearestGood | None:
        if part is None or not self.state.good_parts:
            return None
        good = self.state.good_parts[part]
        x, y = features.window.centre
        return NearestGood(part, self.report.samples[part], good.box, (x - good.centre[0], y - good.centre[1]))

    @property
    def config(self) -> D3MConfig:
        """The settings it was fitted with."""
        return self.state.config

    @property
    def report(self) -> FitReport:
        """What teaching learned."""
        return self.state.report

    @property
    def threshold(self) -> float:
        """Of the sample score."""
        return self.state.decision.threshold

    @property
    def sha256(self) -> str:
        """Fingerprint of the model's contents."""
        return self.state.sha256

    @property
    def model_id(self) -> str:
        """Short name of this very model."""
        return f"d3m-{self.sha256[:12]}"
