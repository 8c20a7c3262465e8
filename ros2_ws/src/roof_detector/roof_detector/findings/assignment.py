# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Which of two sets belongs to which of the other at the least total cost, where most cannot."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import numpy.typing as npt

_Floats = npt.NDArray[np.float64]
_Rows = npt.NDArray[np.intp]


def assign(cost: _Floats, allowed: npt.NDArray[np.bool_]) -> tuple[_Rows, _Rows]:
    """Return rows and columns (k,) of the pairs that cost least in sum, each used once at most.

    `cost` (n, m) below zero is what a pair is worth; a pair that is not `allowed`, or costs more
    than none, is never returned. Ordered by rows. What is allowed falls into groups that share
    nothing: most are one pair, and each of the others is solved by itself with shortest augmenting
    paths (Crouse 2016, "On implementing 2D rectangular assignment algorithms").
    """
    rows, columns = np.nonzero(allowed & (cost < 0))
    found: list[tuple[int, int]] = []
    for group in _groups(rows.tolist(), columns.tolist()):
        if len(group) == 1:
            found.append(group[0])
            continue
        lines = sorted({row for row, _ in group})
        places = sorted({column for _, column in group})
        part = np.zeros((len(lines), len(places)))
        for row, column in group:
            part[lines.index(row), places.index(column)] = cost[row, column]
        is_tall = len(lines) > len(places)
        for index, other in enumerate(_solved(part.T if is_tall else part)):
            line, place = (other, index) if is_tall else (index, other)
            if part[line, place] < 0:
                found.append((lines[line], places[place]))
    found.sort()
    pairs = np.array(found, np.intp).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1]


def _groups(rows: list[int], columns: list[int]) -> list[list[tuple[int, int]]]:
    """Return the pairs in groups between which no row and no column is shared."""
    of_row: defaultdict[int, list[int]] = defaultdict(list)
    of_column: defaultdict[int, list[int]] = defaultdict(list)
    for number, (row, column) in enumerate(zip(rows, columns, strict=True)):
        of_row[row].append(number)
        of_column[column].append(number)
    seen = [False] * len(rows)
    groups = []
    for first in range(len(rows)):
        if seen[first]:
            continue
        seen[first] = True
        pending, group = [first], []
        while pending:
            number = pending.pop()
            row, column = rows[number], columns[number]
            group.append((row, column))
            for other in (*of_row.pop(row, ()), *of_column.pop(column, ())):
                if not seen[other]:
                    seen[other] = True
                    pending.append(other)
        groups.append(group)
    return groups


def _solved(cost: _Floats) -> list[int]:
    """Return the column of each row at the least total cost; no more rows than columns."""
    count, width = cost.shape
    row_price, column_price = np.zeros(count), np.zeros(width)
    row_of = np.full(width, -1)
    column_of = [-1] * count
    for begun in range(count):
        shortest = np.full(width, np.inf)
        came_from = np.full(width, -1)
        is_open = np.ones(width, np.bool_)
        lowest, row = 0.0, begun
        scanned_rows = [begun]
        while True:
            reduced = lowest + cost[row] - row_price[row] - column_price
            is_shorter = is_open & (reduced < shortest)
            shortest[is_shorter] = reduced[is_shorter]
            came_from[is_shorter] = row
            column = int(np.argmin(np.where(is_open, shortest, np.inf)))
            lowest = float(shortest[column])
            is_open[column] = False
            if row_of[column] < 0:
                break
            row = int(row_of[column])
            scanned_rows.append(row)
        row_price[begun] += lowest
        for scanned in scanned_rows[1:]:
            row_price[scanned] += lowest - shortest[column_of[scanned]]
        closed = ~is_open
        column_price[closed] -= lowest - shortest[closed]
        while True:
            row = int(came_from[column])
            row_of[column] = row
            column, column_of[row] = column_of[row], column
            if row == begun:
                break
    return column_of
