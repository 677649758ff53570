"""A benchmark's tables as Markdown, to be put into a report as they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from inference.benchmark_defects import DefectKind
from inference.benchmark_results import CategoryResult, mean_numbers


def markdown(results: Mapping[str, CategoryResult], labels: Sequence[str], kinds: Mapping[str, DefectKind]) -> str:
    """Means of every method, I-AUROC by category, and what each bank of one method saw of each kind of defect.

    Args:
        results: by category.
        labels: methods, in order.
        kinds: of one method, see ``benchmark_defects.by_defect``; empty leaves that table out.
    """
    parts = [_methods(results, labels), _categories(results, labels)]
    if kinds:
        parts.append(_kinds(kinds))
    return "\n\n".join(parts) + "\n"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _lines(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows))


def _methods(results: Mapping[str, CategoryResult], labels: Sequence[str]) -> str:
    rows: list[list[str]] = []
    for label in labels:
        of = [result.variants[label] for result in results.values() if label in result.variants]
        full, first5 = mean_numbers(v.full for v in of), mean_numbers(v.first5 for v in of)
        good = sum(1 for v in of for s in v.samples if s.peak_on_defect is None)
        bad = sum(1 for v in of for s in v.samples if s.peak_on_defect is not None)
        counts = f"{sum(v.false_rejects for v in of)} of {good}", f"{sum(v.missed for v in of)} of {bad}"
        seconds = sum(v.seconds.features + v.seconds.judgement for v in of) / max(1, len(of))
        numbers = [_number(value) for value in (full.i_auroc, full.p_auroc, full.aupro, first5.i_auroc)]
        rows.append([f"`{label}`", *numbers, *counts, f"{seconds:.2f}"])
    head = ["method", "I-AUROC", "P-AUROC", "AUPRO@0.3", "I-AUROC, first5", "good ones rejected", "defects missed", "s a sample"]
    return _lines(head, rows)


def _categories(results: Mapping[str, CategoryResult], labels: Sequence[str]) -> str:
    rows = [
        [f"`{name}`", *(_number(result.variants[label].full.i_auroc) if label in result.variants else "" for label in labels)]
        for name, result in results.items()
    ]
    return _lines(["I-AUROC", *(f"`{label}`" for label in labels)], rows)


def _kinds(kinds: Mapping[str, DefectKind]) -> str:
    banks = list(dict.fromkeys(name for kind in kinds.values() for name in kind.banks))
    rows = [
        [
            name.replace("_", " "),
            f"{kind.rejected} of {kind.samples}",
            "" if kind.peaks_on_defect is None else f"{kind.peaks_on_defect:.0%}",
            *(f"{kind.banks[bank].median:.2f} ({kind.banks[bank].seen:.0%})" for bank in banks),
        ]
        for name, kind in kinds.items()
    ]
    return _lines(["defect", "rejected", "peak on it", *(f"`{bank}`" for bank in banks)], rows)
