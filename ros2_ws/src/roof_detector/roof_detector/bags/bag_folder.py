# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The files in a bag's folder, in order, and the check that none leads out of the folder."""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

from roof_detector.bags.bag_format import STORAGES
from roof_detector.bags.errors import BagError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from roof_detector.bags.bag_format import Storage

PACKED_SUFFIX = '.zstd'
# A file that is being begun, or that a recovery writes: no reader takes it for a bag's file.
PART_SUFFIX = '.part'
# Files that SQLite leaves beside a database when it is killed, and reads when it is opened again.
SQLITE_SIDES = ('-wal', '-journal')
_NAME = re.compile(r'(?P<stem>.+?)(?:_(?P<number>\d{1,18}))?(?P<suffix>\.mcap|\.db3)(\.zstd)?')


@dataclass(frozen=True, kw_only=True)
class BagFile:
    """A file of a bag; `is_packed` if it is compressed as a whole (rosbag2's mode FILE).

    `is_part` if a killed process left it under a name that ends in .part.
    """

    path: Path
    storage: Storage
    is_packed: bool
    is_part: bool = False

    @property
    def name(self) -> str:
        """Return the file's name."""
        return self.path.name

    @property
    def plain_name(self) -> str:
        """Return the file's name without compression."""
        return self.name.removesuffix(PART_SUFFIX).removesuffix(PACKED_SUFFIX)

    @property
    def order(self) -> tuple[int, str]:
        """Return a sort key that puts bag_10.mcap after bag_9.mcap."""
        match = _NAME.fullmatch(self.name.removesuffix(PART_SUFFIX))
        return (int(match['number'] or 0) if match else 0, self.name)


def bag_file(path: Path) -> BagFile | None:
    """Return the bag file that a path names, None if its name is not that of one."""
    match = _NAME.fullmatch(path.name)
    if match is None:
        return None
    storage = next(one for one, suffix in STORAGES.items() if suffix == match['suffix'])
    return BagFile(path=path, storage=storage, is_packed=path.name.endswith(PACKED_SUFFIX))


def part_file(path: Path) -> BagFile | None:
    """Return the unfinished bag file that a path names, None if its name is not that of one."""
    if not path.name.endswith(PART_SUFFIX):
        return None
    finished = bag_file(path.with_name(path.name.removesuffix(PART_SUFFIX)))
    if finished is None:
        return None
    return BagFile(path=path, storage=finished.storage, is_packed=finished.is_packed, is_part=True)


def part_files(folder: Path) -> list[BagFile]:
    """Return the unfinished files that a killed process left in a bag's folder."""
    found = [part_file(path) for path in folder.iterdir() if is_within(path, folder)]
    return [one for one in found if one is not None]


def bag_files(folder: Path) -> list[BagFile]:
    """Return the files of a bag in order: regular files in the folder, no links out of it."""
    found = [bag_file(path) for path in folder.iterdir() if is_within(path, folder)]
    return sorted((one for one in found if one is not None), key=lambda one: one.order)


def named_files(folder: Path, names: Iterable[str]) -> list[Path]:
    """Return the paths of the names that a metadata.yaml lists; each lies in the folder.

    Older versions of rosbag2 wrote the folder's name before them, so only the last part counts.
    Raises BagError for a link that leads out of the folder.
    """
    paths = []
    for name in names:
        path = folder / os.path.basename(name)  # noqa: PTH119 - a Path drops what is odd
        if path.is_symlink() and not is_within(path, folder):
            msg = (
                f'{path} is a link that leads out of the bag; it is not followed. Put the file '
                'itself into the folder.'
            )
            raise BagError(msg)
        paths.append(path)
    return paths


def is_within(path: Path, folder: Path) -> bool:
    """Return whether a path is a regular file in the folder, also after links are resolved."""
    try:
        if path.is_symlink():
            target = path.resolve(strict=True)
            return target.is_relative_to(folder.resolve()) and target.is_file()
        return stat.S_ISREG(path.stat().st_mode)
    except (OSError, RuntimeError):
        return False
