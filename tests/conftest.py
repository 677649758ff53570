"""What every test needs before it imports anything else."""

import rig_configs  # noqa: F401 - first, because it tells the thread pools how to behave
