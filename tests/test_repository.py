"""What holds of the repository as a whole."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent
FILES = [ROOT / line for line in subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()]
SOURCES = [p for p in FILES if p.suffix in (".py", ".ts", ".tsx", ".c") and p.name != "schema.d.ts" and p.exists()]


def test_modules_hold_one_idea_each() -> None:
    assert {str(p.relative_to(ROOT)): n for p in SOURCES if (n := len(p.read_text().splitlines())) > 400} == {}


def test_every_version_is_pinned_and_no_registry_is_named() -> None:
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
    assert all(re.fullmatch(r"[a-z0-9.-]+==[\w.!+]+", line) for line in lines)
    assert "torch==2.13.0" in lines
    for name in (
        "constraints.txt",
        "pyproject.toml",
        "docker/setup.sh",
        "docker/Dockerfile",
        "Makefile",
        "api/panel/package-lock.json",
        "api/panel/.npmrc",
    ):
        assert not re.search(r"https?://[\w.-]*(pypi|npmjs|registry|mirror|files\.pythonhosted)", (ROOT / name).read_text()), name


def test_the_container_is_built_by_the_steps_of_make() -> None:
    dockerfile = (ROOT / "docker/Dockerfile").read_text()
    makefile = (ROOT / "Makefile").read_text()
    for step in ("runtime", "panel"):
        assert f"docker/setup.sh {step}" in dockerfile
        assert f"docker/setup.sh {step}" in makefile
    compose = yaml.safe_load((ROOT / "docker/compose.yaml").read_text())
    assert compose["services"]["station"]["build"]["dockerfile"] == "docker/Dockerfile"
    assert (ROOT / ".ci/run").read_text().strip().endswith("exec make test")


@pytest.mark.parametrize("page", sorted(p for p in FILES if p.suffix == ".md"), ids=lambda p: p.name)
def test_links_in_the_documentation_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)", page.read_text()):
        assert target.startswith("http") or (page.parent / target).exists(), f"{page.name}: {target}"


def test_nothing_is_pickled() -> None:
    assert [
        str(p) for p in SOURCES if p != Path(__file__) and re.search(r"^\s*(import|from) (pickle|joblib|dill)\b", p.read_text(), re.MULTILINE)
    ] == []
