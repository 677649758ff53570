"""A benchmark on disk: what is finished stays finished, category by category."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

from pydantic import ValidationError

from inference.benchmark import Look, Progress, run_category
from inference.benchmark_plan import Variant, fingerprint
from inference.benchmark_results import CategoryResult
from inference.datasets.dataset import Dataset, Split


def run(
    dataset: Dataset,
    categories: Sequence[str],
    variants: Sequence[Variant],
    folder: Path,
    progress: Progress,
    cancelled: Callable[[], bool],
    look: Look | None = None,
) -> dict[str, CategoryResult]:
    """Run a benchmark, or the rest of it.

    Args:
        dataset: the data set.
        categories: which of its products, in order.
        variants: what is compared.
        folder: a file ``<category>.json`` is kept here for each that is finished; one of the same settings and samples is taken over.
        progress: told the share done and what is going on.
        cancelled: asked often.
        look: shown every sample that is judged now, not those taken over.

    Raises:
        NotFound, SampleError, Cancelled: see ``run_category``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    results: dict[str, CategoryResult] = {}
    for number, category in enumerate(categories):
        listed = [(split.value, s.sample_id) for split in (Split.TRAIN, Split.TEST) for s in dataset.samples(category, split)]
        key, path = fingerprint(variants, listed), folder / f"{category}.json"
        finished = _finished(path, key)
        if finished is None:

            def within(share: float, message: str, number: int = number) -> None:
                progress((number + share) / len(categories), message)

            finished = run_category(dataset, category, variants, within, cancelled, look)
            _keep(path, key, finished)
        results[category] = finished
        progress((number + 1) / len(categories), f"{category} done")
    return results


def _finished(path: Path, key: str) -> CategoryResult | None:
    """The result kept there, if it is of these settings; a torn or foreign file is as good as none."""
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        return CategoryResult.model_validate(kept["result"]) if kept["fingerprint"] == key else None
    except (OSError, ValueError, KeyError, TypeError, ValidationError):
        return None


def _keep(path: Path, key: str, result: CategoryResult) -> None:
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps({"fingerprint": key, "result": result.model_dump()}, indent=1), encoding="utf-8")
    partial.replace(path)
