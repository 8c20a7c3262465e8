# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Memory for images that a process keeps, instead of asking the kernel for it with each frame."""

from __future__ import annotations

import contextlib
import ctypes

# From mallopt(3). Setting either turns off that the thresholds adapt by themselves.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_LARGEST_BLOCK_BYTES = 64 << 20  # an image of 3840x2160 in BGRA takes 33 MB
_KEPT_BYTES = 256 << 20


def keep_large_blocks() -> bool:
    """Let glibc serve blocks up to 64 MiB from memory that this process has; tell whether it does.

    By default glibc maps large blocks anew and unmaps them when they are freed: the kernel then
    clears every page of every copy of a frame as it is first touched, which can take longer than
    all copies (docs/decisions/performance.md). At most 256 MiB that are free at the end of the
    heap stay.
    """
    with contextlib.suppress(OSError, AttributeError):  # another C library has no such name
        set_option = ctypes.CDLL('libc.so.6').mallopt
        options = (_M_MMAP_THRESHOLD, _LARGEST_BLOCK_BYTES), (_M_TRIM_THRESHOLD, _KEPT_BYTES)
        return all(set_option(name, value) == 1 for name, value in options)
    return False
