# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Signatures of packages with OpenSSF's model-signing, made and checked offline.

A signature is a Sigstore bundle over the hashes of all files, by an elliptic-curve key that its
owner keeps. The tool `model_signing` checks the same file on a package that was unpacked.
"""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from roof_detector.inference.errors import BadModel, InferenceError, UnsafeModel
from roof_detector.inference.package.container import write_files, write_zip
from roof_detector.inference.package.manifest import SIGNATURE
from roof_detector.inference.package.model_package import ModelPackage

if TYPE_CHECKING:
    from collections.abc import Iterator


def sign_package(path: Path, *, private_key: Path, password: str | None = None) -> None:
    """Sign a package in place, with a private key (PEM), replacing a former signature.

    Raises BadModel if the package is incomplete, InferenceError if it cannot be signed.
    """
    package = ModelPackage.open(path)
    with _unpacked(package) as (folder, signature):
        try:
            # Importing it takes a second, which only signing and checking need.
            from model_signing import signing  # noqa: PLC0415

            signing.Config().use_elliptic_key_signer(
                private_key=private_key, password=password
            ).sign(folder, signature)
        except Exception as error:  # keys and files raise errors of many libraries
            msg = (
                f'{path} cannot be signed with {private_key} ({_first_line(error)}). Give an '
                'elliptic-curve private key in PEM: roof_detector models key.'
            )
            raise InferenceError(msg) from error
        content = signature.read_bytes()
    try:
        if path.is_dir():
            write_files(path, {SIGNATURE: content})
        else:
            write_zip(path, {**package.files, SIGNATURE: content})
    except OSError as error:
        msg = f'{path} cannot be written ({error.strerror or error}).'
        raise InferenceError(msg) from error


def verify_package(package: ModelPackage, *, public_key: Path) -> None:
    """Raise UnsafeModel unless a package is signed by the owner of a public key (PEM)."""
    if not package.is_signed:
        msg = (
            f'{package.path} is not signed, but only models signed with {public_key} are flown '
            'here. Sign it: roof_detector models sign.'
        )
        raise UnsafeModel(msg)
    if not public_key.is_file():
        msg = f'{public_key}, the public key of the models, does not exist.'
        raise InferenceError(msg)
    with _unpacked(package) as (folder, signature):
        signature.write_bytes(package.files[SIGNATURE])
        try:
            from model_signing import verifying  # noqa: PLC0415

            verifying.Config().use_elliptic_key_verifier(public_key=public_key).verify(
                folder, signature
            )
        except Exception as error:  # a foreign signature can raise any error
            msg = (
                f'{package.path} is refused: its signature is not one by the key {public_key} '
                f'over these files ({_first_line(error)}).'
            )
            raise UnsafeModel(msg) from error


def make_key(folder: Path) -> tuple[Path, Path]:
    """Write a new private key, which only its owner can read, and its public key; return both.

    Raises BadModel if one exists already.
    """
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415

    private, public = folder / 'model_key.pem', folder / 'model_key.pub'
    for path in (private, public):
        if path.exists():
            msg = f'{path} exists already, not overwriting it.'
            raise BadModel(msg)
    folder.mkdir(parents=True, exist_ok=True)
    key = ec.generate_private_key(ec.SECP256R1())
    private.touch(mode=0o600)
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    public.write_bytes(
        key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )
    return private, public


@contextlib.contextmanager
def _unpacked(package: ModelPackage) -> Iterator[tuple[Path, Path]]:
    """Yield a folder of the package's files, which the library reads, and a free name."""
    with tempfile.TemporaryDirectory(prefix='roof_detector_') as parent:
        folder = Path(parent) / 'package'
        folder.mkdir()
        files = {name: content for name, content in package.files.items() if name != SIGNATURE}
        write_files(folder, files)
        yield folder, Path(parent) / SIGNATURE


def _first_line(error: BaseException) -> str:
    return str(error).strip().split('\n', maxsplit=1)[0][:200] or type(error).__name__
