"""What every test needs before it imports anything else."""

import pytest
from hypothesis import settings

import rig_configs  # noqa: F401 - first, because it tells the thread pools how to behave

# No test asserts a wall-clock time, hypothesis' own deadline included: other work on the machine is no fault of the code.
settings.register_profile("d3station", deadline=None)
settings.load_profile("d3station")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the long ones first: where files run side by side, the last of them then ends soon after the others."""
    items.sort(key=lambda item: "system" not in item.path.parts)
