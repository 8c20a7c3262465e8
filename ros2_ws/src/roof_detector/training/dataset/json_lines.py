# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A JSON reader that remembers the line of each list element."""

from __future__ import annotations

import bisect
import json
import re
from typing import Any

_SPACE = ' \t\n\r'


class LinedJson:
    """A JSON object and, for each list directly in it, the line of each element.

    A list as a whole document is the element '' of such an object.
    """

    def __init__(self, text: str) -> None:
        """Parse the text; raise json.JSONDecodeError, which names the line, if that fails."""
        self.content: dict[str, Any] = {}
        self._offsets: dict[str, list[int]] = {}
        self._breaks: list[int] | None = None
        self._text = text
        self._read()

    def line(self, key: str, place: int) -> int:
        """Return the line, from 1, on which an element of a list begins."""
        if self._breaks is None:
            self._breaks = [found.start() for found in re.finditer('\n', self._text)]
        offsets = self._offsets.get(key, [])
        return bisect.bisect_left(self._breaks, offsets[place]) + 1 if place < len(offsets) else 0

    def _read(self) -> None:
        decoder = json.JSONDecoder()
        if self._peek(self._skip(0)) == '[':
            self.content[''], self._offsets[''], _ = self._list(decoder, self._skip(0))
            return
        at = self._expect('{', self._skip(0))
        if self._peek(at) == '}':
            return
        while True:
            key, at = decoder.raw_decode(self._text, self._skip(at))
            at = self._expect(':', self._skip(at))
            if self._peek(at) == '[':
                self.content[key], self._offsets[key], at = self._list(decoder, at)
            else:
                self.content[key], at = decoder.raw_decode(self._text, at)
            at = self._skip(at)
            if self._peek(at) != ',':
                self._expect('}', at)
                return
            at = self._skip(at + 1)

    def _list(self, decoder: json.JSONDecoder, at: int) -> tuple[list[Any], list[int], int]:
        values: list[Any] = []
        offsets: list[int] = []
        at = self._expect('[', at)
        while self._peek(at) != ']':
            offsets.append(at)
            value, at = decoder.raw_decode(self._text, at)
            values.append(value)
            at = self._skip(at)
            if self._peek(at) != ']':
                at = self._expect(',', at)
        return values, offsets, at + 1

    def _skip(self, at: int) -> int:
        while at < len(self._text) and self._text[at] in _SPACE:
            at += 1
        return at

    def _peek(self, at: int) -> str:
        return self._text[at : at + 1]

    def _expect(self, letter: str, at: int) -> int:
        if self._peek(at) != letter:
            msg = f'{letter!r} expected'
            raise json.JSONDecodeError(msg, self._text, at)
        return self._skip(at + 1)
