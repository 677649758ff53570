"""The recipes of a station, and the models they judge by."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from threading import Lock

from inference import model_file
from inference.d3m import D3M, D3MConfig
from inference.sample import D3Sample
from rig_configs.errors import ModelError, NotFound

NAME = re.compile(r"^[a-z0-9][a-z0-9_-]{0,99}$")


class Recipes:
    """Recipes by name, each with the model it was last taught; models are read once and kept.

    Args:
        folder: where models are kept, one folder a recipe.
        known: recipes that may be taught on this rig, beside those that have been.
    """

    def __init__(self, folder: Path, known: Iterable[str] = ()) -> None:
        self._folder = folder
        self._known = tuple(known)
        self._models: dict[str, D3M] = {}
        self._lock = Lock()

    def names(self) -> list[str]:
        """Every recipe, taught or not."""
        taught = (p.name for p in self._folder.iterdir() if p.is_dir() and NAME.match(p.name)) if self._folder.is_dir() else ()
        return sorted({*self._known, *taught})

    def check(self, name: str) -> None:
        """Raises NotFound for a recipe that this station does not have; it lists those it has."""
        if name not in self.names():
            raise NotFound(f"There is no recipe '{name}'.", cure=f"Choose one of: {', '.join(self.names())}.", detail="recipe")

    def is_taught(self, name: str) -> bool:
        """Whether the recipe has a model."""
        return (self._folder / name).is_dir()

    def model(self, name: str) -> D3M:
        """The model of a recipe.

        Raises:
            NotFound: no such recipe.
            ModelError: never taught, or its file is damaged.
        """
        self.check(name)
        with self._lock:
            if name not in self._models:
                if not self.is_taught(name):
                    raise ModelError(
                        f"Recipe '{name}' has not been taught.", cure=f"Teach it from good parts: d3station teach {name}", detail="missing"
                    )
                self._models[name] = model_file.load(self._folder / name)
            return self._models[name]

    def teach(
        self,
        name: str,
        samples: Iterable[D3Sample],
        config: D3MConfig | None,
        progress: Callable[[float, str], None],
        cancelled: Callable[[], bool],
    ) -> D3M:
        """Fit a model on good samples and put it in the recipe's place, whole or not at all.

        Raises:
            NotFound: no such recipe.
            SampleError, Cancelled: from the fit.
        """
        self.check(name)
        model = D3M.fit(samples, config, progress, cancelled)
        self._folder.mkdir(parents=True, exist_ok=True)
        model_file.save(model, self._folder / name, recipe=name)
        with self._lock:
            self._models[name] = model
        return model
