"""The virtual camera's GenTL producer, compiled with plain gcc: one shared library, ``d3station.cti``.

``python -m acquisition.simulation.gentl.build`` compiles it ahead of time and says where it is, or what it lacks.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from acquisition.simulation.gentl.description import header
from rig_configs.errors import DeviceUnavailable

NAME = "d3station.cti"
_SOURCES = Path(__file__).parent
_FLAGS = ("-std=gnu11", "-O2", "-fPIC", "-shared", "-fvisibility=hidden", "-pthread", "-Wall", "-Wextra", "-Werror")


def producer() -> Path:
    """The compiled producer; compiles it where that was not yet done of these sources.

    Raises:
        DeviceUnavailable: there is no C compiler, or it does not compile.
    """
    constants = header()
    sources = sorted(_SOURCES.glob("*.[ch]"))
    contents = hashlib.sha256(b"\0".join([*(path.read_bytes() for path in sources), constants.encode(), " ".join(_FLAGS).encode()]))
    built = _cache() / contents.hexdigest()[:16] / NAME
    if not built.exists():
        built.parent.mkdir(parents=True, exist_ok=True)
        # Made beside it and renamed, so that two that build at once do not see each other's half.
        with tempfile.TemporaryDirectory(dir=built.parent) as folder:
            Path(folder, "description.h").write_text(constants)
            _compile([path for path in sources if path.suffix == ".c"], Path(folder))
            Path(folder, NAME).replace(built)
    return built


def _cache() -> Path:
    # In the virtual environment, so that it goes with it; outside one, where the user's other caches are.
    if sys.prefix != sys.base_prefix and os.access(sys.prefix, os.W_OK):
        return Path(sys.prefix, "gentl")
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "d3station", "gentl")


def _compile(sources: list[Path], folder: Path) -> None:
    compiler = next((found for name in ("gcc", "cc") if (found := shutil.which(name))), None)
    if compiler is None:
        raise DeviceUnavailable(
            "The virtual GenTL camera needs a C compiler, and there is none.",
            cure="Install gcc and libc6-dev, or use driver 'simulated', which needs none.",
            detail="no_compiler",
        )
    command = [compiler, *_FLAGS, f"-I{folder}", f"-I{_SOURCES}", *map(str, sources), "-o", str(folder / NAME), "-lm", "-ldl"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)  # noqa: S603 - our own sources
    if done.returncode:
        raise DeviceUnavailable(
            f"The virtual GenTL camera does not compile: {done.stderr.strip().splitlines()[:1]}",
            cure="Check that libc6-dev is installed, or use driver 'simulated', which needs no compiler.",
            detail="no_compiler",
        )


if __name__ == "__main__":
    try:
        print(producer())
    except DeviceUnavailable as problem:
        sys.exit(f"{problem}\nEverything else works: simulated rigs use the in-process camera.")
