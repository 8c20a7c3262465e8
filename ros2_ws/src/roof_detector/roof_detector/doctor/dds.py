# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Check that DDS can transfer large images between processes."""

from __future__ import annotations

import fcntl
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from roof_detector.doctor.dds_profile import (
    BadProfile,
    DdsProfile,
    profile_path,
    shipped_profile,
)
from roof_detector.doctor.finding import Finding, fail, ok, warn

if TYPE_CHECKING:
    from collections.abc import Mapping

_SUBJECT = 'DDS'
_SHARED_MEMORY = 'shared memory'
# Assumed until an image is seen: raw 1280x720, the size at which the default begins to fail.
USUAL_FRAME_BYTES = 1280 * 720 * 3
# Camera, detector and recorder each need a segment.
_PROCESSES = 3
# A late reader still holds the last frame while the next is written.
_FRAMES_IN_FLIGHT = 2


def check_dds(
    *,
    frame_bytes: int | None = None,
    environment: Mapping[str, str] = os.environ,
    memory: SharedMemory | None = None,
) -> list[Finding]:
    """Check RMW, profile and shared memory for images of `frame_bytes`, if that is known."""
    implementation = environment.get('RMW_IMPLEMENTATION') or 'rmw_fastrtps_cpp'
    if 'fastrtps' not in implementation:
        return [
            warn(
                _SUBJECT,
                f'RMW_IMPLEMENTATION is {implementation}; shared memory for images is configured '
                'for Fast DDS only, and nodes with different implementations may not communicate.',
                'export RMW_IMPLEMENTATION=rmw_fastrtps_cpp',
            )
        ]
    remedy = f'export FASTRTPS_DEFAULT_PROFILES_FILE={shipped_profile()}'
    path = profile_path(environment)
    if path is None:
        return [
            fail(
                _SUBJECT,
                'No DDS profile is set in this environment: nodes started in it without the '
                'launch files have 0.5 MB of shared memory and silently lose raw images.',
                remedy,
            )
        ]
    try:
        profile = DdsProfile.read(path)
    except BadProfile as error:
        return [fail(_SUBJECT, f'{error} Fast DDS ignores it.', remedy)]
    findings = [_check_segment(profile, frame_bytes, remedy)]
    return findings + _check_memory(profile, memory or SharedMemory())


def _check_segment(profile: DdsProfile, frame_bytes: int | None, remedy: str) -> Finding:
    needed = frame_bytes or USUAL_FRAME_BYTES
    images = "the camera's images" if frame_bytes else 'raw images of 1280x720'
    segment_mb = profile.segment_bytes / 1e6
    summary = f'{profile.path}: {segment_mb:.1f} MB per process'
    if profile.segment_bytes < needed:
        return fail(
            _SUBJECT,
            f'{summary} cannot hold {images} ({needed / 1e6:.1f} MB): they are lost.',
            remedy,
        )
    if profile.max_message_bytes is not None:
        if profile.max_message_bytes > profile.segment_bytes:
            return fail(
                _SUBJECT,
                f'{summary}, but maxMessageSize is larger ({profile.max_message_bytes / 1e6:.1f} '
                'MB), so Fast DDS refuses shared memory.',
                remedy,
            )
        if profile.max_message_bytes < needed:
            return warn(
                _SUBJECT,
                f'{summary}, but maxMessageSize ({profile.max_message_bytes / 1e6:.1f} MB) is '
                f'less than {images} ({needed / 1e6:.1f} MB): each is split into fragments.',
                remedy,
            )
    count = profile.segment_bytes // needed
    if count < _FRAMES_IN_FLIGHT:
        return warn(_SUBJECT, f'{summary} holds only {count} of {images} at once.', remedy)
    return ok(_SUBJECT, f'{summary}, enough for {count} of {images} at once.')


def _check_memory(profile: DdsProfile, memory: SharedMemory) -> list[Finding]:
    free, total = memory.free_bytes, memory.total_bytes
    summary = f'{memory.folder} has {free / 1e6:.0f} of {total / 1e6:.0f} MB free'
    segment_mb = profile.segment_bytes / 1e6
    stale_bytes = memory.stale_bytes()
    if stale_bytes > profile.segment_bytes:
        return [
            warn(
                _SHARED_MEMORY,
                f'{summary}; {stale_bytes / 1e6:.0f} MB belong to killed processes.',
                _clean_command(memory.folder),
            )
        ]
    grow = (
        'sudo mount -o remount,size=1g /dev/shm, or for a container: docker run --shm-size=1g ...'
    )
    if free < profile.segment_bytes:
        return [
            fail(
                _SHARED_MEMORY,
                f'{summary}; the next process needs {segment_mb:.0f} MB of it.',
                grow,
            )
        ]
    if total < _PROCESSES * profile.segment_bytes:
        return [
            warn(
                _SHARED_MEMORY,
                f'{summary}; camera, detector and recorder need {segment_mb:.0f} MB each.',
                grow,
            )
        ]
    return [ok(_SHARED_MEMORY, f'{summary}.')]


def _clean_command(folder: Path) -> str:
    if shutil.which('fastdds'):
        return 'fastdds shm clean'
    return f'stop all nodes, then: rm {folder}/fastrtps_* {folder}/sem.fastrtps_*'


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
