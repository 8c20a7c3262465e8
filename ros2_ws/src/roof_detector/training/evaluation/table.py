# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A table for a terminal and for Markdown, with the best value of each column marked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

Value = str | int | float | None


@dataclass(frozen=True)
class Column:
    """The title of a column; `best` is max or min if one value is better than another."""

    title: str
    digits: int = 3
    best: str = ''


@dataclass(frozen=True)
class Table:
    """Rows of values; None is shown as a dash."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Value, ...], ...]

    def markdown(self) -> str:
        """Return the table in Markdown, the best values in bold."""
        cells = self._cells(mark='**{}**')
        lines = [[column.title for column in self.columns], *cells]
        body = ['| ' + ' | '.join(row) + ' |' for row in lines]
        body.insert(1, '|' + ' --- |' * len(self.columns))
        return '\n'.join(body) + '\n'

    def text(self) -> str:
        """Return the table in aligned columns, the best values with a star."""
        rows = [[column.title for column in self.columns], *self._cells(mark='{}*')]
        widths = [max(len(row[i]) for row in rows) for i in range(len(self.columns))]
        return '\n'.join(
            '  '.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in rows
        )

    def _cells(self, *, mark: str) -> list[list[str]]:
        cells = [
            [_shown(value, column.digits) for value, column in zip(row, self.columns, strict=True)]
            for row in self.rows
        ]
        for i, column in enumerate(self.columns):
            for row in self._best_rows(i) if column.best and len(self.rows) > 1 else ():
                cells[row][i] = mark.format(cells[row][i])
        return cells

    def _best_rows(self, i: int) -> Sequence[int]:
        """Return the rows whose value, as shown, is the best."""
        column = self.columns[i]
        numbers = {
            row: round(value, column.digits)
            for row, values in enumerate(self.rows)
            if isinstance(value := values[i], int | float)
        }
        if not numbers:
            return ()
        best = max(numbers.values()) if column.best == 'max' else min(numbers.values())
        return [row for row, value in numbers.items() if value == best]


def _shown(value: Value, digits: int) -> str:
    if value is None:
        return '-'
    return f'{value:.{digits}f}' if isinstance(value, float) else str(value)
