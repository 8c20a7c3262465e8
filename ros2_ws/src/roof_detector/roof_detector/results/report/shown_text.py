# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Texts from anywhere, such as names of files, as a page or a PDF can show them."""

from __future__ import annotations

import re

from roof_detector.inputs.input_files import readable

# What has no look of its own, or changes the direction of what follows it to the end of the page.
_UNSEEN = re.compile(
    '[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\\u202a-\\u202e\\u2066-\\u2069\\ufff9-\\uffff]'
)
_LONG_WORD = re.compile(r'[^\s\u200b]{25,}')
_BREAK_AFTER = 12
_ZERO_WIDTH_SPACE = '\u200b'


def shown_text(text: str) -> str:
    """Return a text as valid Unicode without control characters."""
    return _UNSEEN.sub('', readable(text))


def breakable_text(text: str) -> str:
    """Return a text whose long words, such as hashes and paths, can be broken between lines."""
    return _LONG_WORD.sub(_with_breaks, shown_text(text))


def _with_breaks(found: re.Match[str]) -> str:
    word = found.group()
    parts = [word[k : k + _BREAK_AFTER] for k in range(0, len(word), _BREAK_AFTER)]
    return _ZERO_WIDTH_SPACE.join(parts)
