"""Methods as compositions of the same parts: which memory banks, of which features, and who decides.

====================  ==============================  =========================================
method                banks                           after
====================  ==============================  =========================================
``patchcore_2d``      colour                          PatchCore
``patchcore_ps``      pseudo-3D                       PatchCore
``patchcore_2d_ps``   both, concatenated              PatchCore
``point_3d``          points                          PatchCore on PointMAE, or FPFH
``point_patchcore``   colour and points, concatenated  PatchCore + PointMAE, or BTF with FPFH
``m3dm``              colour, points, their fusion    M3DM
``d3m``               swapped colour, swapped         D³M; the largest of SVM and banks decides
                      pseudo-3D, fusion with points
``d3m_svm``           the same                        D³M as the paper decides: the SVM alone
====================  ==============================  =========================================

The points of all of them tell heights beside shape, and where a height lies outside the good parts' band (``features/height_band.py``);
those of the methods' papers do not.

References:
    Roth et al. (PatchCore), CVPR 2022; Horwitz & Hoshen (BTF), CVPR-W 2023; Wang et al. (M3DM), CVPR 2023; Real-IAD D³, tables 2 and 3.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from inference.contrastive_fusion import ContrastiveFusion
from inference.features.extraction import SampleFeatures
from inference.swapping import SwapMode, channel_spatial_swap

Source = Literal["rgb", "pseudo3d", "points", "rgb_pseudo3d", "rgb_points", "fused"]
"""What a bank holds: a modality, two of them side by side, or an image modality fused with the points."""
SampleScore = Literal["map", "reweighted"]
"""``map``: the largest value of the smoothed map on the part; ``reweighted``: the farthest patch, weighed by how usual its match is."""
Rule = Literal["svm", "largest"]
"""``svm``: the one-class SVM over the banks; ``largest``: the largest of the SVM and the banks, each against its own limit."""


@dataclass(frozen=True, slots=True)
class Method:
    """A composition."""

    name: str
    banks: tuple[Source, ...]
    swapped: bool = False
    """Whether the two images take part of each other's features first."""
    rule: Rule = "svm"
    """Of no account to a single bank, which decides by itself."""

    @property
    def fuses(self) -> bool:
        """Whether a fusion is to be trained."""
        return "fused" in self.banks


METHODS: dict[str, Method] = {
    method.name: method
    for method in (
        Method("patchcore_2d", ("rgb",)),
        Method("patchcore_ps", ("pseudo3d",)),
        Method("patchcore_2d_ps", ("rgb_pseudo3d",)),
        Method("point_3d", ("points",)),
        Method("point_patchcore", ("rgb_points",)),
        Method("m3dm", ("rgb", "points", "fused")),
        Method("d3m", ("rgb", "pseudo3d", "fused"), swapped=True, rule="largest"),
        Method("d3m_svm", ("rgb", "pseudo3d", "fused"), swapped=True, rule="svm"),
    )
}
"""Every method by its name."""
D3M_METHOD = METHODS["d3m"]


@dataclass(frozen=True, slots=True)
class View:
    """How a method's banks are filled from a sample's features."""

    swap: SwapMode
    alpha: float
    """0 where nothing is swapped."""
    fused_image: Literal["rgb", "pseudo3d"]

    def images(self, features: SampleFeatures) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """(N, C_image) colour and pseudo-3D features, after swapping."""
        return channel_spatial_swap(features.rgb, features.pseudo3d, np.nonzero(features.cells)[1], self.swap, self.alpha)

    def to_fuse(self, features: SampleFeatures) -> NDArray[np.float32]:
        """(N, C_image) features of the image modality that is fused with the points."""
        return self.images(features)[0 if self.fused_image == "rgb" else 1]

    def rows(self, source: Source, features: SampleFeatures, fusion: ContrastiveFusion | None) -> NDArray[np.float32]:
        """(N, C) rows of one bank for one sample.

        Raises:
            ValueError: the fused bank is asked for without a fusion.
        """
        rgb, pseudo3d = self.images(features)
        if source == "fused":
            if fusion is None:
                raise ValueError("The fused bank needs a fusion.")
            return fusion.embed(rgb if self.fused_image == "rgb" else pseudo3d, features.points)
        parts = {
            "rgb": (rgb,),
            "pseudo3d": (pseudo3d,),
            "points": (features.points,),
            "rgb_pseudo3d": (rgb, pseudo3d),
            "rgb_points": (rgb, features.points),
        }[source]
        return np.concatenate(parts, axis=1) if len(parts) > 1 else np.ascontiguousarray(parts[0])


def channel_groups(source: Source, features: SampleFeatures) -> list[int]:
    """Sizes of a bank's groups of channels that count alike: look, shape and height, however many channels each has."""
    image, points = features.rgb.shape[1], list(features.point_groups)
    return {
        "rgb": [image],
        "pseudo3d": [image],
        "points": points,
        "rgb_pseudo3d": [image, image],
        "rgb_points": [image, *points],
        "fused": [image, *points],
    }[source]
