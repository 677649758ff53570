"""``make bench``: every ``rows()`` of this folder, as a table and as bench.json.

Figures are ratios where a bar is one, measured side by side in this run; absolute times belong to this machine alone, whose
memory-copy rate is measured with them.
"""

from __future__ import annotations

import importlib
import json
import os
import platform
import sys
import time
from pathlib import Path
from typing import Any

import rig_configs  # noqa: F401 - first, because it tells the thread pools how to behave


def memory_copy() -> dict[str, Any]:
    """Rate of a plain memory copy, bytes read and written."""
    import numpy as np

    source = np.ones(512 * 2**20, np.uint8)
    target = np.zeros_like(source)
    best = float("inf")
    for _ in range(5):
        start = time.perf_counter()
        np.copyto(target, source)
        best = min(best, time.perf_counter() - start)
    machine = f"{os.cpu_count()} cores, {platform.machine()}"
    return {"name": "memory copy", "value": 2 * source.nbytes / best / 1e9, "unit": "GB/s", "against": machine, "bar": None, "holds": None}


def main(wanted: list[str]) -> int:
    """Run the benchmarks (all, or those named), print and write them; non-zero when a bar does not hold."""
    from rich.console import Console
    from rich.table import Table

    names = sorted(p.stem for p in Path(__file__).parent.glob("bench_*.py"))
    rows = [memory_copy()]
    for name in names:
        if not wanted or name.removeprefix("bench_") in wanted:
            Console(stderr=True).print(f"{name} …")
            rows += importlib.import_module(f"tests.benchmarks.{name}").rows()
    Path("bench.json").write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
    table = Table("what", "value", "unit", "against", "bar", "holds")
    for row in rows:
        held = "" if row["holds"] is None else "yes" if row["holds"] else "[red]no[/red]"
        table.add_row(row["name"], f"{row['value']:.3g}", row["unit"], str(row["against"]), str(row["bar"] or ""), held)
    Console().print(table)
    return int(any(row["holds"] is False for row in rows))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
