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
        run.finish(decided.findings, decided.numbers, result.events, {'model': 'tiny'})
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


def test_a_failed_run_leaves_the_store_as_it_was(path, roof):
    with InspectionStore(path) as store:
        fill(store, roof)
        with pytest.raises(RuntimeError), store.run(roof.ORIGIN):
            raise RuntimeError
        assert len(store.findings()) == 5


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
    store.decide(Decision(DecisionKind.NOTE, UUID(int=number), 'A. B.', 'now', str(number)))
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
        with InspectionStore(path) as store:
            kept = [one.value for one in store.decisions()]
        assert kept[:reported] == [str(n + 1) for n in range(reported)]
