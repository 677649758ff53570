"""``d3station openapi`` and ``version``."""

from __future__ import annotations

import sys
from importlib.metadata import version as installed_version


def openapi() -> None:
    """Print the OpenAPI document of the REST interface."""
    from api.app import openapi_text

    sys.stdout.write(openapi_text())


def version() -> None:
    """Print the version."""
    sys.stdout.write(installed_version("d3station") + "\n")
