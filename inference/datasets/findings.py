"""What a check finds: a stable code, the path, what is wrong and the cure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How bad it is."""

    ERROR = "error"
    """The set cannot be used as it is, or results on it would be wrong."""
    WARNING = "warning"
    """It can be used by who knows."""


CODES: dict[str, tuple[Severity, str]] = {
    "splits_unreadable": (Severity.ERROR, "Take the JSON file again from the data set's source."),
    "entry_invalid": (Severity.ERROR, "Give the entry anomaly_class, image_path, ps_path and xyz_path."),
    "split_empty": (Severity.WARNING, "Without samples there, nothing can be learned or measured; see that the set is complete."),
    "file_missing": (Severity.ERROR, "Copy the file from the data set's source, or take the entry out of the splits."),
    "file_unreadable": (Severity.ERROR, "Copy the file again from the data set's source; it is damaged."),
    "xyz_shape": (Severity.ERROR, "Store the cloud as a float32 TIFF of (H, W, 3)."),
    "size_differs": (Severity.ERROR, "All modalities of a sample must be on one pixel grid; copy the sample again."),
    "mask_missing": (Severity.ERROR, "Give the defective sample a mask, or it counts as normal pixel by pixel."),
    "mask_empty": (Severity.ERROR, "Draw the defect into the mask, or take the sample out."),
    "mask_size": (Severity.ERROR, "Give the mask the size of the picture."),
    "mask_of_normal": (Severity.WARNING, "A normal sample has no mask; see whether its class is right."),
    "modalities_mixed": (Severity.ERROR, "Match the modalities by sample number and class, never by sorted order."),
    "class_differs": (Severity.ERROR, "The file's name says another class than the entry; correct the entry."),
    "name_unknown": (Severity.WARNING, "Name files <category>_<number>_<class>_<what>_<14 digits>, so that modalities can be matched."),
    "class_spelling": (Severity.WARNING, "Spell a class one way, with '-' or with '_'; it is read as one class."),
    "sample_twice": (Severity.ERROR, "A sample belongs to one split, once; take the others out."),
    "test_in_train": (Severity.ERROR, "A sample to be judged must not have been learned; take it out of one of the splits."),
    "same_picture": (Severity.ERROR, "The same picture stands for two samples; find out which one it is, and take the other out."),
    "defect_in_train": (Severity.ERROR, "Models here learn from normal samples alone; move the sample to the test split."),
    "not_listed": (Severity.WARNING, "The sample is on disk and in no split; add an entry or remove its folder."),
    "lights_missing": (Severity.WARNING, "The pictures under single zones are not all there; what needs them will skip the sample."),
    "pcd_missing": (Severity.WARNING, "There is no point cloud file; the cloud of the TIFF is used."),
    "pcd_unreadable": (Severity.WARNING, "Copy the point cloud file again, or save it as binary or ASCII PCD."),
    "no_points": (Severity.ERROR, "The cloud holds no point; measure or generate the sample again."),
    "many_unknown": (Severity.WARNING, "Much of the cloud is unknown; see whether the part was seen at all."),
    "xy_placeholder": (
        Severity.WARNING,
        "Rebuild X and Y from grid × pitch, as the loader here does, or take the point cloud file; a model must not see these values.",
    ),
    "xy_leak": (
        Severity.WARNING,
        "X and Y tell the label: scores of models that see them are worthless. Rebuild X and Y from grid × pitch, or take the point cloud file.",
    ),
}
"""Every code with its severity and cure. Codes never change once released."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong."""

    code: str
    path: str
    """The file, folder or category it is about, relative to the set."""
    message: str

    @property
    def severity(self) -> Severity:
        """How bad it is."""
        return CODES[self.code][0]

    @property
    def cure(self) -> str:
        """What to do."""
        return CODES[self.code][1]
