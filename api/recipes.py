"""The recipes of a station: what each consists of, in versions, and the models they judge by."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from threading import RLock
from typing import Any

from api import recipe_files
from api.recipe_files import write_text
from api.schemas_recipes import ModelInfo, RecipeVersion
from api.store.clock import now
from inference import model_file
from inference.d3m import D3M, D3MConfig, FitReport
from inference.prediction import Prediction
from inference.sample import D3Sample
from rig_configs.errors import Conflict, ModelError, NotFound

NAME = re.compile(r"^[a-z0-9][a-z0-9_-]{0,99}$")
MODEL_ID = re.compile(r"^d3m-[0-9a-f]{12}$")
_CURRENT = "current.txt"
_UNTOUCHED = RecipeVersion(version=0, created=None, by="", note="")


@dataclass(frozen=True)
class RecipeModel:
    """A model that judges at its recipe's threshold; its identity stays the one it was taught with."""

    taught: D3M
    own_threshold: float | None = None
    """The recipe's threshold, where it is not the model's."""

    @cached_property
    def _judge(self) -> D3M:
        if self.own_threshold is None:
            return self.taught
        state = self.taught.state
        return D3M(replace(state, decision=replace(state.decision, threshold=self.own_threshold)))

    def predict(self, sample: D3Sample) -> Prediction:
        """Judge one part. Raises SampleError."""
        return replace(self._judge.predict(sample), model_id=self.model_id, model_sha256=self.sha256)

    @property
    def threshold(self) -> float:
        """Score from which a part is NotOK."""
        return self._judge.threshold

    @property
    def model_id(self) -> str:
        """Short name of the taught model."""
        return self.taught.model_id

    @property
    def sha256(self) -> str:
        """Fingerprint of the taught model."""
        return self.taught.sha256

    @property
    def report(self) -> FitReport:
        """What teaching learned."""
        return self.taught.report


