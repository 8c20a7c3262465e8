# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Where the ground station keeps what is given to it and what it makes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from roof_detector.station.errors import StationError


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


def inside(folder: Path, name: str) -> Path:
    """Return the file of a relative name below a folder; raise StationError for any other."""
    try:
        path = (folder / name).resolve()
        if path.is_file() and path.is_relative_to(folder.resolve()):
            return path
    except (OSError, ValueError):  # a name too long, or with a zero byte
        pass
    raise StationError(f'There is no file {name!r} here.', status=404)
