# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The HTML of the review, a page of its own: a slow link has it in seconds."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

from roof_detector.findings.severity_file import shipped_severity

if TYPE_CHECKING:
    from roof_detector.station.language import Language

_STATIC = Path(__file__).parents[1] / 'static'
_PREFIX = 'review_'


def review_page(text: Language, name: str) -> str:
    """Return the page of an inspection in the language of the station."""
    words = {
        key.removeprefix(_PREFIX): word
        for key, word in text.texts.items()
        if key.startswith(_PREFIX)
    }
    rules = shipped_severity()
    facts = {
        'name': name,
        'words': words,
        'classes': {one: rules.called(one, text.code) for one in rules.classes},
    }
    # No text can end the element that holds it.
    data = json.dumps(facts, ensure_ascii=False).replace('<', '\\u003c')
    values = {
        'language': 'zh-CN' if text.code == 'zh' else 'en',
        'title': html.escape(name),
        'facts': data,
    }
    page = (_STATIC / 'review.html').read_text(encoding='utf-8')
    return re.sub(r'\{(language|title|facts)\}', lambda found: values[found[1]], page)
