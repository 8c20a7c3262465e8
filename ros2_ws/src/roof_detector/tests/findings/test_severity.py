# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest
import shapely
import yaml

from roof_detector.findings.errors import FindingsError
from roof_detector.findings.evidence import BestImage
from roof_detector.findings.roof_finding import (
    FindingPlace,
    FindingSize,
    FindingState,
    RoofFinding,
)
from roof_detector.findings.severity import LANGUAGES, Action, Grade, Measures, Severity
from roof_detector.findings.severity_file import CONDITIONS, read_severity, shipped_severity
from roof_detector.findings.sightings import FrameReference
from roof_detector.findings.surroundings import grades_of, measures_of

CONFIG = Path(__file__).parents[2] / 'config' / 'severity.yaml'
METRE_DEG = 1 / 111_180.0  # of latitude at 47 degrees north


def finding(number, class_name='crack', *, north_m=0.0, size=None, **values):
    """Return a finding on a line to the north; `size` are length and area."""
    frame = FrameReference(flight='f', source='f', topic='', index=0, name='f_0', stamp_ns=0)
    best = BestImage(
        frame=frame,
        detection=0,
        box_xyxy=(0, 0, 9, 9),
        confidence=0.8,
        metres_per_pixel=0.01,
        quality=1.0,
    )
    place = FindingPlace(
        latitude_deg=47.0 + north_m * METRE_DEG,
        longitude_deg=8.0,
        east_m=0.0,
        north_m=north_m,
        height_m=0.0,
        covariance=(1, 0, 1),
        radius95_m=2.4,
    )
    measured = None
    if size is not None:
        measured = FindingSize(
            length_m=size[0],
            width_m=0.1,
            side_error_m=0.05,
            area_m2=size[1],
            area_error_m2=0.1,
            is_from_mask=False,
        )
    one = RoofFinding(
        number=number,
        uuid=UUID(int=number),
        class_name=class_name,
        class_probabilities={class_name: 0.9},
        existence=0.97,
        state=FindingState.CONFIRMED,
        place=place,
        size=measured,
        sightings=5,
        looks=3,
        opportunities=6,
        first_seen_ns=0,
        last_seen_ns=0,
        flights=('f',),
        tracks=(),
        best=best,
    )
    return replace(one, **values)


def test_no_findings_have_no_grades():
    assert grades_of([], shipped_severity()) == {}


def test_the_installed_rules_are_those_that_the_program_reads():
    assert CONFIG.read_text(encoding='utf-8') == shipped_severity().text


def test_every_class_of_the_shipped_model_has_rules_in_both_languages():
    rules = shipped_severity()
    for name in ('equip', 'drain', 'crack', 'ponding', 'rust'):
        assert all(rules.called(name, language) != name for language in ('zh',)), name
    assert rules.called('chimney', 'en') == 'chimney'
    assert rules.grade('equip', Measures()) is None


