# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A lock on the folder of a bag that is being written."""

from __future__ import annotations

import fcntl
import os
import weakref
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class FolderLock:
    """A lock that shows every process that a folder is being written; a crash releases it.

    `is_ours` is False where another process has it. On a file system without locks nothing is
    locked.
    """

    def __init__(self, folder: Path) -> None:
        descriptor = os.open(folder, os.O_RDONLY)
        self._close = weakref.finalize(self, os.close, descriptor)
        self.is_ours = True
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.is_ours = False
        except OSError:  # a file system without locks
            pass

    def release(self) -> None:
        """Release the lock. A second call does nothing."""
        self._close()


def is_locked(folder: Path) -> bool:
    """Return whether a process is writing to a folder at this moment."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return False
