# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The results of a job, as the page shows them."""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from roof_detector.offline.work_folder import RUN_FILE, read_run
from roof_detector.results.formats import PRODUCTS
from roof_detector.station.box_text import box_text
from roof_detector.station.folders import files_below
from roof_detector.station.jobs.command_process import LOG
from roof_detector.station.jobs.job import JOB_FILE, Job

if TYPE_CHECKING:
    from pathlib import Path

# More rows would make the page slow; the files contain all of them.
SHOWN_ROWS = 500
_DOWNLOADS = ('.csv', '.xlsx', '.json', '.geojson', '.kml', '.kmz', '.gpkg', '.mp4')
_IMAGE_FOLDERS = {'images', 'pictures'}  # the latter before 1.0.0
_FOLDERS = {'bag', 'crops', *_IMAGE_FOLDERS}
(_TABLE,) = PRODUCTS['csv']


@dataclass(frozen=True, kw_only=True)
class JobResults:
    """Paths relative to the job's folder, the first rows of its tables, and its counts.

    `images` are the annotated images; uploaded images have the same names. `frames` is 0 if it is
    unknown.
    """

    images: tuple[str, ...]
    videos: tuple[str, ...]
    files: tuple[str, ...]
    rows: tuple[dict[str, Any], ...]
    counts: dict[str, int]
    frames: int

    @classmethod
    def of(cls, job: Job) -> JobResults:
        """Collect the results in a job's folder."""
        found = [path.relative_to(job.folder) for path in result_files(job.folder)]
        files = [
            path.as_posix()
            for path in found
            if path.suffix in _DOWNLOADS
            and path.name not in (RUN_FILE, 'timing.csv')
            and not _FOLDERS.intersection(path.parts[1:-1])
        ]
        rows, counts = _read([job.folder / path for path in found if path.name == _TABLE])
        runs = [read_run(job.folder / path.parent) for path in found if path.name == RUN_FILE]
        return cls(
            images=tuple(
                path.as_posix() for path in found if _IMAGE_FOLDERS.intersection(path.parts[1:-1])
            ),
            videos=tuple(name for name in files if name.endswith('.mp4')),
            files=tuple(files),
            rows=rows,
            counts=counts,
            frames=sum(run.get('frames', 0) for run in runs),
        )


def result_files(folder: Path) -> list[Path]:
    """Return the files that a job made, sorted, without the station's own files."""
    return [
        folder / name
        for name in files_below(folder)
        if name.name not in (JOB_FILE, LOG)
        and not any(part.endswith('.part') for part in name.parts)
    ]


def _read(tables: list[Path]) -> tuple[tuple[dict[str, Any], ...], dict[str, int]]:
    rows: list[dict[str, Any]] = []
    counts: Counter[str] = Counter()
    for table in tables:
        with table.open(encoding='utf-8-sig', newline='') as file:
            for row in csv.DictReader(file):
                try:
                    shown = _row(row, number=counts.total() + 1)
                except (KeyError, TypeError, ValueError):
                    continue  # an incomplete line
                counts[row['class']] += 1
                if len(rows) < SHOWN_ROWS:
                    rows.append(shown)
    return tuple(rows), dict(sorted(counts.items()))


def _row(row: dict[str, str], *, number: int) -> dict[str, Any]:
    sides = ('left', 'top', 'right', 'bottom')
    return {
        'number': number,
        'image': row['name'],
        'time_s': float(row['time_s']),
        'class': row['class'],
        'confidence': f'{float(row["confidence"]):.2f}',
        'box': box_text(float(row[f'{side}_px']) for side in sides),
        'area': f'{float(row["area_px"]):,.0f}',
    }