@pytest.mark.parametrize(
    ('class_name', 'measures', 'severity', 'action'),
    [
        ('crack', Measures(length_m=0.4), Severity.LOW, Action.MONITOR),
        ('crack', Measures(length_m=2.5), Severity.HIGH, Action.REPAIR),
        ('crack', Measures(length_m=0.8, drain_m=1.0), Severity.HIGH, Action.URGENT),
        ('crack', Measures(length_m=0.4, per_100_m2=4), Severity.MEDIUM, Action.REPAIR),
        ('crack', Measures(length_m=0.4, edge_m=0.2), Severity.MEDIUM, Action.REPAIR),
        ('ponding', Measures(area_m2=3, drain_m=1.5), Severity.HIGH, Action.URGENT),
        ('rust', Measures(area_m2=2.0), Severity.MEDIUM, Action.REPAIR),
        ('chimney', Measures(), Severity.LOW, Action.MONITOR),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_the_worst_grade_whose_conditions_hold_counts(class_name, measures, severity, action):
    grade = shipped_severity().grade(class_name, measures)
    assert (grade.severity, grade.action) == (severity, action)
    assert all(grade.sentence(language) for language in LANGUAGES)


def test_a_grade_says_what_was_measured_and_what_was_not():
    rules = shipped_severity()
    long = rules.grade('crack', Measures(length_m=2.5, drain_m=9))
    assert 'length 2.50 m (over 2 m)' in long.sentence('en')
    assert '长度 2.50 m' in long.sentence('zh')
    assert 'Not known' not in long.sentence('en')
    blind = rules.grade('crack', Measures())
    assert 'distance to a drain' in blind.sentence('en').partition('Not known')[2]
    assert '未知' in blind.sentence('zh')


def test_neighbours_drains_and_edges_are_measured_between_findings():
    roof = shapely.box(8.0 - 0.001, 47.0 - 10 * METRE_DEG, 8.0 + 0.001, 47.001)
    findings = [
        finding(1, size=(0.4, 0.1)),
        finding(2, north_m=3),
        finding(3, north_m=5, state=FindingState.REJECTED),
        finding(4, 'drain', north_m=-2),
        finding(5, north_m=50),
        replace(finding(6), place=None),
    ]
    measures = measures_of(findings, shipped_severity(), outline=roof)
    first = measures[UUID(int=1)]
    assert (first.length_m, first.per_100_m2) == (0.4, 2)
    assert first.drain_m == pytest.approx(2, abs=0.01)
    assert first.edge_m == pytest.approx(10, abs=0.05)
    assert measures[UUID(int=4)].drain_m is None  # itself is none
    assert measures[UUID(int=6)] == Measures()
    assert measures_of(findings, shipped_severity())[UUID(int=1)].edge_m is None


def test_a_decision_of_a_person_replaces_the_grade():
    urgent = Grade(severity=Severity.HIGH, action=Action.URGENT, decided_by='A. B.')
    other = UUID(int=99)
    grades = grades_of(
        [finding(1), finding(2, 'drain')],
        shipped_severity(),
        decided={UUID(int=1): urgent, other: urgent},
    )
    assert grades == {UUID(int=1): urgent}


FAULTS = {
    'an empty file': ('', 'expected a table of version'),
    'no YAML': ('a: [', 'is not YAML'),
    'another version': ('@version: 2', 'version is 2, expected 1'),
    'a class that stands twice': ('@classes: {other: 1, other: 2}', 'stands twice'),
    'no rule for the others': ('@classes: {}', "an entry 'other'"),
    'a misspelt condition': (
        'length_over_m: 2.0|lenght_over_m: 2.0',
        'did you mean length_over_m',
    ),
    'a word for a number': ('length_over_m: 2.0|length_over_m: two', "'two', expected a number"),
    'a truth for a number': ('length_over_m: 2.0|length_over_m: true', 'True, expected a number'),
    'no finite number': ('length_over_m: 2.0|length_over_m: .inf', 'inf, expected a number'),
    'a negative limit': ('length_over_m: 2.0|length_over_m: -1', '-1, expected a number'),
    'an unknown severity': ('severity: high|severity: bad', "'bad', expected one of low"),
    'an unknown action': ('action: urgent|action: now', "'now', expected one of monitor"),
    'a language that is missing': ('{en: crack, zh: 裂缝}|{en: crack}', 'called lacks zh'),
    'an empty sentence': ('{en: crack, zh: 裂缝}|{en: crack, zh: ""}', 'expected a text'),
    'falling points': ('low: 15, medium: 40|low: 45, medium: 40', 'expected rising'),
    'an inventory with grades': ('inventory: true|inventory: true\n    grades: []', 'inventory'),
    'drains that are no list': ('drains: [drain]|drains: drain', 'expected a list of classes'),
}


@pytest.mark.parametrize(('change', 'sentence'), FAULTS.values(), ids=FAULTS)
def test_a_fault_is_refused_with_a_sentence_that_names_it(change, sentence, tmp_path):
    text = shipped_severity().text
    if change.startswith('@'):
        name = change[1:].partition(':')[0]
        table = yaml.safe_load(text)
        kept = {key: value for key, value in table.items() if key != name}
        text = f'{change[1:]}\n{yaml.safe_dump(kept, allow_unicode=True)}'
    elif '|' in change:
        old, _, new = change.partition('|')
        assert old in text
        text = text.replace(old, new, 1)
    else:
        text = change
    path = tmp_path / 'severity.yaml'
    path.write_text(text, encoding='utf-8')
    with pytest.raises(FindingsError, match=r'severity\.yaml') as refused:
        read_severity(path)
    assert sentence in str(refused.value)


@pytest.mark.parametrize(
    ('grades', 'sentence'),
    [
        ('[low, high]', 'the worst grades come first'),
        ('[low-]', 'add one without for everything else'),
        ('[high!, low]', 'has to be the last'),
    ],
    ids=['out of order', 'none for the rest', 'unreachable'],
)
def test_grades_that_could_never_count_are_refused(grades, sentence, tmp_path):
    because = {'en': 'why', 'zh': '原因'}
    rules = []
    for word in grades.strip('[]').split(', '):
        rule = {'severity': word.strip('!-'), 'action': 'monitor', 'because': because}
        if not word.endswith('!') and (word != 'low' or grades.startswith('[low,')):
            rule['when'] = {'area_over_m2': 1}
        rules.append(rule)
    table = yaml.safe_load(shipped_severity().text)
    table['classes']['crack']['grades'] = rules
    path = tmp_path / 'severity.yaml'
    path.write_text(yaml.safe_dump(table), encoding='utf-8')
    with pytest.raises(FindingsError, match=sentence):
        read_severity(path)


def test_a_file_that_is_missing_is_named(tmp_path):
    with pytest.raises(FindingsError, match=r'none.yaml cannot be read'):
        read_severity(tmp_path / 'none.yaml')


def test_every_condition_is_about_a_measure():
    assert {measure for measure, _ in CONDITIONS.values()} <= set(vars(Measures()))
