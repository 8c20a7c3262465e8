# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Exports detections as an Excel workbook."""

from __future__ import annotations

import shutil
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any

from xlsxwriter import Workbook
from xlsxwriter.exceptions import XlsxWriterException

from roof_detector.inputs.input_files import readable
from roof_detector.results.atomic_output import SUFFIX
from roof_detector.results.class_summary import ClassSummary
from roof_detector.results.columns import COLUMNS, TableColumn, Value, detection_rows
from roof_detector.results.errors import export_errors
from roof_detector.results.exporter import Export
from roof_detector.results.map_features import MapFeatures

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt
    from xlsxwriter.format import Format
    from xlsxwriter.worksheet import Worksheet

    from roof_detector.results.map_features import Track
    from roof_detector.vision.frame_findings import FrameFindings

EXCEL_ROWS = 1_048_576
_LONGEST_TEXT = 32_767  # characters of a cell, as Excel's specification has it
_HEADER = {'bold': True, 'bg_color': '#D9E2EC', 'bottom': 1, 'align': 'left'}


class ExcelExport(Export):
    """Writes the sheets `detections`, `summary` and `settings`; past the limit `detections 2`.

    XlsxWriter's constant_memory mode writes each row to the disk before the next one; openpyxl's
    write-only mode does so too, at half the speed. Texts are always stored as texts, so that none
    becomes a formula or a link. With `track` the detections have their positions.
    """

    raises = (XlsxWriterException,)

    def __init__(
        self,
        path: Path,
        *,
        class_names: tuple[str, ...],
        settings: Mapping[str, object],
        track: Track | None = None,
        pixel_px: float = 2.0,
        overwrite: bool = False,
        rows_per_sheet: int = EXCEL_ROWS,
    ) -> None:
        super().__init__(path, overwrite=overwrite)
        self._features = None if track is None else MapFeatures(track, pixel_px=pixel_px)
        self._rows_per_sheet = rows_per_sheet
        self._first_stamp_ns: int | None = None
        self._summary = ClassSummary(class_names)
        # The rows are kept beside the workbook: /tmp may be small, or in memory.
        self._waiting = path.with_name(f'{path.name}.rows{SUFFIX}')
        with export_errors(path, *self.raises):
            shutil.rmtree(self._waiting, ignore_errors=True)
            self._waiting.mkdir()
            self._book = Workbook(
                str(self._products[0].part),
                {'constant_memory': True, 'tmpdir': str(self._waiting)},
            )
            self._book.use_zip64()
            self._header = self._book.add_format(_HEADER)
            self._formats = [
                self._book.add_format({'num_format': column.number_format}) for column in COLUMNS
            ]
            self._sheets = 0
            self._sheet = self._next_sheet()
            self._summary_sheet = self._book.add_worksheet('summary')
            self._write_settings(settings)

    def _add(
        self, findings: FrameFindings, image_bgr: npt.NDArray[np.uint8] | None, encoded: bytes
    ) -> None:
        if self._first_stamp_ns is None:
            self._first_stamp_ns = findings.stamp_ns
        self._summary.add(findings)
        features = () if self._features is None else self._features.of(findings)
        for row in detection_rows(
            findings, first_stamp_ns=self._first_stamp_ns, features=features
        ):
            if self._row == self._rows_per_sheet:
                self._close_sheet()
                self._sheet = self._next_sheet()
            for index, (column, value) in enumerate(zip(COLUMNS, row, strict=True)):
                cell = self._row, index
                _write(self._sheet, cell, column, value, self._formats[index])
            self._row += 1

    def _complete(self) -> None:
        self._close_sheet()
        self._write_summary()
        self._book.close()
        shutil.rmtree(self._waiting)

    def _release(self) -> None:
        """Remove the temporary rows: without its end the workbook cannot be read."""
        self._book.fileclosed = True  # otherwise its destructor prints a warning
        for sheet in self._book.worksheets():
            with suppress(OSError, AttributeError, ValueError):
                sheet.row_data_fh.close()
        shutil.rmtree(self._waiting, ignore_errors=True)

    def _next_sheet(self) -> Worksheet:
        self._sheets += 1
        name = 'detections' if self._sheets == 1 else f'detections {self._sheets}'
        sheet = self._book.add_worksheet(name)
        sheet.freeze_panes(1, 0)
        for index, column in enumerate(COLUMNS):
            sheet.set_column(index, index, column.width)
            sheet.write_string(0, index, column.name, self._header)
            if column.as_text:
                letter = chr(ord('A') + index)
                spread = f'{letter}1:{letter}{EXCEL_ROWS}'
                sheet.ignore_errors({'number_stored_as_text': spread})
        self._row = 1
        return sheet

    def _close_sheet(self) -> None:
        self._sheet.autofilter(0, 0, self._row - 1, len(COLUMNS) - 1)

    def _write_summary(self) -> None:
        sheet, summary = self._summary_sheet, self._summary
        sheet.freeze_panes(1, 0)
        sheet.set_column(0, 0, 28)
        sheet.set_column(1, 4, 18)
        share = self._book.add_format({'num_format': '0.000'})
        for index, name in enumerate(summary.HEADER):
            sheet.write_string(0, index, name, self._header)
        row = 1
        for entry in summary.rows():
            _write_cell(sheet, row, 0, entry[0])
            for index, value in enumerate(entry[1:], start=1):
                _write_cell(sheet, row, index, value, share if index > 2 else None)
            row += 1
        sheet.autofilter(0, 0, row - 1, len(summary.HEADER) - 1)
        for name, number in summary.totals():
            row += 1
            sheet.write_string(row, 0, name)
            _write_cell(sheet, row, 1, number)

    def _write_settings(self, settings: Mapping[str, object]) -> None:
        sheet = self._book.add_worksheet('settings')
        sheet.freeze_panes(1, 0)
        sheet.set_column(0, 0, 32)
        sheet.set_column(1, 1, 80)
        sheet.write_string(0, 0, 'setting', self._header)
        sheet.write_string(0, 1, 'value', self._header)
        for row, (name, value) in enumerate(settings.items(), start=1):
            _write_cell(sheet, row, 0, str(name))
            _write_cell(sheet, row, 1, value)


def _write(
    sheet: Worksheet, cell: tuple[int, int], column: TableColumn, value: Value, layout: Format
) -> None:
    if isinstance(value, datetime):
        sheet.write_datetime(*cell, value.replace(tzinfo=None), layout)
    elif column.as_text:
        sheet.write_string(*cell, str(value), layout)
    else:
        _write_cell(sheet, *cell, value, layout)


def _write_cell(
    sheet: Worksheet, row: int, index: int, value: Any, layout: Format | None = None
) -> None:
    if value is None:
        return
    if isinstance(value, bool):
        sheet.write_boolean(row, index, value, layout)
    elif isinstance(value, (int, float)) and abs(value) < 1e15:
        sheet.write_number(row, index, value, layout)
    else:
        sheet.write_string(row, index, readable(str(value))[:_LONGEST_TEXT], layout)
