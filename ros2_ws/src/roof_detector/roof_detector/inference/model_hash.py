# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The hash by which a model is known."""

from __future__ import annotations

import hashlib
from pathlib import Path

from roof_detector.inference.package.container import is_package, read_manifest


def hash_model(path: Path) -> str:
    """Return the SHA-256 of a model file, or of a folder's files in order of their names.

    That of a package is its manifest's, which holds those of all its files: a folder and a zip of
    one package are one model.
    """
    if is_package(path):
        return hashlib.sha256(read_manifest(path)).hexdigest()
    digest = hashlib.sha256()
    files = sorted(one for one in path.rglob('*') if one.is_file()) if path.is_dir() else [path]
    for file in files:
        if path.is_dir():
            digest.update(file.relative_to(path).as_posix().encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()
