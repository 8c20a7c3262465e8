# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Prepared questions: SQL with a sentence that asks it and parameters that it names."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from importlib.resources import files
from typing import TYPE_CHECKING

from roof_detector.fleet.errors import FleetError

if TYPE_CHECKING:
    from collections.abc import Mapping

Value = str | float | date
_PARAMETER = re.compile(
    r'^-- (?P<name>\w+) (?P<kind>text|number|day)(?: (?P<default>[^:]+))?: (?P<help>.+)$'
)
_SEASONS = {'winter': 12, 'spring': 3, 'summer': 6, 'autumn': 9, 'fall': 9}
_AGO = re.compile(r'(\d+) (day|week|month|year)s? ago')
_DAYS = {'day': 1, 'week': 7, 'month': 30, 'year': 365}


@dataclass(frozen=True, kw_only=True)
class QuestionParameter:
    """A value that a question asks for; `default` is None where it must be given."""

    name: str
    kind: str
    default: str | None
    help: str

    def value(self, text: str, today: date) -> Value:
        """Return the value of what a person wrote; raise FleetError."""
        if self.kind == 'day':
            return day_of(text, today)
        if self.kind == 'number':
            try:
                return float(text)
            except ValueError:
                msg = f'{self.name} is {text!r}, expected a number such as 20.'
                raise FleetError(msg) from None
        return text


@dataclass(frozen=True, kw_only=True)
class Question:
    """SQL that answers a question, in the words that ask it."""

    name: str
    asks: str
    description: str
    parameters: tuple[QuestionParameter, ...]
    sql: str

    @classmethod
    def read(cls, name: str, text: str) -> Question:
        """Read a file: comments with sentence, description and parameters, then SQL."""
        lines = text.splitlines()
        head = [line for line in lines if line.startswith('--')]
        found = [match for line in head if (match := _PARAMETER.match(line))]
        words = [line.removeprefix('-- ') for line in head[1:] if not _PARAMETER.match(line)]
        return cls(
            name=name,
            asks=head[0].removeprefix('-- asks: '),
            description=' '.join(words),
            parameters=tuple(
                QuestionParameter(
                    name=one['name'], kind=one['kind'], default=one['default'], help=one['help']
                )
                for one in found
            ),
            sql='\n'.join(line for line in lines if not line.startswith('--')),
        )

    def matched(self, sentence: str) -> dict[str, str] | None:
        """Return the values in a sentence that asks this, None for another sentence."""
        pattern = re.sub(r'\\{(\w+)\\}', r'(?P<\1>.+?)', re.escape(self.asks))
        pattern = re.sub(r'(\\ )?%', r'\\s*%', pattern)
        match = re.fullmatch(pattern, ' '.join(sentence.split()), re.IGNORECASE)
        if match is not None:
            return match.groupdict()
        return {} if sentence == self.name else None

    def values(self, given: Mapping[str, str], today: date) -> dict[str, Value]:
        """Return the value of each parameter; raise FleetError for one that is missing or odd."""
        names = [one.name for one in self.parameters]
        if odd := [name for name in given if name not in names]:
            msg = (
                f'{self.name} has no parameter {odd[0]!r}; it has '
                f'{", ".join(names) or "none at all"}.'
            )
            raise FleetError(msg)
        values: dict[str, Value] = {}
        for one in self.parameters:
            text = given.get(one.name, one.default)
            if text is None:
                msg = f'{self.name} needs {one.name} ({one.help}); add --set {one.name}=VALUE.'
                raise FleetError(msg)
            values[one.name] = one.value(text, today)
        return values


def questions() -> list[Question]:
    """Return all prepared questions by name."""
    folder = files('roof_detector.fleet') / 'questions'
    found = [one for one in folder.iterdir() if one.name.endswith('.sql')]
    return sorted(
        (Question.read(one.name.removesuffix('.sql'), one.read_text()) for one in found),
        key=lambda one: one.name,
    )


def asked(sentence: str) -> tuple[Question, dict[str, str]]:
    """Return the question of a sentence or a name, with the values in it; raise FleetError."""
    known = questions()
    for question in known:
        values = question.matched(sentence)
        if values is not None:
            return question, values
    listed = '; '.join(f'"{one.asks}"' for one in known)
    msg = f'No prepared question reads {sentence!r}. There are: {listed}. Or write --sql.'
    raise FleetError(msg)


def day_of(text: str, today: date) -> date:
    """Return the day of 2026-03-01, 2026-03, 2026, spring, today or 30 days ago.

    A season is its latest first day that is not after today, of the north: March, June,
    September, December. Raises FleetError.
    """
    word = ' '.join(text.lower().split())
    if word == 'today':
        return today
    if word in _SEASONS:
        month = _SEASONS[word]
        begun = (today.month, today.day) >= (month, 1)
        return date(today.year if begun else today.year - 1, month, 1)
    if match := _AGO.fullmatch(word):
        return today - timedelta(days=int(match[1]) * _DAYS[match[2]])
    try:
        return date.fromisoformat(word + ('', '-01', '-01-01')[2 - word.count('-')])
    except (ValueError, IndexError):
        msg = (
            f'{text!r} is no day; give one such as 2026-03-01, a month 2026-03, a year 2026, '
            'a season such as spring, today, or 30 days ago.'
        )
        raise FleetError(msg) from None
