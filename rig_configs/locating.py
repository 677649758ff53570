"""Where in a YAML file what is wrong stands: for whoever looks at the file, not only at the message."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import yaml
from pydantic import BaseModel, ValidationError

from rig_configs.files import in_words


@dataclass(frozen=True, slots=True)
class FileProblem:
    """One thing that is wrong in a file."""

    line: int
    """Counted from 1."""
    column: int
    """Counted from 1."""
    path: str
    """The setting, its keys joined by dots; empty where the file as a whole is wrong."""
    message: str


def problems_in(text: str, model: type[BaseModel]) -> list[FileProblem]:
    """What is wrong in a YAML text, each thing with its place; empty where nothing is.

    Args:
        text: the file's content.
        model: what it shall describe.
    """
    try:
        root = cast("yaml.Node | None", yaml.compose(text, yaml.SafeLoader))  # pyright: ignore[reportUnknownMemberType]
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        return [FileProblem(line, column, "", str(getattr(error, "problem", None) or "this is not YAML"))]
    try:
        model.model_validate(content)
    except ValidationError as error:
        found = [_placed(root, one["loc"], in_words(one["type"], one["msg"])) for one in error.errors()]
        return sorted(found, key=lambda problem: (problem.line, problem.column))
    return []


def _placed(root: yaml.Node | None, location: tuple[int | str, ...], message: str) -> FileProblem:
    """Follow a location as far as the file goes: what is missing is shown at what it is missing from."""
    node, mark, keys = root, root.start_mark if root else None, list[str]()
    for depth, part in enumerate(location, 1):
        if isinstance(node, yaml.MappingNode):
            pair = next(((key, value) for key, value in node.value if key.value == str(part)), None)
            if pair is not None:
                mark, node = pair[0].start_mark, pair[1]
                keys.append(str(part))
                continue
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            mark = node.start_mark
            keys.append(str(part))
            continue
        # Either the key that is missing, or the driver by which pydantic chose among several models: that one is no key of the file.
        if depth == len(location):
            keys.append(str(part))
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    return FileProblem(line, column, ".".join(keys), message)
