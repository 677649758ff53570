"""What long work tells of itself has a Chinese sentence in the panel."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SENTENCES = json.loads((ROOT / "api" / "panel" / "src" / "i18n" / "progress.zh.json").read_text("utf-8"))
TOLD_BY = {"progress", "_progress", "wait_for_person", "ask"}
PUT_TOGETHER = {
    "features of part {0}",
    "features of part {0} of {1}",
    "features of part {0} of {1}; {2} MB of memory will do",
    "ambient",
    "zone{0}",
    "projector{0}_pattern{1}",
    "devices answer",
    "every zone shines",
    "all goes dark",
    "matt white plate",
    "begins",
    "done",
}
"""In more than one place of the source, or as a name."""


def _template(text: ast.JoinedStr) -> str:
    places = iter(range(10))
    return "".join(str(piece.value) if isinstance(piece, ast.Constant) else f"{{{next(places)}}}" for piece in text.values)


def _texts(told: ast.expr) -> Iterator[str]:
    if isinstance(told, ast.JoinedStr):
        yield _template(told)
    elif isinstance(told, ast.IfExp):
        yield from _texts(told.body)
        yield from _texts(told.orelse)
    elif isinstance(told, ast.Constant) and isinstance(told.value, str):
        yield told.value


@pytest.mark.parametrize("file", ["api/teaching.py", "api/rig_care.py", "api/routes/backups.py", "api/routes/storage.py", "inference/fitting.py"])
def test_every_sentence_of_long_work_is_known(file: str) -> None:
    tree = ast.parse((ROOT / file).read_text())
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and node.args]
    told = {
        text
        for call in calls
        if (call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")) in TOLD_BY
        for text in _texts(call.args[-1])
    }
    assert told
    assert told <= set(SENTENCES)


def test_a_sentence_keeps_what_changes_in_it_and_is_chinese() -> None:
    assert set(SENTENCES) >= PUT_TOGETHER
    for english, chinese in SENTENCES.items():
        assert any("一" <= letter <= "鿿" for letter in chinese), english
        assert {place for place in range(9) if f"{{{place}}}" in english} == {place for place in range(9) if f"{{{place}}}" in chinese}
