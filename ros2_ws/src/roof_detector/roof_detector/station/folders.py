# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Where the ground station keeps what is given to it and what it makes."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from roof_detector.station.errors import StationError

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# A pipe must not be waited for.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@dataclass(frozen=True)
class StationFolders:
    """Name the folders below one root; nothing of the station is written anywhere else."""

    root: Path

    @classmethod
    def make(cls, root: str) -> StationFolders:
        """Make the folders where they are missing; raise StationError where that fails."""
        folders = cls(Path(root).expanduser().resolve())
        try:
            for folder in (folders.models, folders.uploads, folders.results, folders.flights):
                folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            msg = f'folder is {root}, but it cannot be made: {error}. Choose another one.'
            raise StationError(msg) from error
        return folders

    @property
    def models(self) -> Path:
        """Return where uploaded weights lie."""
        return self.root / 'models'

    @property
    def uploads(self) -> Path:
        """Return where uploaded pictures and videos lie."""
        return self.root / 'uploads'

    @property
    def results(self) -> Path:
        """Return where processed uploads and flights lie."""
        return self.root / 'results'

    @property
    def flights(self) -> Path:
        """Return where the recorder started with the station writes its bags."""
        return self.root / 'flights'


def open_below(root: Path, name: str) -> BinaryIO:
    """Open the regular file of a relative name below a folder; raise StationError for any other.

    The way is walked from handle to handle and no link on it is followed, so that none that is
    put there while this looks leads out of the folder.
    """
    parts = PurePosixPath(name).parts
    handle = -1
    try:
        if not parts or '..' in parts or parts[0] == '/':
            raise OSError('leads out')
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
    raise StationError(f'There is no file {name!r} here.', status=404)


def files_below(root: Path) -> Iterator[PurePosixPath]:
    """Yield the names of all regular files below a folder, without following any link."""
    for folder, folders, names, handle in os.fwalk(root, follow_symlinks=False):
        folders.sort()
        place = PurePosixPath(os.path.relpath(folder, root))
        for name in sorted(names):
            with suppress(OSError):  # gone meanwhile
                if stat.S_ISREG(os.stat(name, dir_fd=handle, follow_symlinks=False).st_mode):
                    yield place / name
