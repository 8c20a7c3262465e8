# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Check that the disk has room for a recording."""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING

from roof_detector.bags.disk import free_bytes
from roof_detector.doctor.finding import Finding, fail, ok, warn

if TYPE_CHECKING:
    from pathlib import Path

_SUBJECT = 'disk'
# The recorder's own default of min_free_gb: below it, it does not record.
_FLOOR_BYTES = 10**9
# Annotated 1280x720 JPEGs of quality 85 (0.15 to 0.3 MB on roofs) at 10 per second, and the rest.
TYPICAL_BYTES_PER_S = 3_000_000
_SHORT_FLIGHT_S = 20 * 60


def check_disk(folder: Path) -> list[Finding]:
    """Check that bags can be written, and for how many minutes there is room."""
    folder = folder.expanduser().absolute()
    existing = folder
    while not existing.exists() and existing != existing.parent:
        existing = existing.parent
    elsewhere = 'ros2 launch roof_detector record.launch.py output_directory:=FOLDER'
    if not existing.is_dir():
        return [fail(_SUBJECT, f'{existing} is a file, bags need a folder.', elsewhere)]
    try:
        with tempfile.TemporaryFile(dir=existing) as file:
            file.write(b'\0' * 4096)
    except OSError as error:
        return [
            fail(
                _SUBJECT,
                f'{existing} cannot be written to ({error.strerror}).',
                f'sudo chown $USER {existing}, or {elsewhere}',
            )
        ]
    free = free_bytes(existing)
    minutes = max(0, free - _FLOOR_BYTES) / TYPICAL_BYTES_PER_S / 60
    summary = (
        f'{folder}: {free / 1e9:.1f} GB free, about {minutes:.0f} min of detections and annotated '
        f'images ({TYPICAL_BYTES_PER_S / 1e6:.0f} MB/s).'
    )
    remedy = f'du -sh {folder}/* | sort -h  # delete old bags, or {elsewhere}'
    if free < _FLOOR_BYTES:
        return [
            fail(_SUBJECT, f'{summary} The recorder keeps 1 GB free and will not start.', remedy)
        ]
    if minutes * 60 < _SHORT_FLIGHT_S:
        return [warn(_SUBJECT, summary, remedy)]
    return [ok(_SUBJECT, summary)]
