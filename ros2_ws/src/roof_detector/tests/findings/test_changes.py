# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import csv
import re
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from roof_detector.findings.change_sentences import _sentences
from roof_detector.findings.changes import ChangeKind, Inspected, changes, counted
from roof_detector.findings.inspection_store import InspectionStore
from roof_detector.findings.register import Register
from roof_detector.findings.roof_finding import FindingState
from roof_detector.findings.seen_frames import read_seen_frames

GRID = [(x, y) for x in range(-4, 5, 2) for y in (-1.5, 1.0)]


@pytest.fixture
def inspect(tmp_path, roof):
    """Return a call that flies over objects and gives the inspection as its store has it."""

    def run(name, positions, *, lines=((-6, 0), (6, 0)), bias=(0, 0), seed=1):
        register, scene = Register(roof.NAMES, origin=roof.ORIGIN), roof(positions)
        random = np.random.default_rng(seed)
        path = tmp_path / f'{name}.gpkg'
        with InspectionStore(path) as store:
            with store.run(roof.ORIGIN) as writer:
                (begin, end), steps = lines, 24
                for index in range(steps):
                    place = np.add(begin, np.subtract(end, begin) * index / (steps - 1))
                    sightings, _ = scene.sightings(
                        place, index, flight=name, bias=bias, noise=random
                    )
                    writer.add_frame(sightings, register.add(sightings), roof.NAMES)
                result = register.finish()
                writer.finish(result.findings, result.numbers, result.events, {})
            return Inspected(store.findings(), read_seen_frames(path))

    return run


def kinds(found):
    return counted(found)


def test_two_empty_inspections_have_no_changes():
    found, notes = changes(Inspected([], []), Inspected([], []))
    assert found == []
    assert 'nothing can be compared' in notes[0]


def test_what_a_person_rejected_in_one_inspection_is_disputed_and_not_gone_or_new(inspect):
    old, new = inspect('old', GRID), inspect('new', GRID, seed=2)

    def rejected(inspected):
        first, *others = inspected.findings
        refuted = replace(first, state=FindingState.REJECTED, decided=True)
        return first, Inspected([refuted, *others], inspected.frames)

    finding, refuted = rejected(new)
    found, _ = changes(old, refuted)
    assert kinds(found) == {'unchanged': 9, 'disputed': 1}
    assert f'rejected it as finding {finding.number} of the new inspection' in found[-1].reason
    finding, refuted = rejected(old)
    found, _ = changes(refuted, new)
    assert kinds(found) == {'unchanged': 9, 'disputed': 1}
    assert f'rejected it as finding {finding.number} of the old inspection' in found[-1].reason


def test_the_same_roof_is_unchanged_whatever_the_error_of_the_fix(inspect):
    old = inspect('old', GRID, bias=(2.0, 1.0))
    new = inspect('new', GRID, bias=(-1.5, -2.0), seed=2)
    found, notes = changes(old, new)
    assert kinds(found) == {'unchanged': 10}
    assert 'shifted by +3.5' in notes[0]


def test_what_is_there_no_more_is_gone_and_what_came_is_new(inspect):
    old = inspect('old', GRID)
    new = inspect('new', [*GRID[1:], (1.0, -0.2)], bias=(1.0, 0.5), seed=2)
    found, _ = changes(old, new)
    assert kinds(found) == {'new': 1, 'gone': 1, 'unchanged': 9}
    (gone,) = [one for one in found if one.kind is ChangeKind.GONE]
    assert (round(gone.old.place.east_m), round(gone.old.place.north_m, 1)) == (-4, -1.5)
    assert 'directions without a sighting' in gone.reason
    found, notes = changes(old, new, language='zh')
    (gone,) = [one for one in found if one.kind is ChangeKind.GONE]
    assert '均未发现' in gone.reason
    assert '向东移动' in notes[0]
    for sentence in (*notes, *(one.reason for one in found)):
        assert set(re.findall('[A-Za-z]+', sentence)) <= {'m'}


def test_every_sentence_is_there_in_each_language_with_the_same_values():
    english, chinese = (_sentences()[name] for name in ('en', 'zh'))
    assert english.keys() == chinese.keys()
    for key, text in chinese.items():
        assert set(re.findall(r'{(\w+)', text)) <= {
            *re.findall(r'{(\w+)', english[key]),
            'matches',
        }


def test_nothing_is_gone_where_nobody_looked(inspect):
    old = inspect('old', [*GRID, (30.0, 0.0), (32.0, 1.0)], lines=((-6, 0), (34, 0)))
    new = inspect('new', GRID, seed=2)
    found, _ = changes(old, new)
    assert 'gone' not in kinds(found)
    assert kinds(found)['not seen this time'] == 2


