"""Every code that the station may tell has words in both of the panel's languages: what it is, and what to do."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WORDS = ROOT / "api" / "panel" / "src" / "i18n"
PACKAGES = ("api", "acquisition", "photometric", "structured_light", "inference", "rig_configs")
OF_THE_PANEL = {"panel", "panel.unreachable", "http", "error"}


@cache
def _trees() -> list[ast.Module]:
    return [ast.parse(path.read_text()) for package in PACKAGES for path in (ROOT / package).rglob("*.py") if "node_modules" not in path.parts]


def _calls() -> Iterator[tuple[str, dict[str, ast.expr]]]:
    for tree in _trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                yield node.func.id, {word.arg: word.value for word in node.keywords if word.arg}


def _bases() -> dict[str, str]:
    """Code of each class of the tree, as it is written in the class."""
    found: dict[str, str] = {}
    for tree in _trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                for line in node.body:
                    if isinstance(line, ast.AnnAssign | ast.Assign) and isinstance(line.value, ast.Constant):
                        target = line.target if isinstance(line, ast.AnnAssign) else line.targets[0]
                        if isinstance(target, ast.Name) and target.id == "base_code":
                            found[node.name] = str(line.value.value)
    return found


def codes() -> set[str]:
    """Every code that is written in the source: of the classes, finer ones where they are raised, and reasons without an exception."""
    bases = _bases()
    found = set(bases.values())
    for name, words in _calls():
        detail, code = words.get("detail"), words.get("code")
        if name in bases and isinstance(detail, ast.Constant):
            found.add(f"{bases[name]}.{detail.value}")
        if name == "Reason" and isinstance(code, ast.Constant):
            found.add(str(code.value))
    return found


@pytest.fixture(params=["en", "zh"])
def words(request: pytest.FixtureRequest) -> dict[str, dict[str, str]]:
    return json.loads((WORDS / f"problems.{request.param}.json").read_text("utf-8"))


def test_every_code_has_words_and_a_cure(words: dict[str, dict[str, str]]) -> None:
    """At least those of the family that the code belongs to: 'something went wrong' is no answer."""
    assert len(codes()) > 200
    lost = [code for code in codes() - {"error"} if not any(code == known or code.startswith(known + ".") for known in words)]
    assert lost == []
    assert all(text["title"].strip() and text["cure"].strip() for text in words.values())


def test_both_languages_know_the_same_codes_and_none_that_is_never_told() -> None:
    english, chinese = (json.loads((WORDS / f"problems.{language}.json").read_text("utf-8")) for language in ("en", "zh"))
    assert list(english) == list(chinese)
    told = codes() | OF_THE_PANEL
    # What is put together while the station runs stands in the source in two pieces: the class, and the detail as a word of its own.
    pieces = {node.value for tree in _trees() for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    bases = set(_bases().values())
    for code in english:
        base, _, detail = code.rpartition(".")
        is_family = any(one.startswith(code + ".") for one in told | pieces)
        assert code in told or is_family or code in pieces or (base in bases and detail in pieces), code
    assert all(any("一" <= letter <= "鿿" for letter in text["title"] + text["cure"]) for text in chinese.values())


def test_what_stops_the_line_has_its_own_words() -> None:
    """An operator meets these at the line: each says its own cure, not its family's."""
    words = json.loads((WORDS / "problems.zh.json").read_text("utf-8"))
    for code in ("unplugged", "gone", "not_found", "no_answer", "hardware", "safe", "rig_process_died"):
        assert f"device.unavailable.{code}" in words, code
    for code in ("reconstruction.failed.empty", "reconstruction.failed.moved", "sample.invalid.foreground", "model.invalid.missing", "store.space"):
        assert code in words, code
