"""Secrets that the station itself has to read again, sealed: the database, and every copy of it, holds them only with the station's key
locked. The key is a file of its own beside the database."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken

from rig_configs.errors import ServiceError


class SealBroken(ServiceError):
    """A secret cannot be read: it was sealed with another key."""

    base_code = "store.sealed"


class Sealing:
    """Seals and opens secrets.

    Args:
        data_dir: the data folder; its ``keys/secrets.key`` is made when something is first sealed, and only its owner can read it.
    """

    def __init__(self, data_dir: Path) -> None:
        self._path = data_dir / "keys" / "secrets.key"

    def seal(self, secret: str) -> str:
        """A secret as it is stored."""
        if not self._path.is_file():
            self._make_key()
        return self._fernet().encrypt(secret.encode()).decode()

    def open(self, sealed: str) -> str:
        """A stored secret as it was.

        Raises:
            SealBroken: the key is gone or another one.
        """
        try:
            return self._fernet().decrypt(sealed.encode()).decode()
        except (InvalidToken, OSError, ValueError) as cause:
            raise SealBroken(
                f"{self._path} is not the key that this secret was sealed with.",
                cure="Put the key file back from a backup, or have a new secret made.",
            ) from cause

    def _fernet(self) -> Fernet:
        return Fernet(self._path.read_bytes().strip())

    def _make_key(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, name = tempfile.mkstemp(dir=self._path.parent)  # readable by its owner alone
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(Fernet.generate_key() + b"\n")
                file.flush()
                os.fsync(file.fileno())
            if not self._path.exists():
                os.link(name, self._path)  # unlike a rename it never overwrites
        except FileExistsError:
            pass  # somebody was faster, and that key is as good
        finally:
            Path(name).unlink()
