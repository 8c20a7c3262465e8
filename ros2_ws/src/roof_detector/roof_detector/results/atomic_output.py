# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A file or folder that appears under its name only when it is complete."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

from roof_detector.bags.disk import sync_folder
from roof_detector.results.errors import ExportError

if TYPE_CHECKING:
    from pathlib import Path

SUFFIX = '.part'


class AtomicOutput:
    """A file or folder that is written at `part`, and moved to `path` by `finish`.

    A `.part` of an interrupted export is replaced; a finished product is replaced only with
    `overwrite`, and then only by a finished one.
    """

    def __init__(self, path: Path, *, overwrite: bool) -> None:
        self.path = path
        self.part = path.with_name(path.name + SUFFIX)
        self._overwrite = overwrite
        self.is_discarded = False
        self.refuse_existing()
        if self.part.is_dir() and not self.part.is_symlink():
            shutil.rmtree(self.part)
        else:
            self.part.unlink(missing_ok=True)

    def refuse_existing(self) -> None:
        """Raise ExportError if the product exists and may not be replaced."""
        if not self._overwrite and os.path.lexists(self.path):
            msg = (
                f'{self.path} exists already, not overwriting. Name another folder or '
                'replace it with --overwrite.'
            )
            raise ExportError(msg)

    def finish(self) -> None:
        """Move the product to its path and sync it to the disk."""
        if self.is_discarded:
            return
        self.refuse_existing()
        if self.part.is_file():
            with self.part.open('rb') as file:
                os.fsync(file.fileno())
        if self.part.is_dir() or self.path.is_dir():
            _remove(self.path)
        self.part.replace(self.path)
        sync_folder(self.path.parent)

    def discard(self) -> None:
        """Remove what was written so far; there will be no product."""
        self.is_discarded = True
        _remove(self.part)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
