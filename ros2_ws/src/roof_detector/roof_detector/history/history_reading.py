# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Reads many inspections one after another; one that cannot be read stops no other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from roof_detector.findings.errors import FindingsError
from roof_detector.history.errors import HistoryError
from roof_detector.history.recorded_inspection import inspection_files, read_inspection

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from roof_detector.history.recorded_inspection import RecordedInspection


class History:
    """The inspections that are named; `lost` has a sentence for each that cannot be used."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self.lost: list[str] = []
        self.files: list[Path] = []
        for path in paths:
            try:
                self.files += [one for one in inspection_files([path]) if one not in self.files]
            except HistoryError as error:
                self.lost.append(str(error))

    def __iter__(self) -> Iterator[RecordedInspection]:
        for file in self.files:
            try:
                yield read_inspection(file)
            except (FindingsError, HistoryError, OSError) as error:
                self.lost.append(str(error))
