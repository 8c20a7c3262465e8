# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from dataclasses import replace
from uuid import UUID

import numpy as np
import pyogrio
import pytest

from roof_detector.findings.decisions import (
    Decision,
    DecisionKind,
    apply_decisions,
    tracks_apart,
)
from roof_detector.findings.errors import FindingsError
from roof_detector.findings.inspection_store import InspectionStore
from roof_detector.findings.register import Register
from roof_detector.findings.reviewer import FindingVerdict, Reviewer, disputed
from roof_detector.findings.roof_finding import FindingState

NOW = '2026-01-02T03:04:05Z'
ROW = [(x, 0.0) for x in range(-4, 5, 2)]


def fill(store, roof, *, decisions=()):
    """Fly over a row of objects and write everything, as an inspection does."""
    register = Register(roof.NAMES, origin=roof.ORIGIN, apart=tracks_apart(decisions))
    scene = roof(ROW)
    with store.run(roof.ORIGIN) as run:
        for index in range(20):
            sightings, _ = scene.sightings((index * 0.5 - 5, 0), index)
            run.add_frame(sightings, register.add(sightings), roof.NAMES)
        result = register.finish()
        decided = apply_decisions(result.findings, result.numbers, decisions)
        run.finish(
            decided.findings,
            decided.numbers,
            result.events,
            {'model': 'tiny'},
            computed=result.findings,
        )
    return decided


@pytest.fixture
def path(tmp_path):
    return tmp_path / 'inspection.gpkg'


def test_a_new_store_is_an_empty_inspection(path):
    with InspectionStore(path) as store:
        assert store.findings() == []
        assert store.decisions() == []


def test_findings_come_back_as_they_were_written(path, roof):
    with InspectionStore(path) as store:
        written = fill(store, roof).findings
        read = store.findings()
    assert [one.uuid for one in read] == [one.uuid for one in written]
    for one, other in zip(read, written, strict=True):
        assert replace(one, class_probabilities={}, best=other.best) == replace(
            other, class_probabilities={}
        )
    assert not list(path.parent.glob('*-wal'))


def test_map_programs_open_the_file_unchanged(path, roof):
    with InspectionStore(path) as store:
        fill(store, roof)
    layers = dict(pyogrio.list_layers(path))
    assert layers['findings'] == 'Point'
    assert layers['frames'] == 'Polygon'
    assert layers['decisions'] is None
    info = pyogrio.read_info(path, layer='findings')
    assert (info['crs'], info['features']) == ('EPSG:4326', 5)
    _, _, geometry, fields = pyogrio.raw.read(path, layer='findings', columns=['number'])
    assert fields[0].tolist() == [1, 2, 3, 4, 5]
    longitude, latitude = np.frombuffer(geometry[0][-16:], '<f8')
    assert (round(longitude, 3), round(latitude, 3)) == (8.0, 47.0)
    with sqlite3.connect(path) as connection:
        assert connection.execute('PRAGMA application_id').fetchone() == (0x47504B47,)
        assert connection.execute('SELECT count(DISTINCT finding) FROM sightings').fetchone() == (
            5,
        )


def decision(finding, kind, value=''):
    place = (finding.place.latitude_deg, finding.place.longitude_deg)
    return Decision(
        kind=kind,
        uuid=finding.uuid,
        who='A. B.',
        made_at=NOW,
        value=value,
        class_name=finding.class_name,
        place_deg=place,
    )


def test_a_rerun_keeps_the_decisions_and_follows_them(path, roof):
    with InspectionStore(path) as store:
        first, second, third, *_ = fill(store, roof).findings
        for one in (
            decision(first, DecisionKind.REJECT),
            decision(second, DecisionKind.RENAME, 'chimney'),
            decision(second, DecisionKind.NOTE, 'look again'),
            decision(third, DecisionKind.MERGE, str(second.uuid)),
        ):
            store.decide(one)
    with InspectionStore(path) as store:
        fill(store, roof, decisions=store.decisions())
        again = {one.uuid: one for one in store.findings()}
        assert len(store.decisions()) == 4
    assert again[first.uuid].state is FindingState.REJECTED
    assert again[first.uuid].decided
    assert again[second.uuid].class_name == 'chimney'
    assert again[second.uuid].note == 'look again'
    assert third.uuid not in again
    assert third.uuid in again[second.uuid].aliases


