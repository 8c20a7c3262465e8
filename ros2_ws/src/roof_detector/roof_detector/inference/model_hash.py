# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The hash that identifies a model."""

from __future__ import annotations

import hashlib
import os
import stat
from typing import TYPE_CHECKING, Any

from roof_detector.inference.errors import BadModel
from roof_detector.inference.importing.limits import MOST_MODEL_BYTES
from roof_detector.inference.package.container import is_package, read_manifest

if TYPE_CHECKING:
    from pathlib import Path

_BLOCK_BYTES = 1 << 20


def hash_model(path: Path) -> str:
    """Return the SHA-256 of a model file, or of a folder's files in order of their names.

    The hash of a package is its manifest's, which holds those of all its files: a folder and a zip
    of one package are one model. Raises BadModel for anything but a file, such as a pipe or a
    device, which never ends.
    """
    if is_package(path):
        return hashlib.sha256(read_manifest(path)).hexdigest()
    digest = hashlib.sha256()
    files = sorted(one for one in path.rglob('*') if one.is_file()) if path.is_dir() else [path]
    for file in files:
        if path.is_dir():
            digest.update(file.relative_to(path).as_posix().encode())
        _hash_file(file, digest)
    return digest.hexdigest()


def _hash_file(path: Path, digest: Any) -> None:
    try:
        # Opening a pipe would block until somebody writes into it.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        msg = f'{path} cannot be read ({error.strerror}).'
        raise BadModel(msg) from error
    with os.fdopen(descriptor, 'rb', buffering=0) as file:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            msg = f'{path} is not a file, expected that of a model.'
            raise BadModel(msg)
        if found.st_size > MOST_MODEL_BYTES:
            msg = f'{path} takes {found.st_size} bytes, at most {MOST_MODEL_BYTES}.'
            raise BadModel(msg)
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
