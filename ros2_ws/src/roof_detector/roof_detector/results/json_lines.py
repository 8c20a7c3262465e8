# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Writes a JSON document with one long array, element by element."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class JsonArrayFile:
    """Writes `head`, an array with one element per line, and `tail`, in constant memory."""

    def __init__(self, path: Path, *, head: str = '[', tail: str = ']') -> None:
        self._file = path.open('w', encoding='utf-8', newline='\n')
        self._tail = tail
        self._file.write(head)
        self._between = '\n'

    def add(self, element: object) -> None:
        """Write an element."""
        text = json.dumps(element, allow_nan=False, separators=(',', ':'))
        self._file.write(self._between + text)
        self._between = ',\n'

    def complete(self) -> None:
        """Write the tail and close the file."""
        self._file.write(f'\n{self._tail}\n')
        self._file.close()

    def release(self) -> None:
        """Close the file as it is; raise nothing."""
        with suppress(OSError):
            self._file.close()
