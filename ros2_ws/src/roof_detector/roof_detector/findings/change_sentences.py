# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The sentences of a comparison of two inspections, in the language of the reader."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import yaml

_TABLE = Path(__file__).with_name('tables') / 'change_words.yaml'


def change_sentence(language: str, key: str, **values: float | str) -> str:
    """Return a sentence of the table with its values filled in."""
    return _sentences()[language][key].format(**values)


@cache
def _sentences() -> dict[str, dict[str, str]]:
    sentences: dict[str, dict[str, str]] = yaml.safe_load(_TABLE.read_text(encoding='utf-8'))
    return sentences
