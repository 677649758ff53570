"""A recipe with its model as one signed file, to take it from one station to another.

A zip of ``manifest.json`` (the recipe, and size and SHA-256 of each file), ``signature.json`` (Ed25519 over the manifest's bytes) and the
model's files. Only these names are read, none is used as a path, and nothing is unpacked beyond the size that the signed manifest names.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import tempfile
import zipfile
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from pydantic import Field, ValidationError

from api.recipes import Recipes
from api.schemas import Schema
from api.schemas_recipes import ImportedRecipe, RecipeName, RecipeVersion
from inference import model_file
from rig_configs.errors import ModelError, Unprocessable

FORMAT = "d3station-recipe/1"
MANIFEST, SIGNATURE = "manifest.json", "signature.json"
MODEL_FILES = ("model.safetensors", "model.json", "sha256sums")
MOST_BYTES = 512 * 2**20
"""Of an archive, and of what is unpacked from it."""
_MOST_TEXT_BYTES = 2**20
_CHUNK = 2**20


class _File(Schema):
    size_bytes: int = Field(ge=0, le=MOST_BYTES, description="Size, bytes.")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$", description="SHA-256 of the content.")


class _Manifest(Schema):
    format: str = Field(description="Kind and version of the archive.")
    recipe: RecipeName = Field(description="Name of the recipe.")
    content: RecipeVersion = Field(description="The recipe.")
    files: dict[str, _File] = Field(description="Files of the model.")


class _Signature(Schema):
    algorithm: str = Field(pattern="^ed25519$", description="How it is signed.")
    public_key: str = Field(max_length=100, description="Public key, base64.")
    signature: str = Field(max_length=200, description="Signature over the manifest's bytes, base64.")


@dataclass(frozen=True, slots=True)
class SigningKey:
    """The station's key that its archives are signed with."""

    private: Ed25519PrivateKey

    @classmethod
    def of(cls, data_dir: Path) -> SigningKey:
        """The key of a data folder, made at its first use; only its owner can read it."""
        path = data_dir / "keys" / "recipes.pem"
        if not path.is_file():
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            pem = Ed25519PrivateKey.generate().private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            handle, name = tempfile.mkstemp(dir=path.parent)
            with os.fdopen(handle, "wb") as file:
                file.write(pem)
                file.flush()
                os.fsync(file.fileno())
            Path(name).rename(path)
        key = serialization.load_pem_private_key(path.read_bytes(), None)
        if not isinstance(key, Ed25519PrivateKey):
            raise ModelError(
                f"{path} is not an Ed25519 key.", cure="Restore it from a backup, or remove it: a new one is made.", detail="signing_key"
            )
        return cls(key)

    @property
    def public(self) -> bytes:
        """The public key, 32 bytes."""
        return self.private.public_key().public_bytes_raw()

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the public key: what another station is told to trust."""
        return hashlib.sha256(self.public).hexdigest()


def write(recipes: Recipes, name: str, key: SigningKey, target: Path) -> None:
    """Write a recipe and the model it judges by to a file.

    Raises:
        NotFound: no such recipe.
        ModelError: it was never taught, or its model is damaged.
    """
    recipes.model(name)  # what cannot be read does not leave the house
    content = recipes.definition(name)
    assert content.model_id is not None
    folder = recipes.folder(name) / content.model_id
    files = {file: _File(size_bytes=(folder / file).stat().st_size, sha256=_sha256(folder / file)) for file in MODEL_FILES}
    manifest = _Manifest(format=FORMAT, recipe=name, content=content, files=files).model_dump_json(indent=1).encode()
    signature = _Signature(
        algorithm="ed25519", public_key=base64.b64encode(key.public).decode(), signature=base64.b64encode(key.private.sign(manifest)).decode()
    )
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr(MANIFEST, manifest)
        archive.writestr(SIGNATURE, signature.model_dump_json())
        for file in MODEL_FILES:
            archive.write(folder / file, file)


@dataclass(frozen=True, slots=True)
class Arrived:
    """A recipe that came in a file and was found right; its model lies beside the recipe's others already."""

    recipe: str
    content: RecipeVersion
    signed_by: str
    is_own: bool
    """Whether this station signed it."""

    def take_in(self, recipes: Recipes, by: str) -> ImportedRecipe:
        """Make it the recipe's next version."""
        fields = {field: getattr(self.content, field) for field in ("product", "sequence", "ignore", "policy", "model_id", "threshold")}
        made = recipes.change(self.recipe, by, f"imported: version {self.content.version} of {self.signed_by[:12]}", **fields)
        return ImportedRecipe(
            recipe=self.recipe, version=made.version, model_id=made.model_id, signed_by=self.signed_by, origin="own" if self.is_own else "trusted"
        )


