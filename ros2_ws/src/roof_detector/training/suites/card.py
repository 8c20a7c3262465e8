# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The section of a model card that says what the model reaches on photographs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from training.evaluation.errors import EvaluationError
from training.suites.suite_report import first_line, suite_markdown

if TYPE_CHECKING:
    from pathlib import Path

    from training.suites.suite_rows import SuiteResult

HEADING = 'On photographs'
_UNPROVEN = re.compile(r'\*\*Not proven on photographs:[^*]*\*\*\n\n')


def write_card_section(card: Path, result: SuiteResult) -> None:
    """Replace what a card says of photographs; raise EvaluationError for a file that is no card.

    The classes without a figure stand in the first line below the title, the tables in a section
    of their own, before the one on limits where there is none yet.
    """
    try:
        text = card.read_text(encoding='utf-8')
    except (OSError, UnicodeDecodeError) as error:
        msg = f'{card} cannot be read as a model card ({error}); roof_detector ship writes one.'
        raise EvaluationError(msg) from error
    card.write_text(with_photographs(text, result), encoding='utf-8')


def with_photographs(text: str, result: SuiteResult) -> str:
    """Return the text of a card with the figures of a suite."""
    title, _, rest = text.partition('\n')
    if not title.startswith('# '):
        msg = f'A card begins with "# NAME", this one with {title[:40]!r}: name another --card.'
        raise EvaluationError(msg)
    rest = _UNPROVEN.sub('', rest.lstrip('\n'), count=1)
    line = first_line(result.unproven)
    unproven = f'**{line}**\n\n' if line else ''
    body = suite_markdown(result, with_first_line=False)
    return f'{title}\n\n{unproven}{_with_section(rest, body)}'


def _with_section(text: str, body: str) -> str:
    section = f'## {HEADING}\n\n{body}\n'
    parts = re.split(r'(?m)^(?=## )', text)
    for position, part in enumerate(parts):
        if part.startswith(f'## {HEADING}\n'):
            parts[position] = section
            break
    else:
        limits = [i for i, part in enumerate(parts) if part.startswith('## Limits')]
        parts.insert(limits[0] if limits else len(parts), section)
    parts = [f'{part.rstrip()}\n' for part in parts if part.strip()]
    return '\n'.join(parts)
