# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The error of exports that cannot be written."""

from __future__ import annotations

import errno
from contextlib import contextmanager
from typing import TYPE_CHECKING

import cv2

from roof_detector.vision.errors import VisionError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_REMEDIES = {
    errno.ENOSPC: 'Free some space or name a folder on another disk, then export again.',
    errno.EDQUOT: 'Free some of your quota or name a folder elsewhere, then export again.',
    errno.EFBIG: 'Name a folder on a file system for larger files, then export again.',
    errno.EACCES: 'Name a folder that you may write to.',
    errno.EROFS: 'Name a folder that you may write to.',
    errno.EPERM: 'Name a folder that you may write to.',
}


class ExportError(RuntimeError):
    """Report which export cannot be written, why, and what to do about it."""


@contextmanager
def export_errors(path: Path, *also: type[Exception]) -> Iterator[None]:
    """Turn errors of the system, OpenCV and the given kinds into an ExportError about a path."""
    kinds: tuple[type[Exception], ...] = (cv2.error, VisionError, UnicodeError, *also)
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        remedy = _REMEDIES.get(error.errno or 0, 'Check the folder, then export again.')
        msg = f'{path} cannot be written ({reason}). {remedy}'
        raise ExportError(msg) from error
    except kinds as error:
        reason = ' '.join(str(error).split()).rstrip('.')
        msg = f'{path} cannot be written: {reason}.'
        raise ExportError(msg) from error
