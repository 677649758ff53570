"""A change of a recipe and its row in the audit log: both, or neither."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from sqlalchemy.orm import Session

from api.recipes import Recipes
from api.schemas_recipes import RecipeVersion
from api.security import Principal
from api.store import audit
from api.store.store import Store


@contextmanager
def audited(store: Store, recipes: Recipes, actor: Principal | audit.Actor, action: str, name: str, target: str | None = None) -> Generator[Session]:
    """Run a change of a recipe, and write it into the audit log with what the recipe was before and is after.

    Where the log does not take it, the version that was made goes again: there is no change without its row.
    """
    before = recipes.definition(name) if name in recipes.names() else None
    made: RecipeVersion | None = None
    try:
        with store.write() as session:
            yield session
            made = recipes.definition(name)
            audit.record(session, actor, action, target or name, before=before, after=made)
    except BaseException:
        if made is not None and (before is None or made.version != before.version):
            recipes.withdraw(name, made.version)
        raise
