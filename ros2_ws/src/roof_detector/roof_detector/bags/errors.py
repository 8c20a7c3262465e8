# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations


class BagError(RuntimeError):
    """Report what about a bag cannot be read or written, why, and what to do about it.

    `errno` is the system's number of the error behind it, 0 where there is none.
    """

    @property
    def errno(self) -> int:
        """Return the number of the system's error that led to this one."""
        cause = self.__cause__
        return (cause.errno or 0) if isinstance(cause, OSError) else 0


class DiskFull(BagError):  # noqa: N818 - the condition's own name says more than DiskFullError
    """Report that free disk space fell to the floor; what was written stays readable."""


class WriteFailed(BagError):  # noqa: N818 - as above
    """Report that a bag's file could not be written any further; a new one may go on."""


class FolderTaken(BagError):  # noqa: N818 - as above
    """Report that something of a new bag's name is there already."""
