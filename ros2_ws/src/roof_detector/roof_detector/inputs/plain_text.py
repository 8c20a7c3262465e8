# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Names and texts of others on a terminal."""

from __future__ import annotations


def plain_text(text: str) -> str:
    """Return a text on one line, with escapes for every character that is not printable.

    Names of files and texts in messages and bags may hold line breaks, which would look like lines
    of ours, and sequences that control a terminal.
    """
    if text.isprintable():
        return text
    return ''.join(
        one if one.isprintable() else one.encode('unicode_escape').decode() for one in text
    )


def plain_lines(text: str) -> str:
    """Return a text of several lines, each of them as `plain_text` does."""
    return '\n'.join(map(plain_text, text.split('\n')))
