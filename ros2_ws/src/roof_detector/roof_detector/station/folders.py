# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The folders of the ground station, and safe access to files below them."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, BinaryIO

from roof_detector.station.errors import StationError

if TYPE_CHECKING:
    from collections.abc import Iterator

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Opening a pipe must not block.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@dataclass(frozen=True)
class StationFolders:
    """The folders below one root; the station writes nowhere else."""

    root: Path

    @classmethod
    def make(cls, root: str) -> StationFolders:
        """Create missing folders; raise StationError if that fails."""
        folders = cls(Path(root).expanduser().resolve())
        try:
            for folder in (
                *(folders.models, folders.uploads, folders.results, folders.flights),
                *(folders.inspections, folders.received),
            ):
                folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            msg = f'folder is {root}, but it cannot be made: {error}. Choose another one.'
            raise StationError(msg) from error
        return folders

    @property
    def models(self) -> Path:
        """Return the folder of uploaded models."""
        return self.root / 'models'

    @property
    def uploads(self) -> Path:
        """Return the folder of uploaded images and videos."""
        return self.root / 'uploads'

    @property
    def results(self) -> Path:
        """Return the folder of the jobs' results."""
        return self.root / 'results'

    @property
    def flights(self) -> Path:
        """Return the folder of bags that a recorder on this computer writes by default."""
        return self.root / 'flights'

    @property
    def inspections(self) -> Path:
        """Return the folder of inspections, each a folder with its `inspection.gpkg`."""
        return self.root / 'inspections'

    @property
    def received(self) -> Path:
        """Return the folder of uploaded inspections: nothing outside is read for them."""
        return self.root / 'received'


def open_below(root: Path, name: str) -> BinaryIO:
    """Open a regular file by its path relative to a folder; raise StationError for any other.

    Every folder of the path is opened relative to the one before, and symbolic links are not
    followed, so a link that is created in the meantime does not lead out of the folder.
    """
    parts = PurePosixPath(name).parts
    handle = -1
    try:
        if not parts or '..' in parts or parts[0] == '/':
            msg = 'leads out'
            raise OSError(msg)
        handle = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        for part in parts[:-1]:
            inner = os.open(part, _FOLDER, dir_fd=handle)
            os.close(handle)
            handle = inner
        file = os.fdopen(os.open(parts[-1], _FILE, dir_fd=handle), 'rb')
        if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            return file
        file.close()
    except (OSError, ValueError):  # missing, a link, a name too long or with a zero byte
        pass
    finally:
        if handle >= 0:
            os.close(handle)
    msg = f'There is no file {name!r} here.'
    raise StationError(msg, status=404)


def files_below(root: Path) -> Iterator[PurePosixPath]:
    """Yield the relative paths of all regular files below a folder; follow no links."""
    for folder, folders, names, handle in os.fwalk(root, follow_symlinks=False):
        folders.sort()
        relative = PurePosixPath(os.path.relpath(folder, root))
        for name in sorted(names):
            with suppress(OSError):  # deleted in the meantime
                if stat.S_ISREG(os.stat(name, dir_fd=handle, follow_symlinks=False).st_mode):
                    yield relative / name
