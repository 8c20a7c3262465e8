# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What the cards of the shipped models, the README and the reference say of photographs."""

from __future__ import annotations

import json
import re
import zipfile
from pathlib import Path

import pytest

from roof_detector.inference.shipped_weights import SHIPPED_WEIGHTS, resolve_model, shipped_models

ROOT = Path(__file__).parents[5]
UNPROVEN = re.compile(r'Not proven on\s+photographs: ([^.;]*)[.;]')


def card_of(name: str) -> str:
    return (SHIPPED_WEIGHTS / f'{name}.md').read_text(encoding='utf-8')


def unproven(text: str) -> set[str]:
    found = UNPROVEN.search(text)
    return set(re.findall(r'\w+', found[1])) if found else set()


@pytest.mark.parametrize('name', shipped_models())
def test_a_class_without_a_figure_on_photographs_stands_in_the_first_line(name):
    card = card_of(name)
    with zipfile.ZipFile(resolve_model(name)) as package:
        names = set(json.loads(package.read('manifest.json'))['class_names'])
    section = card.partition('## On photographs\n')[2].partition('\n## ')[0]
    assert section, f'{name}.md says nothing of photographs'
    found = section.partition('False alarms')[0]
    proven = {one for one in names if f'| {one} | ' in found}
    assert unproven(card.split('\n\n')[1]) == names - proven


def test_the_readme_names_the_classes_that_no_photograph_proves():
    assert unproven((ROOT / 'README.md').read_text()) == unproven(card_of('roof_anomalies'))


@pytest.mark.parametrize('name', ['roof_anomalies', 'roofs'])
def test_the_reference_shows_the_table_of_the_card(name):
    section = card_of(name).partition('## On photographs\n')[2].partition('\n## ')[0]
    rows = [line for line in section.splitlines() if line.startswith('|')]
    page = (ROOT / 'docs' / 'reference' / 'models.md').read_text(encoding='utf-8')
    assert len(rows) > 10
    assert [row for row in rows if row not in page] == []
