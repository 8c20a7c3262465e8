# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""`roof_detector fleet query` as a person types it."""

from __future__ import annotations

import csv
import io
import json

import pytest

from roof_detector.cli.exit_code import exit_code_of
from roof_detector.cli.main import make_parser
from roof_detector.fleet.publishing import publish


@pytest.fixture
def query(flown, capsys):
    """Return a call that asks the store of two flights, and gives exit code and outputs."""
    flown.fly('before', day=0)
    flown.fly('after', day=150, side_m=0.9)
    publish(flown.store)

    def ask(*words):
        parsed = make_parser(training=()).parse_args(
            ['fleet', 'query', '--store', str(flown.folder), *words]
        )
        code = exit_code_of(parsed)
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return ask


def test_the_answer_is_a_table_csv_or_json(query):
    words = 'equips grown by 20 % since 2023-12'
    code, table, _ = query(words)
    lines = table.splitlines()
    assert code == 0
    assert lines[0].split()[:3] == ['site', 'object_id', 'class']
    assert lines[-1] == '10 rows.'
    rows = list(csv.DictReader(io.StringIO(query(words, '--format', 'csv')[1])))
    values = json.loads(query(words, '--format', 'json')[1])
    assert [row['object_id'] for row in rows] == [one['object_id'] for one in values]
    assert {one['until'] for one in values} == {'2024-04-12'}
    assert query('cracks grown by 20 % since spring')[:2] == (0, f'{header(lines)}\nNothing.\n')


def header(lines):
    return '  '.join(lines[0].split())


def test_values_can_be_given_beside_the_words(query):
    _, text, _ = query('not_seen', '--set', 'date=2024-01-01', 'class=equip', '--format', 'json')
    assert json.loads(text) == []
    code, _, error = query('not_seen', '--set', 'date')
    assert (code, error) == (1, "--set got 'date', expected NAME=VALUE.\n")


def test_sql_of_a_person_is_answered(query):
    _, text, _ = query('--sql', 'SELECT count(*) AS n FROM findings', '--format', 'json')
    assert json.loads(text) == [{'n': 20}]
    code, _, error = query('--sql', 'DELETE FROM findings')
    assert code == 1
    assert 'expected a single SELECT: the store is only read.' in error
    code, _, error = query()
    assert (code, 'Give either a QUESTION or --sql SELECT' in error) == (1, True)


def test_all_questions_are_listed_with_their_values(query):
    _, text, _ = query('--list')
    assert 'grown: "{class} grown by {percent} % since {date}"' in text
    assert '    percent (number): how much of the area then; 20 by default' in text