class Recipes:
    """Recipes by name. The model in use is read once and kept.

    Args:
        folder: where recipes are kept, one folder each.
        known: recipes that may be taught on this rig, beside those that are kept.
    """

    def __init__(self, folder: Path, known: Iterable[str] = ()) -> None:
        self._folder = folder
        self._known = tuple(known)
        self._models: dict[str, RecipeModel] = {}
        self._lock = RLock()

    @property
    def root(self) -> Path:
        """The folder of all recipes."""
        return self._folder

    @property
    def teaching(self) -> Path:
        """The folder of parts that are scanned for teaching, beside that of the recipes."""
        return self._folder.parent / "teaching"

    # ------------------------------------------------------------------------------------------------------- reading

    def names(self) -> list[str]:
        """Every recipe, taught or not."""
        kept = (p.name for p in self._folder.iterdir() if p.is_dir() and NAME.match(p.name)) if self._folder.is_dir() else ()
        return sorted({*self._known, *kept})

    def check(self, name: str) -> None:
        """Raises NotFound for a recipe that this station does not have; it lists those it has."""
        if name not in self.names():
            raise NotFound(f"There is no recipe '{name}'.", cure=f"Choose one of: {', '.join(self.names())}.", detail="recipe")

    def folder(self, name: str) -> Path:
        """Where a recipe is kept. Raises NotFound."""
        self.check(name)
        return self._folder / name

    def versions(self, name: str) -> list[int]:
        """Numbers of a recipe's versions, oldest first. Raises NotFound."""
        return recipe_files.versions(self.folder(name))

    def definition(self, name: str, version: int | None = None) -> RecipeVersion:
        """A recipe as it is now, or was in a version.

        Raises:
            NotFound: no such recipe or version.
            ModelError: the version's file is damaged.
        """
        there = self.versions(name)
        if version is None:
            return recipe_files.read(self.folder(name), there[-1]) if there else _UNTOUCHED
        if version not in there:
            raise NotFound(f"Recipe '{name}' has no version {version}.", cure=f"It has {len(there)}: see its versions.", detail="version")
        return recipe_files.read(self.folder(name), version)

    def is_taught(self, name: str) -> bool:
        """Whether the recipe has a model. Raises NotFound."""
        return self.definition(name).model_id is not None

    def model_ids(self, name: str) -> list[str]:
        """Models of a recipe. Raises NotFound."""
        folder = self.folder(name)
        return sorted(p.name for p in folder.iterdir() if MODEL_ID.match(p.name)) if folder.is_dir() else []

    def model(self, name: str) -> RecipeModel:
        """The model of a recipe, at the recipe's threshold.

        Raises:
            NotFound: no such recipe.
            ModelError: never taught, or its file is damaged.
        """
        definition = self.definition(name)
        if definition.model_id is None:
            raise ModelError(f"Recipe '{name}' has not been taught.", cure=f"Teach it from good parts: d3station teach {name}", detail="missing")
        with self._lock:
            kept = self._models.get(name)
            if kept is None or kept.model_id != definition.model_id:
                kept = RecipeModel(self.load(name, definition.model_id), definition.threshold)
            elif kept.own_threshold != definition.threshold:
                kept = RecipeModel(kept.taught, definition.threshold)
            self._models[name] = kept
            return kept

    def load(self, name: str, model_id: str) -> D3M:
        """Any model of a recipe, read from the disk.

        Raises:
            NotFound: no such recipe or model.
            ModelError: its file is damaged.
        """
        if model_id not in self.model_ids(name):
            raise NotFound(f"Recipe '{name}' has no model '{model_id}'.", cure="GET the recipe: it lists its models.", detail="model")
        return model_file.load(self._folder / name / model_id)

    def describe_models(self, name: str) -> list[ModelInfo]:
        """A recipe's models, newest first; one whose description cannot be read is left out. Raises NotFound."""
        active = self.definition(name).model_id
        found: list[ModelInfo] = []
        for model_id in self.model_ids(name):
            folder = self._folder / name / model_id
            try:
                content = json.loads((folder / "model.json").read_bytes())
                found.append(
                    ModelInfo(
                        model_id=model_id,
                        model_sha256=content["model_sha256"],
                        created=content["report"]["created"],
                        taught_from=len(content["report"]["samples"]),
                        threshold=content["decision"]["threshold"],
                        size_bytes=sum(file.stat().st_size for file in folder.iterdir()),
                        is_active=model_id == active,
                    )
                )
            except (OSError, ValueError, KeyError, TypeError):
                continue
        return sorted(found, key=lambda model: model.created, reverse=True)

    def current(self) -> str | None:
        """The recipe that the station was changed over to."""
        try:
            name = (self._folder / _CURRENT).read_text(encoding="utf-8").strip()
        except FileNotFoundError:
            return None
        return name if name in self.names() else None

    # ------------------------------------------------------------------------------------------------------ changing

    def change(self, name: str, by: str, note: str, expected: int | None = None, **changes: Any) -> RecipeVersion:
        """Make a recipe's next version.

        Args:
            name: the recipe.
            by: who changes it.
            note: what, and why.
            expected: the version that the change was thought of for.
            changes: fields of :class:`RecipeVersion`.

        Raises:
            NotFound: no such recipe.
            Conflict: it is not at the expected version any more.
        """
        with self._lock:
            now_is = self.definition(name)
            if expected is not None and now_is.version != expected:
                raise Conflict(
                    f"Recipe '{name}' is at version {now_is.version}, not {expected}.", cure="GET it, and change what is there now.", detail="version"
                )
            made = now_is.model_copy(update=changes | {"version": now_is.version + 1, "created": now(), "by": by, "note": note})
            recipe_files.write(self._folder / name, made)
            return made

    def create(self, name: str, by: str, note: str, **content: Any) -> RecipeVersion:
        """A new recipe.

        Raises:
            Conflict: there is one of this name.
        """
        with self._lock:
            if name in self.names() and self.versions(name):
                raise Conflict(f"There is a recipe '{name}' already.", cure="Choose another name, or change that one.", detail="recipe")
            (self._folder / name).mkdir(parents=True, exist_ok=True)
            return self.change(name, by, note, **content)

    def activate(self, name: str, model_id: str, by: str, note: str) -> RecipeVersion:
        """Judge by another of the recipe's models, at that model's own threshold. Raises NotFound, ModelError."""
        self.load(name, model_id)  # a model that cannot be read does not get into use
        return self.change(name, by, note, model_id=model_id, threshold=None)

    def roll_back(self, name: str, version: int, by: str, note: str) -> RecipeVersion:
        """Bring an earlier version's content back, as a new version. Raises NotFound, ModelError."""
        earlier = self.definition(name, version)
        if earlier.model_id is not None:
            self.load(name, earlier.model_id)
        content = {field: getattr(earlier, field) for field in ("product", "sequence", "ignore", "policy", "model_id", "threshold")}
        return self.change(name, by, note, **content)

    def change_over(self, name: str) -> None:
        """Set the station to a recipe: inspections that name none are judged by it, also after a restart. Raises NotFound, ModelError."""
        self.model(name)
        self.set_current(name)

    def set_current(self, name: str | None) -> None:
        """Say which recipe the station is changed over to, or that it is to none."""
        if name != self.current():
            write_text(self._folder / _CURRENT, f"{name or ''}\n")

    def withdraw(self, name: str, version: int) -> None:
        """Take back a version that was made just now, since it could not be recorded. Raises NotFound."""
        with self._lock:
            recipe_files.remove(self.folder(name), version)

    def teach(
        self,
        name: str,
        samples: Iterable[D3Sample],
        config: D3MConfig | None,
        progress: Callable[[float, str], None],
        cancelled: Callable[[], bool],
        by: str = "command line",
        note: str = "taught",
        activate: bool = True,
    ) -> D3M:
        """Fit a model on good samples and keep it beside the recipe's others, whole or not at all.

        Raises:
            NotFound: no such recipe.
            SampleError, Cancelled: from the fit.
        """
        self.check(name)
        model = D3M.fit(samples, config, progress, cancelled)
        self.add_model(name, model)
        if activate:
            self.change(name, by, note, model_id=model.model_id, threshold=None)
            with self._lock:
                self._models[name] = RecipeModel(model)
        return model

    def add_model(self, name: str, model: D3M) -> None:
        """Keep a model beside the recipe's others."""
        if model.model_id not in self.model_ids(name):
            model_file.save(model, self._folder / name / model.model_id, recipe=name)
