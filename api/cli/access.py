"""``d3station access``: who may sign in, and with what."""

from __future__ import annotations

import getpass
import logging
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer
from pydantic import BaseModel, ValidationError

from api.cli.common import DATA_DIR, DataDirOption, JsonOption, print_json, stderr
from api.schemas import Role
from api.schemas_people import Scope
from rig_configs.errors import Unprocessable

if TYPE_CHECKING:
    from api.accounts import Accounts
    from api.store.audit import Actor

T = TypeVar("T", bound=BaseModel)

app = typer.Typer(help="Who may sign in: users, one-time sign-in links, keys for machines.", no_args_is_help=True)


@contextmanager
def _accounts(data_dir: Path) -> Generator[Accounts]:
    from api.accounts import Accounts
    from api.log import configure_logging
    from api.settings import Settings
    from api.store.store import open_store

    configure_logging(level=logging.WARNING)  # standard output is for the link or the key alone
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
        sys.stdout.write(accounts.create_sign_in_link(role, minutes, url, _me()) + "\n")


@app.command()
def user(
    name: Annotated[str, typer.Argument(help="Name to sign in with.")],
    role: Annotated[Role | None, typer.Option(help="What the user may do; operator for a new one when not given.")] = None,
    password_file: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="File whose first line is the password; asked for when not given.")
    ] = None,
    disable: Annotated[bool | None, typer.Option("--disable/--enable", help="Lock an existing user out, or let them in again.")] = None,
    data_dir: DataDirOption = DATA_DIR,
) -> None:
    """Make a user, or change one that is there: role, password, or being locked out."""
    from api.schemas_people import UserChange, UserRequest

    with _accounts(data_dir) as accounts:
        known = next((u for u in accounts.users.all() if u.name == name), None)
        password = _password(password_file) if password_file or known is None or (role is None and disable is None) else None
        try:
            if known is None:
                wanted = UserRequest.model_validate({"name": name, "role": role or Role.OPERATOR, "password": password})
                done = accounts.users.create(wanted.name, Role(wanted.role), wanted.password, _me())
            else:
                done = accounts.users.change(name, UserChange.model_validate({"role": role, "password": password, "is_disabled": disable}), _me())
        except ValidationError as error:
            raise _unfit(error) from error
    stderr.print(f"'{done.name}' may sign in as {done.role.value}." if done.disabled is None else f"'{done.name}' is locked out.", markup=False)


@app.command()
def users(as_json: JsonOption = False, data_dir: DataDirOption = DATA_DIR) -> None:
    """List everybody who has a password."""
    with _accounts(data_dir) as accounts:
        found = accounts.users.all()
    _print_rows(found, as_json, lambda u: f"{u.name}  {u.role.value}{'  locked out' if u.disabled else ''}")


@app.command()
def key(
    name: Annotated[str, typer.Argument(help="What the key is for, such as mes-line-3.")],
    role: Annotated[Role, typer.Option(help="What its holder may do.")] = Role.MES,
    scope: Annotated[Scope, typer.Option(help="Narrows the role: 'read' only reads, 'trigger' also asks for and cancels inspections.")] = Scope.FULL,
    days: Annotated[float | None, typer.Option(min=0.01, max=3650, help="Days until the key no longer works; never when not given.")] = None,
    data_dir: DataDirOption = DATA_DIR,
) -> None:
    """Make an API key and print it; it is shown this once and kept nowhere."""
    from api.store.clock import now

    with _accounts(data_dir) as accounts:
        expires = None if days is None else now() + timedelta(days=days)
        sys.stdout.write(accounts.create_key(name, role, scope, expires, _me()) + "\n")


@app.command()
def keys(as_json: JsonOption = False, data_dir: DataDirOption = DATA_DIR) -> None:
    """List the keys, revoked ones too."""
    with _accounts(data_dir) as accounts:
        found = accounts.keys()
    _print_rows(
        found,
        as_json,
        lambda k: f"{k.name}  {k.role.value}/{k.scope.value}  last used {k.last_used or 'never'}{'  revoked' if k.revoked else ''}",
    )


@app.command()
def revoke(name: Annotated[str, typer.Argument(help="Name of the key.")], data_dir: DataDirOption = DATA_DIR) -> None:
    """Make an API key useless."""
    with _accounts(data_dir) as accounts:
        accounts.revoke_key(name, _me())
    stderr.print(f"The key '{name}' no longer works.", markup=False)


@app.command()
def matrix(
    into: Annotated[Path | None, typer.Option(exists=True, dir_okay=False, help="Put the table into this page, in place of the one there.")] = None,
) -> None:
    """Print which role may call which route, as the table of docs/admin.md."""
    from api.access_matrix import BEGIN, END, as_markdown
    from api.access_matrix import matrix as matrix_of
    from api.app import routed_app

    table = as_markdown(matrix_of(routed_app()))
    if into is None:
        sys.stdout.write(table)
        return
    before, _, rest = into.read_text(encoding="utf-8").partition(BEGIN)
    into.write_text(before + table + rest.partition(END + "\n")[2], encoding="utf-8")


def _me() -> Actor:
    from api.store.audit import Actor

    return Actor(getpass.getuser(), "command")


def _password(file: Path | None) -> str:
    if file is not None:
        return file.read_text(encoding="utf-8").partition("\n")[0].rstrip("\r")
    return typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)


def _unfit(error: ValidationError) -> Unprocessable:
    first = error.errors()[0]
    field = ".".join(str(part) for part in first["loc"])
    return Unprocessable(f"{field}: {first['msg']}.", cure="See d3station access user --help and docs/admin.md.", detail="user")


def _print_rows(rows: list[T], as_json: bool, in_words: Callable[[T], str]) -> None:
    if as_json:
        print_json([row.model_dump(mode="json") for row in rows])
    else:
        for row in rows:
            sys.stdout.write(in_words(row) + "\n")
