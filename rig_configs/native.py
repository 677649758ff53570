"""Native libraries that a pip package expects of the system and that a bare system lacks."""

from __future__ import annotations

import ctypes
import importlib
from typing import Any

import numba


def import_open3d() -> Any:
    """The ``open3d`` module.

    Open3D's wheel links libusb for the depth cameras it supports, and does not bring it. A system with a desktop has it, a
    container rarely has; there it comes from the pip package ``libusb-package``, loaded first so that the linker finds it by its name.
    The wheel also brings a TBB older than Numba wants: Numba is told to thread by OpenMP, or it would find that TBB and warn.

    Raises:
        ImportError: neither the system nor pip has libusb.
    """
    numba.config.THREADING_LAYER_PRIORITY = ["omp", "tbb", "workqueue"]  # type: ignore[attr-defined]
    try:
        ctypes.CDLL("libusb-1.0.so.0", mode=ctypes.RTLD_GLOBAL)
    except OSError:
        package: Any = importlib.import_module("libusb_package")
        if (path := package.get_library_path()) is not None:
            ctypes.CDLL(str(path), mode=ctypes.RTLD_GLOBAL)
    return importlib.import_module("open3d")
