# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import os
import shutil
from contextlib import suppress
from typing import TYPE_CHECKING

from roof_detector.bags.errors import BagError, DiskFull, FolderTaken

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# Who writes evidence stops where less than this is free, unless its parameter says otherwise.
RECORDER_FLOOR_BYTES = 1_000_000_000
# All else, such as uploads and what is made of them, stops this much earlier: the recording first.
_RECORDER_HEADSTART_BYTES = 1_000_000_000
# Free space is asked for again after this many bytes, so that the floor is missed by little.
_CHECK_EVERY_BYTES = 16 << 20
# What must be free above the floor for a file after one that ended for want of space.
_LEAST_MARGIN_BYTES, _MOST_MARGIN_BYTES = 4 << 20, 64 << 20


class DiskFloor:
    """Refuse to write into the last part of a disk, which the rest of the drone needs.

    `make_room` is asked to delete something, as often as it is needed and says that it did.
    """

    def __init__(
        self, folder: Path, *, min_free_bytes: int, make_room: Callable[[], bool]
    ) -> None:
        self._folder = folder
        self._min_free_bytes = min_free_bytes
        self._make_room = make_room
        self._unchecked_bytes = 0

    def spend(self, size_bytes: int) -> None:
        """Take note of bytes about to be written; raise DiskFull now and then when it must be."""
        self._unchecked_bytes += size_bytes
        if self._unchecked_bytes >= _CHECK_EVERY_BYTES:
            self.check()

    def check_for_more(self, size_bytes: int) -> None:
        """Raise DiskFull where so little is free that writing would soon end again."""
        margin_bytes = min(self._min_free_bytes // 20, _MOST_MARGIN_BYTES)
        self.check(margin_bytes=max(_LEAST_MARGIN_BYTES, margin_bytes) + size_bytes)

    def check(self, *, margin_bytes: int = 0) -> None:
        """Raise DiskFull when less than the floor, and a margin, is free."""
        self._unchecked_bytes = 0
        least = self._min_free_bytes + margin_bytes
        free = free_bytes(self._folder)
        while free < least and self._make_room():
            free = free_bytes(self._folder)
        if free < least:
            more = f' and {margin_bytes / 1e9:.3f} GB to go on with' if margin_bytes else ''
            msg = (
                f'The disk of {self._folder} has {free / 1e9:.2f} GB free, less than the '
                f'{self._min_free_bytes / 1e9:.2f} GB that must stay free{more}. Delete old bags, '
                'name another folder, or lower the floor.'
            )
            raise DiskFull(msg)


def check_share(
    folder: Path, *, recorder_floor_bytes: int = RECORDER_FLOOR_BYTES, wanted_bytes: int = 0
) -> None:
    """Raise DiskFull where what is no recording would take the disk that a recording may need."""
    floor = recorder_floor_bytes + _RECORDER_HEADSTART_BYTES
    free = free_bytes(folder)
    if free - wanted_bytes < floor:
        wanted = f', and {wanted_bytes / 1e9:.2f} GB more are wanted' if wanted_bytes else ''
        msg = (
            f'The disk of {folder} has {free / 1e9:.2f} GB free{wanted}; {floor / 1e9:.2f} GB are '
            'kept for recordings. Delete results or flights first.'
        )
        raise DiskFull(msg)


def free_bytes(folder: Path) -> int:
    """Return the free bytes of the disk that a folder lies on, or will lie on."""
    for candidate in (folder, *folder.parents):
        # Missing, or in a folder that is closed to us: then its parent lies on the same disk.
        with suppress(OSError):
            return shutil.disk_usage(candidate).free
    msg = f'The free space of {folder} cannot be found. Is its disk there?'
    raise BagError(msg)


def new_folder(path: Path) -> None:
    """Create a folder, its parents too, durably; raise BagError where that cannot be done."""
    try:
        missing = [folder for folder in path.parents if not folder.exists()]
        path.mkdir(parents=True)
        for folder in (path, *missing):
            sync_folder(folder.parent)
    except FileExistsError:
        if path.is_dir():
            msg = f'{path} exists already and is not overwritten. Choose another name.'
            raise FolderTaken(msg) from None
        msg = f'{path} cannot be a folder: a file of that name is in the way.'
        raise FolderTaken(msg) from None
    except OSError as error:
        msg = f'The folder {path} cannot be made ({error.strerror}). Choose a writable one.'
        raise BagError(msg) from error


def sync_folder(path: Path) -> None:
    """Bring a folder's list of files onto the disk; a file's own fsync does not."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
