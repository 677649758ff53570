"""Files that are made when first asked for, and forgotten when others need the room."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path


class FileCache:
    """Folders by key, the least recently used of which goes when all together take too much.

    Args:
        root: where they are; nothing there is worth keeping.
        most_bytes: what they may take together.
    """

    def __init__(self, root: Path, most_bytes: int) -> None:
        self._root = root
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._sizes: dict[str, int] | None = None
        """Bytes by key, the least recently used first."""
        self._turns: dict[str, tuple[threading.Lock, int]] = {}
        """Of the folders that are made just now: whose turn it is, and how many want it."""

    def folder(self, key: str, make: Callable[[Path], None]) -> Path:
        """The folder of a key; where it is not there yet, ``make`` fills an empty one.

        Args:
            key: names the content for good, such as its SHA-256: letters, digits, hyphens.
            make: writes the files; what it raises, this raises, and nothing is kept.
        """
        target = self._root / key
        if self._is_there(key):
            return target
        # Who waits for the same files waits for them alone: others are made meanwhile.
        with self._turn(key):
            if self._is_there(key):
                return target
            partial = self._root / f"{key}.partial"
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir(parents=True)
            try:
                make(partial)
            except BaseException:
                shutil.rmtree(partial, ignore_errors=True)
                raise
            size = _size(partial)
            with self._lock:
                partial.rename(target)
                sizes = self._known()
                sizes[key] = size
                self._forget(sizes, key)
            return target

    def _is_there(self, key: str) -> bool:
        """Whether a folder is made; it is then the one used last."""
        with self._lock:
            sizes = self._known()
            if key not in sizes or not (self._root / key).is_dir():
                return False
            sizes[key] = sizes.pop(key)
            return True

    @contextmanager
    def _turn(self, key: str) -> Generator[None]:
        """One after the other, of those who want the same key."""
        with self._lock:
            lock, waiting = self._turns.get(key, (threading.Lock(), 0))
            self._turns[key] = (lock, waiting + 1)
        try:
            with lock:
                yield
        finally:
            with self._lock:
                lock, waiting = self._turns.pop(key)
                if waiting > 1:
                    self._turns[key] = (lock, waiting - 1)

    def _known(self) -> dict[str, int]:
        if self._sizes is None:
            self._root.mkdir(parents=True, exist_ok=True)
            found = sorted(os.scandir(self._root), key=lambda entry: entry.stat().st_mtime)
            for entry in found:
                if entry.name.endswith(".partial"):
                    shutil.rmtree(entry.path, ignore_errors=True)
            self._sizes = {entry.name: _size(Path(entry.path)) for entry in found if not entry.name.endswith(".partial")}
        return self._sizes

    def _forget(self, sizes: dict[str, int], but: str) -> None:
        for key in [key for key in sizes if key != but]:
            if sum(sizes.values()) <= self._most_bytes:
                return
            shutil.rmtree(self._root / key, ignore_errors=True)
            del sizes[key]


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
