# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The texts of reports in every language."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

if TYPE_CHECKING:
    from collections.abc import Mapping

_FOLDER = Path(__file__).parent / 'texts'
LANGUAGES = ('en', 'zh')


@cache
def report_texts(language: str) -> Mapping[str, str]:
    """Return all texts of a language of `LANGUAGES`; {names} in them are filled in."""
    texts: dict[str, str] = yaml.safe_load(
        (_FOLDER / f'{language}.yaml').read_text(encoding='utf-8')
    )
    return texts
