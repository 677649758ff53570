"""The command line: ``d3station``."""

from __future__ import annotations

import sys
from typing import NoReturn

import typer
from rich.console import Console

from api.cli import (
    access,
    benchmark,
    benchmark_d3m,
    benchmark_normals,
    calibrate,
    dataset,
    db,
    demo,
    inspect,
    reconstruct,
    rig,
    serve,
    teach,
    upkeep,
    weights,
)
from rig_configs.errors import Cancelled, ConfigurationError, D3Error

app = typer.Typer(
    name="d3station",
    help="Capture a part with four lights and four projectors, reconstruct it, and judge it with D³M.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.command("demo")(demo.demo)
app.command("serve")(serve.serve)
app.add_typer(rig.app, name="rig")
app.add_typer(calibrate.app, name="calibrate")
app.command("reconstruct")(reconstruct.reconstruct)
app.add_typer(dataset.app, name="dataset")
app.command("teach")(teach.teach)
app.command("inspect")(inspect.inspect)
benchmark.app.callback(invoke_without_command=True)(benchmark_d3m.benchmark)
benchmark.app.command("normals")(benchmark_normals.normals)
app.add_typer(benchmark.app, name="benchmark")
app.add_typer(weights.app, name="weights")
app.add_typer(access.app, name="access")
app.add_typer(db.app, name="db")
app.command("openapi")(upkeep.openapi)
app.command("version")(upkeep.version)


def main() -> None:
    """Run a command; what fails on purpose says what happened and the cure, and exits non-zero."""
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)
    except D3Error as error:
        _fail(error.message, error.cure, error.code, 2 if isinstance(error, ConfigurationError) else 130 if isinstance(error, Cancelled) else 1)
    except OSError as error:
        where = f" {error.filename}" if error.filename else ""
        _fail(f"The system refused{where}: {error.strerror or error}.", "Check the path, its permissions and the space on its disk.", "system", 1)


def _fail(message: str, cure: str, code: str, status: int) -> NoReturn:
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    console.print(f"error: {message}", style="bold red", markup=False)
    console.print(f"{cure}  [{code}]", markup=False)
    sys.exit(status)


if __name__ == "__main__":
    main()
