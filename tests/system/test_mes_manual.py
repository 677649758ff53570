"""Every call of the page for MES integrators, run as it stands there, in its order, by curl, on the demo rig."""

from __future__ import annotations

import json
import re
import shlex
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from demo_process import DemoService

from api.access_matrix import matrix
from api.app import routed_app
from api.cli.demo import RECIPE
from api.schemas import Role

PAGE = Path(__file__).parents[2] / "docs" / "mes.md"
WITH_REASON = {
    r"/cancel$": {202, 409},  # what was inspected above is finished, what is taught here runs
    r"/frames\.zip": {404},  # the recipe keeps none
    r"-N .*/events": {200},
}
"""Calls that are answered otherwise here than where they are needed."""
_BEGINS_A_TASK = "/(teach|rejudge|check|self-test|captures) "
OF_PEOPLE = {"create_session", "delete_session", "change_own_password", "list_own_sessions", "end_own_session"}
CURL = """
curl() {
  local more=(-D headers -w '%{http_code} %{method} %{url_effective}' --max-time "$LONGEST_S")
  case " $* " in *" -o "*) ;; *) more+=(-o body) ;; esac
  command curl "$@" "${more[@]}"
}
"""


def commands() -> Iterator[str]:
    """The calls of the page, one by one, however many lines each takes."""
    for language, block in re.findall(r"(?ms)^```(\w*)\n(.*?)^```$", PAGE.read_text(encoding="utf-8")):
        if language:
            continue
        command = ""
        for line in block.splitlines():
            command += line + "\n"
            try:
                words = shlex.split(command.replace("\\\n", " "), comments=True)
            except ValueError:  # a quotation goes on
                continue
            if not line.endswith("\\"):
                if words[0] == "curl":
                    yield command
                else:
                    assert re.match(r"[A-Z]+=", words[0]), command
                command = ""
        assert not command


class Shell:
    """Somebody who types the page's calls, and fills in what earlier answers told."""

    def __init__(self, folder: Path, variables: dict[str, str]) -> None:
        self._folder = folder
        self.variables = variables
        self.asked: set[tuple[str, str]] = set()

    def run(self, command: str) -> tuple[int, dict]:
        """The status of an answer, and its content where that is JSON."""
        (self._folder / "body").write_text("{}")
        environment = {"PATH": "/usr/bin:/bin", "LONGEST_S": "3" if "-sN" in command else "120"} | self.variables
        done = subprocess.run(
            ["bash", "-uc", CURL + command], cwd=self._folder, env=environment, capture_output=True, text=True, timeout=180, check=False
        )
        assert re.fullmatch(r"[0-9]{3} \S+ \S+", done.stdout.strip()), (command, done.stdout, done.stderr)
        status, method, url = done.stdout.split()
        self.asked.add((method, httpx.URL(url).path))
        try:
            return int(status), json.loads((self._folder / "body").read_bytes())
        except ValueError:
            return int(status), {}


@pytest.fixture
def served(data_dir: Path) -> Iterator[DemoService]:
    service = DemoService(data_dir, "serve", "--rig", "demo")
    service.start()
    yield service
    service.stop(signal.SIGKILL)


@pytest.mark.slow
def test_every_call_of_the_page_for_integrators_is_answered(served: DemoService, tmp_path: Path) -> None:
    folder = tmp_path / "shell"
    folder.mkdir()
    with served.signed_in() as admin:
        roles = {"KEY": Role.MES, "PERSON": Role.OPERATOR, "ENG": Role.ENGINEER, "ADM": Role.ADMIN}
        keys = {n: admin.post("/api/v1/keys", json={"name": n, "role": role, "scope": "full"}).json()["key"] for n, role in roles.items()}
        shell = Shell(folder, keys | {"STATION": served.address, "API": f"{served.address}/api/v1", "RECIPE": RECIPE, "NEXT_CURSOR": "1"})

        def wait_for(path: str) -> None:
            while admin.get(path).json()["finished"] is None:
                threading.Event().wait(0.1)

        for command in commands():
            status, told = shell.run(command)
            allowed = next(
                (these for pattern, these in WITH_REASON.items() if re.search(pattern, command.split(" -H ")[0].strip())), {200, 201, 202, 204}
            )
            assert status in allowed, (command, status, told)
            if "Prefer: wait" in command:
                shell.variables["ID"] = told["id"]
                wait_for(f"/api/v1/inspections/{told['id']}")
            elif re.search(_BEGINS_A_TASK, command):
                shell.variables["TASK"] = told["id"]
            elif "/webhooks -H" in command:
                shell.variables["HOOK"] = told["id"]
            elif "/ping" in command:
                shell.variables["MESSAGE"] = told["id"]
            elif "/recipes/$RECIPE  " in command:
                shell.variables["MODEL"] = told["model_id"]
            if "$TASK/cancel" in command or re.search(_BEGINS_A_TASK.replace("teach|", ""), command):
                wait_for(f"/api/v1/tasks/{shell.variables['TASK']}")
    for file in ("rgb.png", "lot.csv", "inspection.pdf", "shift.pdf", "tile.jpg", "cloud.bin", "good.jpg", "now.jpg", "worn-tool.zip"):
        assert (folder / file).stat().st_size > 100, file
    for route in matrix(routed_app()):
        if (route.roles is None or Role.MES in route.roles) and route.name not in OF_PEOPLE:
            pattern = re.sub(r"\\{\w+\\}", r"[^/]+", re.escape(route.path))
            assert any(method == route.method and re.fullmatch(pattern, path) for method, path in shell.asked), (
                f"no curl for {route.method} {route.path}"
            )
