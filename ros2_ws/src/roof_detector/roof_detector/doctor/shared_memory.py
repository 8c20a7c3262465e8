# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The shared memory that Fast DDS sends large messages through."""

from __future__ import annotations

import fcntl
import os
import shutil
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class SharedMemory:
    """The file system in which Fast DDS creates its shared memory segments."""

    folder: Path = Path('/dev/shm')

    @property
    def free_bytes(self) -> int:
        """Return the free bytes."""
        return shutil.disk_usage(self.folder).free

    @property
    def total_bytes(self) -> int:
        """Return the size of the file system."""
        return shutil.disk_usage(self.folder).total

    def stale_bytes(self) -> int:
        """Return the size of the segments whose process has ended.

        A process holds a lock on the file `<segment>_el` while it runs, so an unlocked segment was
        left behind.
        """
        return sum(
            lock.with_name(lock.name.removesuffix('_el')).stat().st_size
            for lock in self.folder.glob('fastrtps_*_el')
            if not lock.name.startswith('fastrtps_port')
            and lock.with_name(lock.name.removesuffix('_el')).exists()
            and _is_free(lock)
        )


def _is_free(lock: Path) -> bool:
    try:
        descriptor = os.open(lock, os.O_RDONLY)
    except OSError:
        return False  # deleted in the meantime, or another user's
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True
