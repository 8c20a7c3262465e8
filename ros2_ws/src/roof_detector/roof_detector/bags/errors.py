# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The errors of reading and writing bags."""

from __future__ import annotations


class BagError(RuntimeError):
    """A bag cannot be read or written; the message says why and what to do.

    `errno` is the number of the system error behind it, 0 without one.
    """

    @property
    def errno(self) -> int:
        """Return the number of the system error that caused this one."""
        cause = self.__cause__
        return (cause.errno or 0) if isinstance(cause, OSError) else 0


class DiskFull(BagError):  # noqa: N818 - the condition's own name says more than DiskFullError
    """Free disk space fell to the floor; what was written stays readable."""


class WriteFailed(BagError):  # noqa: N818 - as above
    """A file of a bag cannot be written any further; a new file may work."""


class FolderTaken(BagError):  # noqa: N818 - as above
    """The name of a new bag is taken already."""
