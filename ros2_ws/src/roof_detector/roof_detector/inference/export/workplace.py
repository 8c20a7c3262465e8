# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The folder in which an export is made, so that its name never belongs to a partial file."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
from typing import TYPE_CHECKING

from roof_detector.inference.errors import ExportFailed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_FORMER = 'former'


@contextlib.contextmanager
def workplace(target: Path) -> Iterator[Path]:
    """Yield an empty folder beside `target`, for one process at a time, and remove it afterwards.

    A killed process leaves its folder `.NAME.part` behind; the next one for the same target takes
    it over and empties it. The lock on it ends with the process, however that ends. Raises
    ExportFailed while another process holds it.
    """
    folder = target.with_name(f'.{target.name}.part')
    lock = _lock(folder, target)
    try:
        _put_back(folder, target)
        _empty(folder)
        yield folder
    finally:
        _put_back(folder, target)
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def install(built: Path, target: Path) -> None:
    """Move a file or folder from the workplace to its name, durably and atomically.

    A folder cannot replace another atomically: the former one waits in the workplace, and comes
    back if this process ends in between.
    """
    if target.exists() and target.is_dir() != built.is_dir():
        msg = f'{target} is in the way, move it or choose another folder.'
        raise ExportFailed(msg)
    for path in (built, *built.rglob('*')):
        _sync(path)
    if target.is_dir():
        target.rename(built.parent / _FORMER)
    built.replace(target)
    _sync(target.parent)


def _lock(folder: Path, target: Path) -> int:
    while True:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Its last owner may have removed the folder since it was opened here.
            if os.path.samestat(os.fstat(descriptor), folder.stat()):
                return descriptor
        except BlockingIOError as error:
            os.close(descriptor)
            msg = (
                f'{target} is being made by another process, wait for it or choose another folder.'
            )
            raise ExportFailed(msg) from error
        except FileNotFoundError:
            pass
        os.close(descriptor)


def _put_back(folder: Path, target: Path) -> None:
    former = folder / _FORMER
    if former.exists() and not target.exists():
        former.rename(target)


def _empty(folder: Path) -> None:
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
