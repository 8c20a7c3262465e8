# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Malloc settings that let a process reuse the memory of its images and models."""

from __future__ import annotations

import contextlib
import ctypes

# From mallopt(3). Setting either one turns off glibc's dynamic thresholds.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
_LARGEST_BLOCK_BYTES = 64 << 20  # an image of 3840x2160 in BGRA takes 33 MB
_KEPT_BYTES = 256 << 20
_HEAPS = 4


def keep_large_blocks() -> bool:
    """Make glibc reuse freed blocks of up to 64 MiB; return whether it accepted the setting.

    By default glibc maps each large block with mmap and unmaps it when it is freed: the kernel
    then clears every page of every copy of a frame at its first use, which can take longer than
    the copies (docs/decisions/large_blocks.md). At most 256 MiB of free memory stay at the end of
    the heap. Threads share four heaps, where glibc would give them up to eight for each core: each
    may keep the leftovers of a model that a thread loaded there.
    """
    with contextlib.suppress(OSError, AttributeError):  # another C library has no mallopt
        set_option = ctypes.CDLL('libc.so.6').mallopt
        options = {
            _M_MMAP_THRESHOLD: _LARGEST_BLOCK_BYTES,
            _M_TRIM_THRESHOLD: _KEPT_BYTES,
            _M_ARENA_MAX: _HEAPS,
        }
        return all(set_option(name, value) == 1 for name, value in options.items())
    return False


def release_free_blocks() -> None:
    """Give freed memory back to the kernel, where glibc would keep it for what comes.

    A model is loaded by a thread of its own, so its memory lies in a heap of that thread's:
    without this, each change of the model may leave tens of megabytes in another heap.
    """
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL('libc.so.6').malloc_trim(0)