def read(source: Path, recipes: Recipes, key: SigningKey, trusted: Collection[str]) -> Arrived:
    """Read a recipe from a file, and put its model beside those that are there.

    Args:
        source: the archive.
        recipes: where it goes.
        key: the station's own key.
        trusted: fingerprints of other stations' keys.

    Raises:
        Unprocessable: not an archive, damaged, or signed by somebody who is not trusted; nothing is changed.
        ModelError: its model cannot be used here.
    """
    try:
        with zipfile.ZipFile(source) as archive:
            return _read(archive, recipes, key, trusted)
    except (zipfile.BadZipFile, ValidationError, ValueError, KeyError, EOFError, NotImplementedError, RuntimeError, OSError) as cause:
        raise _refused("is damaged, or no archive of a recipe") from cause


def _read(archive: zipfile.ZipFile, recipes: Recipes, key: SigningKey, trusted: Collection[str]) -> Arrived:
    if sorted(archive.namelist()) != sorted((MANIFEST, SIGNATURE, *MODEL_FILES)):
        raise _refused("does not hold the files of a recipe")
    text = _small(archive, MANIFEST)
    signed_by = _signer(text, _Signature.model_validate_json(_small(archive, SIGNATURE)))
    own = signed_by == key.fingerprint
    if not own and signed_by not in trusted:
        raise Unprocessable(
            f"The archive is signed by {signed_by}, whom this station does not trust.",
            cure="If that is the other station's key, add it to D3STATION_TRUSTED_RECIPE_KEYS and import again.",
            detail="signer",
        )
    manifest = _Manifest.model_validate(json.loads(text))
    if manifest.format != FORMAT or set(manifest.files) != set(MODEL_FILES) or sum(f.size_bytes for f in manifest.files.values()) > MOST_BYTES:
        raise _refused("has another format, or is too large")
    with tempfile.TemporaryDirectory(prefix="import-") as scratch:
        folder = Path(scratch) / "model"
        folder.mkdir()
        for name, file in manifest.files.items():
            _unpack(archive, name, file, folder / name)
        model = model_file.load(folder)
        if model.model_id != manifest.content.model_id:
            raise _refused("holds another model than its recipe names")
        (recipes.root / manifest.recipe).mkdir(parents=True, exist_ok=True)
        recipes.add_model(manifest.recipe, model)
    return Arrived(manifest.recipe, manifest.content, signed_by, own)


def _signer(text: bytes, signature: _Signature) -> str:
    public = base64.b64decode(signature.public_key, validate=True)
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(base64.b64decode(signature.signature, validate=True), text)
    except InvalidSignature as cause:
        raise _refused("is not what was signed") from cause
    return hashlib.sha256(public).hexdigest()


def _small(archive: zipfile.ZipFile, name: str) -> bytes:
    with archive.open(name) as file:
        text = file.read(_MOST_TEXT_BYTES + 1)
    if len(text) > _MOST_TEXT_BYTES:
        raise _refused(f"has a {name} that is too large")
    return text


def _unpack(archive: zipfile.ZipFile, name: str, wanted: _File, target: Path) -> None:
    digest, left = hashlib.sha256(), wanted.size_bytes
    with archive.open(name) as packed, target.open("wb") as file:
        while chunk := packed.read(min(_CHUNK, left + 1)):
            left -= len(chunk)
            if left < 0:
                break
            digest.update(chunk)
            file.write(chunk)
    if left != 0 or digest.hexdigest() != wanted.sha256:
        raise _refused(f"holds another {name} than was signed")


def _refused(what: str) -> Unprocessable:
    return Unprocessable(f"The archive {what}.", cure="Export the recipe again, and import that file unchanged.", detail="archive")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def scratch_file(folder: Path) -> Path:
    """An empty file for an archive that comes or goes, on the data folder's disk; the caller removes it."""
    folder.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=folder, suffix=".zip")
    os.close(handle)
    return Path(name)
