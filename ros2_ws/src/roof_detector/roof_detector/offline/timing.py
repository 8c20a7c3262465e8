# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Keeps the inference time of each frame in a file beside the bag, which is reproducible."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from roof_detector.offline.errors import ReplayError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from typing_extensions import Self

TIMING_FILE = 'timing.csv'
_HEADINGS = ('topic', 'frame', 'stamp_ns', 'inference_s')


class TimingWriter:
    """Writes one line per frame: which it was, and the seconds from image to detections."""

    def __init__(self, folder: Path) -> None:
        self._file = (folder / TIMING_FILE).open('w', encoding='utf-8', newline='')
        self._rows = csv.writer(self._file)
        self._rows.writerow(_HEADINGS)

    def write(self, topic: str, index: int, stamp_ns: int, inference_s: float) -> None:
        """Append a line."""
        self._rows.writerow((topic, index, stamp_ns, f'{inference_s:.6f}'))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


def read_timing(folder: Path) -> Iterator[tuple[str, int, float]]:
    """Yield topic, index and seconds of each line, nothing where there is no such file.

    Raises ReplayError where the file is damaged.
    """
    path = folder / TIMING_FILE
    if not path.is_file():
        return
    with path.open(encoding='utf-8', newline='') as file:
        rows = csv.DictReader(file)
        try:
            for row in rows:
                yield row['topic'], int(row['frame']), float(row['inference_s'])
        except (KeyError, TypeError, ValueError, csv.Error) as error:
            msg = (
                f'{path} is damaged at line {rows.line_num} ({type(error).__name__}: {error}). '
                'Remove that file to go on without times.'
            )
            raise ReplayError(msg) from error
