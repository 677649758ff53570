"""``d3station db``, ``openapi`` and ``version``."""

from __future__ import annotations

import sys
from importlib.metadata import version as installed_version

import typer

from api.cli.common import DATA_DIR, DataDirOption, stderr

db = typer.Typer(help="Upkeep of the database.", no_args_is_help=True)


@db.command()
def upgrade(data_dir: DataDirOption = DATA_DIR) -> None:
    """Bring the database to the schema of this version."""
    from api.settings import Settings
    from api.store.store import open_store

    open_store(Settings(data_dir=data_dir)).close()
    stderr.print(f"The database in {data_dir} is up to date.")


def openapi() -> None:
    """Print the OpenAPI document of the REST interface."""
    from api.app import openapi_text

    sys.stdout.write(openapi_text())


def version() -> None:
    """Print the version."""
    sys.stdout.write(installed_version("d3station") + "\n")