def test_the_command_writes_a_table(inspect, tmp_path):
    inspect('old', GRID)
    inspect('new', GRID[1:], seed=2)
    table = tmp_path / 'changes.csv'
    finished = subprocess.run(
        [
            *(sys.executable, '-m', 'roof_detector.cli.main', 'changes'),
            *(str(tmp_path / 'old.gpkg'), str(tmp_path / 'new.gpkg'), '--output', str(table)),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    assert '1 gone, 9 unchanged' in finished.stdout
    with table.open(encoding='utf-8') as file:
        rows = list(csv.DictReader(file))
    assert sorted({row['change'] for row in rows}) == ['gone', 'unchanged']


def test_nothing_is_gone_that_frames_much_coarser_than_before_did_not_show(inspect):
    old, new = inspect('old', GRID), inspect('new', GRID[1:], seed=2)
    # The same views with a third of the pixels on each side.
    coarse = [replace(one, size_wh=(213, 120)) for one in new.frames]
    found, _ = changes(old, Inspected(new.findings, coarse))
    assert kinds(found) == {'unchanged': 9, 'not seen this time': 1}


def test_what_is_seldom_seen_is_not_gone_after_few_looks(inspect):
    old, new = inspect('old', GRID), inspect('new', GRID[1:], seed=2)
    seldom = [replace(one, sightings=2, looks=2, opportunities=24) for one in old.findings]
    found, _ = changes(Inspected(seldom, old.frames), new)
    assert kinds(found) == {'unchanged': 9, 'not seen this time': 1}


def test_an_object_whose_place_is_less_sure_than_others_is_found_farther_away(inspect, roof):
    old, new = inspect('old', GRID), inspect('new', GRID, seed=2)

    def moved(one, east_m, variance):
        latitude, longitude, _ = roof.ORIGIN.to_geodetic(
            (one.place.east_m + east_m, one.place.north_m, 0)
        )
        ee, en, nn = one.place.covariance
        place = replace(
            one.place,
            latitude_deg=float(latitude),
            longitude_deg=float(longitude),
            covariance=(ee + variance, en, nn),
        )
        return replace(one, place=place)

    first, *others = new.findings
    sure = Inspected([moved(first, -1.4, 0.0), *others], new.frames)
    unsure = Inspected([moved(first, -1.4, 1.0), *others], new.frames)
    assert kinds(changes(old, sure)[0]) == {'unchanged': 9, 'new': 1, 'gone': 1}
    assert kinds(changes(old, unsure)[0]) == {'unchanged': 10}


def sized(inspected, factors):
    """Return an inspection of which each area is larger by its factor, as of a mask."""
    findings = [
        replace(
            one,
            size=replace(
                one.size,
                area_m2=0.36 * factor,
                area_error_m2=0.02 * factor,
                is_from_mask=True,
            ),
        )
        for one, factor in zip(inspected.findings, factors, strict=True)
    ]
    return Inspected(findings, inspected.frames)


@pytest.mark.parametrize('common', [1.0, 1.15])
def test_what_grew_is_told_from_a_height_that_makes_all_look_larger(inspect, common):
    old, new = inspect('old', GRID), inspect('new', GRID, seed=2)
    factors = [common * (1.8 if k == 3 else 0.55 if k == 5 else 1.0) for k in range(10)]
    found, _ = changes(sized(old, [1.0] * 10), sized(new, factors))
    assert kinds(found) == {'grown': 1, 'shrunk': 1, 'unchanged': 8}
    (grown,) = [one for one in found if one.kind is ChangeKind.GROWN]
    assert ('without the factor 1.15' in grown.reason) == (common > 1)


def test_areas_that_all_differ_by_more_than_errors_explain_are_compared_as_they_are(inspect):
    old, new = inspect('old', GRID), inspect('new', GRID, seed=2)
    found, _ = changes(sized(old, [1.0] * 10), sized(new, [2.0] * 10))
    assert kinds(found) == {'grown': 10}


def test_an_object_that_lies_a_little_beside_its_place_is_neither_gone_nor_new(inspect):
    old = inspect('old', GRID)
    new = inspect('new', [*GRID[1:], (GRID[0][0] + 0.9, GRID[0][1] - 0.8)], seed=2)
    found, _ = changes(old, new)
    assert kinds(found) == {'unchanged': 9, 'not seen this time': 1, 'not seen before': 1}
    assert 'look at the images of both' in found[-1].reason


def test_without_alignment_nothing_is_gone_that_could_be_another(inspect):
    row = [(x, 0.0) for x in range(-4, 5, 2)]
    old, new = inspect('old', row), inspect('new', row[1:], seed=2)
    found, notes = changes(old, new)
    assert 'could not be aligned' in notes[0]  # a row of equal objects, moved by one or not
    assert {'gone', 'new'}.isdisjoint(kinds(found))