def test_a_decision_finds_its_object_again_by_place_where_the_identity_is_new(path, roof):
    with InspectionStore(path) as store:
        decided = fill(store, roof)
    lost = decision(decided.findings[0], DecisionKind.REJECT)
    elsewhere = replace(lost, uuid=UUID(int=1))
    nowhere = replace(lost, uuid=UUID(int=2), place_deg=(0.0, 0.0))
    found = apply_decisions(decided.findings, decided.numbers, [elsewhere, nowhere])
    assert found.findings[0].state is FindingState.REJECTED
    assert any('1 decisions are about findings' in note for note in found.notes)


@pytest.mark.parametrize(
    ('kind', 'value', 'message'),
    [
        (DecisionKind.RENAME, ' ', 'needs the name of the class'),
        (DecisionKind.MERGE, '7', 'no UUID'),
        (DecisionKind.SPLIT, 'track 7', 'FLIGHT|TOPIC#NUMBER'),
        (DecisionKind.NOTE, 'x' * 3000, 'at most 2000'),
    ],
    ids=['no name', 'no uuid', 'no track', 'too long'],
)
def test_an_invalid_decision_is_refused(kind, value, message):
    with pytest.raises(FindingsError, match=message.replace('|', r'\|')):
        Decision(kind=kind, uuid=UUID(int=1), who='A. B.', made_at=NOW, value=value)


def test_decisions_cannot_be_changed_by_any_program(path):
    with InspectionStore(path) as store:
        store.decide(
            Decision(kind=DecisionKind.CONFIRM, uuid=UUID(int=1), who='A. B.', made_at=NOW)
        )
    connection = sqlite3.connect(path)
    for statement in ('DELETE FROM decisions', "UPDATE decisions SET who = 'C'"):
        with pytest.raises(sqlite3.IntegrityError, match='only ever added'):
            connection.execute(statement)
    connection.close()


def test_a_decision_that_was_taken_back_leaves_what_was_computed(path, roof):
    with InspectionStore(path) as store:
        first, second, third, *_ = fill(store, roof).findings
        reviewer = Reviewer(store, 'A. B.')
        reviewer.decide(
            FindingVerdict(number=1, kind=DecisionKind.REJECT),
            FindingVerdict(number=2, kind=DecisionKind.REJECT),
        )
        reviewer.decide(FindingVerdict(number=3, kind=DecisionKind.MERGE, value='1'))
        reviewer.decide(FindingVerdict(number=2, kind=DecisionKind.SEVERITY, value='high'))
        fill(store, roof, decisions=store.decisions())  # a run in between knows what was computed
        assert [one.number for one in store.findings()] == [1, 2, 4, 5]
        assert store.decided().findings[1].severity == 'high'
        reviewer.undo()
        reviewer.undo()
        assert [one.number for one in store.decided().findings] == [1, 2, 3, 4, 5]
        assert store.decided().findings[0].state is FindingState.REJECTED
        reviewer.undo()  # both at once: they were one act
        assert {one.state for one in store.decided().findings} == {first.state}
        with pytest.raises(FindingsError, match=r'no decision of A\. B\.'):
            reviewer.undo()
        redone = [one for one in store.decisions() if one.kind is DecisionKind.UNDO][-2:]
        reviewer.take_back([one.serial for one in redone])
        states = [one.state for one in store.decided().findings]
        assert states == [FindingState.REJECTED] * 2 + [first.state] * 3
        assert len(store.decisions()) == 10
    assert second.state == third.state == first.state


