# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Free disk space: the floor that writers respect, and folders that are created durably."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from typing import TYPE_CHECKING

from roof_detector.bags.errors import BagError, DiskFull, FolderTaken

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# A writer of recordings stops when less than this is free, unless its parameter says otherwise.
RECORDER_FLOOR_BYTES = 1_000_000_000
# All other writers, such as uploads and results, stop this much earlier: recordings come first.
_RECORDER_HEADSTART_BYTES = 1_000_000_000
# Free space is checked again after this many bytes, so that the floor is missed by little.
_CHECK_EVERY_BYTES = 16 << 20
# Space above the floor that a new file needs after one that ended because the disk was full.
_LEAST_MARGIN_BYTES, _MOST_MARGIN_BYTES = 4 << 20, 64 << 20


class DiskFloor:
    """A guard against filling the last part of a disk, which the rest of the drone needs.

    `make_room` deletes something and returns whether it did; it is called as often as needed.
    """

    def __init__(
        self, folder: Path, *, min_free_bytes: int, make_room: Callable[[], bool]
    ) -> None:
        self._folder = folder
        self._min_free_bytes = min_free_bytes
        self._make_room = make_room
        self._unchecked_bytes = 0

    def spend(self, size_bytes: int) -> None:
        """Count bytes about to be written; now and then check the space, and raise DiskFull."""
        self._unchecked_bytes += size_bytes
        if self._unchecked_bytes >= _CHECK_EVERY_BYTES:
            self.check()

    def check_for_more(self, size_bytes: int) -> None:
        """Raise DiskFull if so little is free that writing would soon end again."""
        margin_bytes = min(self._min_free_bytes // 20, _MOST_MARGIN_BYTES)
        self.check(margin_bytes=max(_LEAST_MARGIN_BYTES, margin_bytes) + size_bytes)

    def check(self, *, margin_bytes: int = 0) -> None:
        """Raise DiskFull if less than the floor plus a margin is free."""
        self._unchecked_bytes = 0
        least = self._min_free_bytes + margin_bytes
        free = free_bytes(self._folder)
        while free < least and self._make_room():
            free = free_bytes(self._folder)
        if free < least:
            more = f' and {margin_bytes / 1e9:.3f} GB to continue with' if margin_bytes else ''
            msg = (
                f'The disk of {self._folder} has {free / 1e9:.2f} GB free, less than the '
                f'{self._min_free_bytes / 1e9:.2f} GB that must stay free{more}. Delete old bags, '
                'name another folder, or lower the floor.'
            )
            raise DiskFull(msg)


def check_share(
    folder: Path, *, recorder_floor_bytes: int = RECORDER_FLOOR_BYTES, wanted_bytes: int = 0
) -> None:
    """Raise DiskFull if data other than recordings would take space reserved for recordings."""
    floor = recorder_floor_bytes + _RECORDER_HEADSTART_BYTES
    free = free_bytes(folder)
    if free - wanted_bytes < floor:
        wanted = f', and {wanted_bytes / 1e9:.2f} GB more are needed' if wanted_bytes else ''
        msg = (
            f'The disk of {folder} has {free / 1e9:.2f} GB free{wanted}; {floor / 1e9:.2f} GB are '
            'reserved for recordings. Delete results or flights first.'
        )
        raise DiskFull(msg)


def free_bytes(folder: Path) -> int:
    """Return the free bytes of the disk that holds a folder, or will hold it."""
    for candidate in (folder, *folder.parents):
        # The folder is missing, or in one that we cannot enter: its parent is on the same disk.
        with suppress(OSError):
            return shutil.disk_usage(candidate).free
    msg = f'The free space of {folder} cannot be read. Check that its disk is mounted.'
    raise BagError(msg)


def new_folder(path: Path) -> None:
    """Create a folder and its parents durably; raise BagError if that fails."""
    try:
        missing = [folder for folder in path.parents if not folder.exists()]
        path.mkdir(parents=True)
        for folder in (path, *missing):
            sync_folder(folder.parent)
    except FileExistsError:
        if path.is_dir():
            msg = f'{path} exists already and is not overwritten. Choose another name.'
            raise FolderTaken(msg) from None
        msg = f'{path} cannot be created: a file of that name exists.'
        raise FolderTaken(msg) from None
    except OSError as error:
        msg = f'The folder {path} cannot be created ({error.strerror}). Choose a writable one.'
        raise BagError(msg) from error


def sync_folder(path: Path) -> None:
    """Write a folder's list of files to the disk; a file's own fsync does not."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
