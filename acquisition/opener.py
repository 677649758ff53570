"""How a process is told what to open: the name of a function and its plain arguments, for a process that is born empty."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Opener:
    """A function that opens devices, by name.

    It is imported in the process that calls it, so it is best in a module that imports little.
    """

    target: str
    """``package.module:function``."""
    arguments: tuple[str | int | float | bool | None, ...] = ()
    """What the function is called with."""

    def load(self) -> Callable[[], Any]:
        """Import the function; calling what this returns opens. Raises ImportError, AttributeError."""
        module, _, name = self.target.partition(":")
        function = getattr(importlib.import_module(module), name)
        return lambda: function(*self.arguments)

    def to_json(self) -> str:
        """The opener as text; :meth:`from_json` reads it."""
        return json.dumps([self.target, *self.arguments])

    @classmethod
    def from_json(cls, text: str) -> Opener:
        """An opener from what :meth:`to_json` wrote."""
        target, *arguments = json.loads(text)
        return cls(target, tuple(arguments))