def test_two_reviewers_lose_nothing_and_the_last_of_two_answers_counts(path, roof):
    with InspectionStore(path) as store, InspectionStore(path) as other:
        fill(store, roof)
        ours, theirs = Reviewer(store, 'A. B.'), Reviewer(other, 'C. D.')
        for number in range(1, 6):
            ours.decide(FindingVerdict(number=number, kind=DecisionKind.CONFIRM))
            theirs.decide(
                FindingVerdict(number=number, kind=DecisionKind.NOTE, value=f'note {number}')
            )
        theirs.decide(FindingVerdict(number=2, kind=DecisionKind.REJECT))
        assert len(store.decisions()) == 11
        found = store.decided().findings
        assert [one.note for one in found] == [f'note {number}' for number in range(1, 6)]
        assert found[1].state is FindingState.REJECTED
        assert disputed(other.decisions()) == {found[1].uuid}
        ours.decide(FindingVerdict(number=1, kind=DecisionKind.MERGE, value='2'))
        # What is decided of a part is decided of the whole.
        theirs.decide(FindingVerdict(number=1, kind=DecisionKind.SEVERITY, value='low'))
        assert store.decided().findings[0].severity == 'low'


@pytest.mark.parametrize(
    ('verdict', 'message'),
    [
        (FindingVerdict(number=9, kind=DecisionKind.CONFIRM), 'no finding 9,'),
        (FindingVerdict(number=1, kind=DecisionKind.MERGE, value='x'), 'needs the number'),
        (FindingVerdict(number=1, kind=DecisionKind.MERGE, value='1'), 'part of itself'),
        (FindingVerdict(number=1, kind=DecisionKind.SEVERITY, value='huge'), 'low, medium, high'),
        (FindingVerdict(number=1, kind=DecisionKind.SPLIT, value='x'), 'no track'),
    ],
    ids=['finding', 'no number', 'itself', 'severity', 'track'],
)
def test_of_several_decisions_none_is_kept_when_one_is_invalid(path, roof, verdict, message):
    with InspectionStore(path) as store:
        fill(store, roof)
        with pytest.raises(FindingsError, match=message):
            Reviewer(store, 'A. B.').decide(
                FindingVerdict(number=1, kind=DecisionKind.CONFIRM), verdict
            )
        assert store.decisions() == []
        for name in ('', ' ', 'x' * 100, 'a\nb'):
            with pytest.raises(FindingsError, match='name of who decides'):
                Reviewer(store, name)


def test_a_store_of_the_first_schema_is_brought_up_to_date(path, roof):
    with InspectionStore(path) as store:
        fill(store, roof)
        Reviewer(store, 'A. B.').decide(
            FindingVerdict(number=1, kind=DecisionKind.NOTE, value='loose')
        )
        fill(store, roof, decisions=store.decisions())
    with sqlite3.connect(path) as connection:
        connection.execute('ALTER TABLE findings DROP COLUMN severity')
        for name in ('camera_longitude_deg', 'camera_latitude_deg'):
            connection.execute(f'ALTER TABLE frames DROP COLUMN {name}')
        connection.execute('DROP TABLE findings_computed')
        connection.execute("DELETE FROM gpkg_contents WHERE table_name = 'findings_computed'")
        connection.execute(
            "DELETE FROM gpkg_geometry_columns WHERE table_name = 'findings_computed'"
        )
        connection.execute('UPDATE inspection_schema SET version = 1')
    connection.close()
    with InspectionStore(path) as store:
        assert store.decided().findings[0].note == 'loose'
        assert len(store.computed()) == 5


def test_a_failed_run_leaves_the_store_as_it_was(path, roof):
    with InspectionStore(path) as store:
        fill(store, roof)
        with pytest.raises(RuntimeError), store.run(roof.ORIGIN):
            raise RuntimeError
        assert len(store.findings()) == 5


