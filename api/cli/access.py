"""``d3station access``: who may sign in, and with what."""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.common import DATA_DIR, DataDirOption, stderr
from api.schemas import Role

if TYPE_CHECKING:
    from api.security import Accounts

app = typer.Typer(help="Sign-in links for people, keys for machines.", no_args_is_help=True)


@contextmanager
def _accounts(data_dir: Path) -> Generator[Accounts]:
    from api.security import Accounts
    from api.settings import Settings
    from api.store.store import open_store

    settings = Settings(data_dir=data_dir)
    store = open_store(settings)
    try:
        yield Accounts(store, settings.session_hours)
    finally:
        store.close()


@app.command()
def link(
    role: Annotated[Role, typer.Option(help="What the person may do.")] = Role.OPERATOR,
    minutes: Annotated[float, typer.Option(min=1, max=24 * 60, help="How long the link works, minutes.")] = 15,
    url: Annotated[str, typer.Option(help="Address of the service as the person's browser sees it.")] = "http://127.0.0.1:8000",
    data_dir: DataDirOption = DATA_DIR,
) -> None:
    """Print a link that signs one browser in, once."""
    with _accounts(data_dir) as accounts:
        sys.stdout.write(accounts.create_sign_in_link(role, minutes, url) + "\n")


@app.command()
def key(
    name: Annotated[str, typer.Argument(help="What the key is for, such as mes-line-3.")],
    role: Annotated[Role, typer.Option(help="What its holder may do.")] = Role.MES,
    data_dir: DataDirOption = DATA_DIR,
) -> None:
    """Make an API key and print it; it is shown this once and kept nowhere."""
    with _accounts(data_dir) as accounts:
        sys.stdout.write(accounts.create_key(name, role) + "\n")


@app.command()
def revoke(name: Annotated[str, typer.Argument(help="Name of the key.")], data_dir: DataDirOption = DATA_DIR) -> None:
    """Make an API key useless."""
    with _accounts(data_dir) as accounts:
        accounts.revoke_key(name)
    stderr.print(f"The key '{name}' no longer works.", markup=False)
