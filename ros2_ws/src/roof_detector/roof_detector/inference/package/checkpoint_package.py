# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The package of a checkpoint: imported once, cached by the hash of its contents."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from roof_detector.inference.errors import BadModel
from roof_detector.inference.model_hash import hash_model
from roof_detector.inference.package.container import is_package, write_zip
from roof_detector.inference.package.manifest import FORMAT_VERSION
from roof_detector.inference.package.model_package import ModelPackage


def package_of(path: Path, *, trust: bool = False) -> ModelPackage:
    """Open a package, or the one that a checkpoint (.pt) was or is now imported into.

    A checkpoint is a program: it is read in a confined process of its own, and the resulting data
    becomes a package in the user's cache, where it is found the next time. `trust` reads one
    without the confinement if this machine offers none; it can then run any code. Raises
    InferenceError.
    """
    if is_package(path):
        return ModelPackage.open(path)
    kept = _place(hash_model(path))
    with contextlib.suppress(BadModel):
        if kept.is_file():
            return ModelPackage.open(kept)
    files = import_files(path, trust=trust)
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        write_zip(kept, files)
    except OSError as error:
        msg = (
            f'The package of {path} cannot be written to {kept.parent} '
            f'({error.strerror or error}). Free some space, or import it to another folder: '
            'roof_detector models import --output.'
        )
        raise BadModel(msg) from error
    return ModelPackage.open(kept)


def import_files(
    path: Path, *, trust: bool = False, name: str = '', licence: str | None = None
) -> dict[str, bytes]:
    """Read a checkpoint in a confined process and return the files of its package."""
    # A package itself needs neither torch nor the unpickling code.
    from roof_detector.inference.package.checkpoint_import import import_package  # noqa: PLC0415

    return import_package(path, trust=trust, name=name or _name_of(path), licence=licence)


def _name_of(path: Path) -> str:
    """Return a name that a manifest accepts: file names may have any characters."""
    return ''.join(one for one in path.stem if one.isprintable())[:200] or 'model'


def _place(sha256: str) -> Path:
    base = os.environ.get('XDG_CACHE_HOME') or Path('~/.cache').expanduser()
    return Path(base) / 'roof_detector' / 'models' / f'{sha256}-{FORMAT_VERSION}.zip'