def test_people_decide_while_recordings_are_read_and_the_run_follows_them(path, roof):
    with InspectionStore(path) as store:
        fill(store, roof)
    with InspectionStore(path) as store, store.run(roof.ORIGIN) as run:
        register, scene = Register(roof.NAMES, origin=roof.ORIGIN), roof(ROW)
        for index in range(20):
            sightings, _ = scene.sightings((index * 0.5 - 5, 0), index)
            run.add_frame(sightings, register.add(sightings), roof.NAMES)
            if index == 10:
                with InspectionStore(path) as other:
                    assert len(other.findings()) == 5  # those of the run before
                    Reviewer(other, 'A. B.').decide(
                        FindingVerdict(number=2, kind=DecisionKind.REJECT)
                    )
        result = register.finish()
        run.publish()
        decided = apply_decisions(result.findings, result.numbers, store.decisions())
        run.finish(decided.findings, decided.numbers, (), {}, computed=result.findings)
    with InspectionStore(path) as store:
        assert [one.number for one in store.findings() if one.decided] == [2]
        assert len(store.decisions()) == 1
        assert store.rows('SELECT count(*) FROM frames') == [(20,)]
        assert store.rows("SELECT count(*) FROM sqlite_master WHERE name = 'frames'") == [(1,)]


def test_a_newer_schema_is_refused_in_a_sentence(path):
    InspectionStore(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute('UPDATE inspection_schema SET version = 99')
    with pytest.raises(FindingsError, match=r'has schema 99, .* update roof_detector'):
        InspectionStore(path)


def test_damaged_and_foreign_files_are_refused_in_a_sentence(path, roof):
    path.write_bytes(b'no database at all, but long enough' * 100)
    with pytest.raises(FindingsError, match='damaged or no inspection'):
        InspectionStore(path)
    path.unlink()
    with sqlite3.connect(path) as connection:
        connection.execute('CREATE TABLE other (x)')
    connection.close()
    with pytest.raises(FindingsError, match='no inspection of roof_detector'):
        InspectionStore(path)
    path.unlink()
    with InspectionStore(path) as store:
        fill(store, roof)
    content = bytearray(path.read_bytes())
    content[4096 : 4096 * 12] = os.urandom(4096 * 11)
    path.write_bytes(content)
    with pytest.raises(FindingsError, match='damaged'):
        InspectionStore(path).findings()


def test_a_locked_file_is_refused_in_a_sentence(path, monkeypatch):
    monkeypatch.setattr('roof_detector.findings.geopackage._PATIENCE_S', 0.1)
    InspectionStore(path).close()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute('BEGIN EXCLUSIVE')
    with pytest.raises(FindingsError, match='Another program writes to it'):
        InspectionStore(path)
    other.close()


def test_a_missing_folder_is_refused_in_a_sentence(tmp_path):
    with pytest.raises(FindingsError, match='Name a folder that exists'):
        InspectionStore(tmp_path / 'none' / 'inspection.gpkg')


WRITER = """
import sys
from pathlib import Path
from uuid import UUID
from roof_detector.findings.decisions import Decision, DecisionKind
from roof_detector.findings.inspection_store import InspectionStore
store = InspectionStore(Path(sys.argv[1]))
number = len(store.decisions())
while True:
    number += 1
    store.decide(
        Decision(
            kind=DecisionKind.NOTE,
            uuid=UUID(int=number),
            who='A. B.',
            made_at='now',
            value=str(number),
        )
    )
    print(number, flush=True)
"""
KILLS = int(os.environ.get('ROOF_DETECTOR_KILLS', '3'))


def test_a_killed_program_loses_no_decision_that_it_reported(path):
    InspectionStore(path).close()
    for kill in range(KILLS):
        writer = subprocess.Popen(
            [sys.executable, '-c', WRITER, str(path)], stdout=subprocess.PIPE, text=True
        )
        reported = 0
        for line in writer.stdout:
            reported = int(line)
            if reported % (3 + kill % 5) == 0:
                break
        writer.send_signal(signal.SIGKILL)
        rest = writer.stdout.read().split('\n')
        reported = max([reported, *(int(line) for line in rest[:-1] if line)])
        writer.wait()
        writer.stdout.close()
        assert reported
        with InspectionStore(path) as store:
            kept = [one.value for one in store.decisions()]
        assert kept[:reported] == [str(n + 1) for n in range(reported)]
