# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The words in which a grade says what was measured and what was not."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Sequence

_TABLE = Path(__file__).with_name('tables') / 'severity_words.yaml'


@cache
def _words(language: str) -> dict[str, Any]:
    words: dict[str, Any] = yaml.safe_load(_TABLE.read_text(encoding='utf-8'))[language]
    return words


def measure_text(measure: str, value: float, *, limit: float, is_over: bool, language: str) -> str:
    """Return a measured value with the limit that it is over or within."""
    words = _words(language)
    own = words['measures'][measure]
    limits = own['over' if is_over else 'within'].format(limit)
    text: str = words['fact'].format(
        name=own['name'], value=own['value'].format(value), limit=limits
    )
    return text


def grade_text(
    because: str, facts: Sequence[str], unknown: Sequence[str], *, language: str
) -> str:
    """Return the whole reason of a grade: why, what was measured, and what is not known.

    `unknown` are measures for want of which a stricter grade could not be tried.
    """
    words = _words(language)
    parts = [because]
    if facts:
        parts.append(words['measured'].format(facts=words['between'].join(facts)))
    if unknown:
        names = words['between'].join(words['measures'][one]['name'] for one in unknown)
        parts.append(words['unknown'].format(names=names))
    space: str = words['space']
    return space.join(parts)
