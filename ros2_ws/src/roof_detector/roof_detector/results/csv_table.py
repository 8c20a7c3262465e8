# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Exports detections as comma-separated values."""

from __future__ import annotations

import csv
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING

from roof_detector.results.columns import COLUMNS, TableColumn, Value, detection_rows
from roof_detector.results.errors import export_errors
from roof_detector.results.exporter import Export
from roof_detector.results.map_features import MapFeatures

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt

    from roof_detector.results.map_features import Track
    from roof_detector.vision.frame_findings import FrameFindings

# What Excel and its kin take for the beginning of a formula in a text (OWASP, CSV injection).
_FORMULAS = ('=', '+', '-', '@', '\t', '\r')


class CsvExport(Export):
    """Writes one row per detection: RFC 4180, UTF-8, decimal dots, columns as in `COLUMNS`.

    A mark at its beginning has Excel read it as UTF-8. A text that Excel would take for a formula
    has an apostrophe before it. Each frame's rows are flushed to the system before the next frame,
    so a crash loses none. With `track` the detections have their positions.
    """

    def __init__(
        self,
        path: Path,
        *,
        track: Track | None = None,
        pixel_px: float = 2.0,
        overwrite: bool = False,
    ) -> None:
        super().__init__(path, overwrite=overwrite)
        self._features = None if track is None else MapFeatures(track, pixel_px=pixel_px)
        self._first_stamp_ns: int | None = None
        with export_errors(path):
            self._file = self._products[0].part.open('w', encoding='utf-8-sig', newline='')
            self._rows = csv.writer(self._file, dialect='excel')
            self._rows.writerow(column.name for column in COLUMNS)
            self._file.flush()

    def _add(
        self, findings: FrameFindings, image_bgr: npt.NDArray[np.uint8] | None, encoded: bytes
    ) -> None:
        if self._first_stamp_ns is None:
            self._first_stamp_ns = findings.stamp_ns
        features = () if self._features is None else self._features.of(findings)
        for row in detection_rows(
            findings, first_stamp_ns=self._first_stamp_ns, features=features
        ):
            self._rows.writerow(map(_text, COLUMNS, row))
        self._file.flush()

    def _complete(self) -> None:
        self._file.close()

    def _release(self) -> None:
        with suppress(OSError):
            self._file.close()


def _text(column: TableColumn, value: Value) -> str:
    if value is None:
        return ''
    if isinstance(value, datetime):
        return value.strftime('%Y-%m-%dT%H:%M:%S.%fZ')
    if column.decimals is not None:
        return f'{value:.{column.decimals}f}'
    text = str(value)
    return f"'{text}" if isinstance(value, str) and text.startswith(_FORMULAS) else text
