# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The deletion of old recordings to free disk space."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from roof_detector.bags.disk import sync_folder
from roof_detector.bags.errors import BagError
from roof_detector.bags.folder_lock import is_locked
from roof_detector.bags.metadata import NAME, read_metadata
from roof_detector.bags.provenance import RECORDER, STARTED_AT, WRITTEN_BY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from roof_detector.bags.metadata import BagMetadata

# A file of this name in a recording's folder protects the recording.
KEEP = 'keep'
# All that the recorder puts into a folder. Any other file is somebody's, and so is the folder.
_OURS = re.compile(rf'(.+_\d+\.mcap|{re.escape(NAME)})(\.part)?')


@dataclass(frozen=True)
class Deletions:
    """The number and size of deleted recordings."""

    recordings: int = 0
    files: int = 0
    size_bytes: int = 0


class RetentionPolicy:
    """A deletion of old recordings, oldest first, that frees space and counts what it deleted.

    It never touches a recording that is being written, a folder with a file `keep` or with any
    file that the recorder did not put there, a link, or anything else that is not the recorder's.
    The threads of several bags may use it; any may read `deletions`.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._undeletable: set[Path] = set()
        self._lock = threading.RLock()
        self.deletions = Deletions()

    @property
    def deleted_recordings(self) -> int:
        """Return how many recordings were deleted."""
        return self.deletions.recordings

    @property
    def deleted_files(self) -> int:
        """Return how many files were deleted."""
        return self.deletions.files

    @property
    def deleted_bytes(self) -> int:
        """Return the total size of deleted files."""
        return self.deletions.size_bytes

    def delete_recording(self) -> bool:
        """Delete the oldest recording that may go; return whether there was one."""
        with self._lock:
            for recording in sorted(self._recordings(), key=lambda found: found[0]):
                if self._delete_folder(recording[1]):
                    self._count(recordings=1)
                    return True
        return False

    def delete_oldest_file(self, folder: Path, metadata: BagMetadata) -> bool:
        """Delete the oldest finished file of a bag in progress; return whether one could go.

        The last file is being written and stays; a protected bag keeps all of them.
        """
        if len(metadata.files) < 2 or is_kept(folder):
            return False
        oldest = metadata.files[0]
        metadata.drop_file(oldest)
        try:
            metadata.write(folder)
        except OSError:
            return False
        return self._delete_file(folder / oldest.name)

    def _delete_file(self, path: Path) -> bool:
        try:
            size_bytes = path.stat().st_size
            path.unlink()
        except OSError:
            return False
        self._count(files=1, size_bytes=size_bytes)
        return True

    def _count(self, *, recordings: int = 0, files: int = 0, size_bytes: int = 0) -> None:
        with self._lock:
            so_far = self.deletions
            self.deletions = replace(
                so_far,
                recordings=so_far.recordings + recordings,
                files=so_far.files + files,
                size_bytes=so_far.size_bytes + size_bytes,
            )

    def _recordings(self) -> Iterator[tuple[str, Path]]:
        """Yield the recordings that may be deleted, with their start times."""
        try:
            folders = sorted(self.folder.iterdir())
        except OSError:
            return
        for folder in folders:
            if folder not in self._undeletable and (started_at := _started_at(folder)):
                yield started_at, folder

    def _delete_folder(self, folder: Path) -> bool:
        # metadata.yaml goes last, so that a folder left by a crash is still recognised as ours.
        files = sorted(folder.iterdir(), key=lambda path: (path.name == NAME, path.name))
        if not all(self._delete_file(path) for path in files):
            self._undeletable.add(folder)
            return False
        try:
            folder.rmdir()
            sync_folder(self.folder)
        except OSError:
            self._undeletable.add(folder)
        return True


def is_kept(folder: Path) -> bool:
    """Return whether a recording is protected by a `keep` file or an operator's mark."""
    return (folder / KEEP).exists()


def keep(folder: Path, *, reason: str) -> None:
    """Protect a recording from deletion, durably."""
    path = folder / KEEP
    if not path.exists():
        path.write_text(f'{reason}\n', encoding='utf-8')
        sync_folder(folder)


def _started_at(folder: Path) -> str:
    """Return the start time of a recording that may be deleted; empty for any other folder."""
    try:
        if folder.is_symlink() or not folder.is_dir() or is_locked(folder):
            return ''
        ours = all(_OURS.fullmatch(path.name) and path.is_file() for path in folder.iterdir())
        custom = (read_metadata(folder).get('custom_data') or {}) if ours else {}
    except (OSError, BagError):
        return ''
    return custom.get(STARTED_AT, '') if custom.get(WRITTEN_BY) == RECORDER else ''
