# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The words of the page in every language."""

from __future__ import annotations

import re
import string

import pytest
import yaml

from roof_detector.station.errors import StationError
from roof_detector.station.language import LANGUAGES, TEXTS, Language


def texts(code):
    return yaml.safe_load((TEXTS / f'{code}.yaml').read_text(encoding='utf-8'))


def blanks(text):
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def is_in(script, key):
    """Return whether the review's scripts say a text, by its name or by that of its group."""
    return f"'{key}'" in script or f'say(`{key.partition("_")[0]}_$' in script


def test_english_and_chinese_are_there():
    assert set(LANGUAGES) >= {'en', 'zh'}


@pytest.mark.parametrize('code', LANGUAGES)
def test_every_language_says_the_same_with_the_same_blanks(code):
    english, other = texts('en'), texts(code)
    assert list(other) == list(english)
    for key, text in other.items():
        assert isinstance(text, str) and text
        assert blanks(text) == blanks(english[key]), key


def test_every_text_is_used_and_every_text_used_is_there():
    source = '\n'.join(path.read_text() for path in TEXTS.parent.rglob('*.py'))
    script = '\n'.join(path.read_text() for path in TEXTS.parent.glob('static/review*.js'))
    unused = [
        key
        for key in texts('en')
        if f"'{key}'" not in source and not is_in(script, key.removeprefix('review_'))
    ]
    assert not unused
    said = set(re.findall(r"\bsay\(\s*'(\w+)'", script))
    assert said and {f'review_{key}' for key in said} <= set(texts('en'))
    used = set(re.findall(r"\btext\(\s*'(\w+)'", source))
    assert used and used <= set(texts('en'))


def test_a_text_that_is_missing_is_named():
    with pytest.raises(StationError, match='no_such_key'):
        Language('en')('no_such_key')
