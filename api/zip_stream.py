"""A folder as a zip, sent as it is read: nothing is copied on the disk first."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

_CHUNK = 2**20


class _Outbox(io.RawIOBase):
    """What the zip writer has written and nobody has taken yet; it cannot seek, so the writer does not go back."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: bytes, /) -> int:  # pyright: ignore[reportIncompatibleMethodOverride]
        self._pieces.append(bytes(data))
        return len(data)

    def take(self) -> bytes:
        taken = b"".join(self._pieces)
        self._pieces.clear()
        return taken


def zipped(folder: Path) -> Iterator[bytes]:
    """The files of a folder, not those in folders in it, in pieces of a zip; frames do not compress, so they are stored."""
    outbox = _Outbox()
    with zipfile.ZipFile(outbox, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        for path in sorted(path for path in folder.iterdir() if path.is_file()):
            entry = zipfile.ZipInfo.from_file(path, f"{folder.name}/{path.name}")
            with path.open("rb") as source, archive.open(entry, "w", force_zip64=True) as packed:
                while chunk := source.read(_CHUNK):
                    packed.write(chunk)
                    yield outbox.take()
    yield outbox.take()
