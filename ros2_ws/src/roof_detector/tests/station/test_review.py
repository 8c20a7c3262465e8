# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The review without a browser: what the station reads, writes, shows and refuses."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing

import cv2
import numpy as np
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from roof_detector.cli.main import main
from roof_detector.findings.coverage import CoverageGrid
from roof_detector.findings.errors import FindingsError
from roof_detector.findings.geopackage import reading
from roof_detector.findings.inspection_store import InspectionStore
from roof_detector.findings.store_copy import copy_store
from roof_detector.findings.store_reader import open_reader
from roof_detector.georeference.local_tangent_plane import LocalTangentPlane
from roof_detector.station.disk_budget import DiskBudget
from roof_detector.station.errors import StationError
from roof_detector.station.folders import StationFolders
from roof_detector.station.language import Language
from roof_detector.station.review import review_routes
from roof_detector.station.review.inspection_catalog import InspectionCatalog
from roof_detector.station.review.received_inspections import ReceivedInspections
from roof_detector.station.review.review_boards import ReviewBoards
from roof_detector.station.review.review_routes import add_review_routes
from roof_detector.station.review.sighting_images import THUMBNAIL_BYTES
from roof_detector.station.upload_routes import add_upload_routes


@pytest.fixture
def folders(tmp_path):
    return StationFolders.make(str(tmp_path / 'station'))


@pytest.fixture
def inspection(folders, written):
    """Return the file of an inspection in the station's folder."""
    shutil.copytree(written, folders.inspections / 'roof')
    return folders.inspections / 'roof/inspection.gpkg'


@pytest.fixture
def catalog(folders):
    return InspectionCatalog(
        {
            'inspections': lambda: folders.inspections,
            'received': lambda: folders.received,
        },
        image_roots=lambda: (folders.root,),
    )


@pytest.fixture
def client(folders, catalog):
    """Return a client of the routes alone."""
    app = FastAPI()
    add_review_routes(app, ReviewBoards(catalog, text=Language('en')))
    received = ReceivedInspections(folders, limit_bytes=10**8, disk=DiskBudget(folders.root))
    add_upload_routes(
        app, uploads=None, queue=None, models=None, received=received, text=Language('en')
    )
    with TestClient(app) as client:
        yield client


PAGE = '/review/inspections/roof'


def state(client, since=''):
    response = client.get(f'{PAGE}/state', params={'since': since})
    assert response.status_code == 200, response.text
    return response.json()


def post(client, *items, who='A. B.', **more):
    post.acts += 1
    body = {'who': who, 'act': f'act-number-{post.acts}', 'items': list(items), **more}
    return client.post(f'{PAGE}/decisions', json=body)


post.acts = 0


def decided(row, kind, value=''):
    return {'uuid': row['uuid'], 'kind': kind, 'value': value}


def test_a_station_without_inspections_lists_none(catalog):
    assert catalog.listed() == []
    assert catalog.live() is None


def test_only_what_changed_since_is_sent(client, inspection):
    first = state(client)
    assert first['whole'] and len(first['findings']) == 5
    assert client.get(f'{PAGE}/state', params={'since': first['revision']}).status_code == 204
    second, third = first['findings'][1], first['findings'][2]
    assert post(client, decided(second, 'reject'), decided(third, 'note', 'loose')).is_success
    news = state(client, first['revision'])
    assert not news['whole']
    assert [row['n'] for row in news['findings']] == [2, 3]
    assert news['findings'][0]['state'] == 'rejected'
    assert news['findings'][0]['by'] == 'A. B.'
    assert [one['kind'] for one in news['decisions']] == ['reject', 'note']
    assert post(client, decided(second, 'merge', third['uuid'])).is_success
    merged = state(client, news['revision'])
    assert (merged['gone'], merged['findings'][0]['ids']) == ([2], [second['uuid']])
    shown = client.get(f'{PAGE}/sightings/3').json()
    alone = client.get(f'{PAGE}/sightings/2').json()
    assert shown['count'] > alone['count'] > 0
    assert post(client, undo=True).is_success
    back = state(client, merged['revision'])
    assert {row['n'] for row in back['findings']} == {2, 3}
    assert len(back['undone']) == 1
    # `roof_detector decide` is the same code, and the page sees what it writes.
    with pytest.raises(SystemExit) as done:
        main(['decide', str(inspection), '4', 'severity', 'high', '--who', 'C. D.'])
    assert not done.value.code
    (graded,) = state(client, back['revision'])['findings']
    assert (graded['n'], graded['severity'], graded['graded']) == (4, 'high', True)


def test_an_act_that_is_sent_again_counts_once(client, inspection):
    row = state(client)['findings'][0]
    body = {'who': 'A. B.', 'act': 'the same act', 'items': [decided(row, 'note', 'wet')]}
    for _ in range(2):
        assert client.post(f'{PAGE}/decisions', json=body).is_success
    assert len(state(client)['decisions']) == 1


@pytest.mark.parametrize(
    ('given', 'status', 'reason'),
    [
        ({'who': ''}, 409, 'needs the name of who decides'),
        ({'items': []}, 400, 'Nothing is decided'),
        ({'kind': 'paint'}, 422, 'kind'),
        ({'kind': 'severity', 'value': 'huge'}, 409, 'expected low, medium, high'),
        ({'kind': 'merge', 'value': 'x'}, 409, 'no UUID'),
        ({'uuid': '00000000-0000-0000-0000-000000000001'}, 409, 'no longer in the inspection'),
        ({'kind': 'note', 'value': 'x' * 3000}, 422, '2000'),
    ],
    ids=['nobody', 'nothing', 'kind', 'severity', 'merge', 'unknown', 'long'],
)
def test_what_is_no_decision_is_refused_with_its_reason(client, inspection, given, status, reason):
    item = {**decided(state(client)['findings'][0], 'confirm'), **given}
    who = item.pop('who', 'A. B.')
    response = post(client, *item.pop('items', [item]), who=who)
    assert response.status_code == status
    assert reason in response.text
    assert state(client)['decisions'] == []


def test_thumbnails_crops_and_whole_images_show_the_box(client, inspection):
    thumbnail = client.get(f'{PAGE}/thumbnail/1')
    assert thumbnail.headers['content-type'] == 'image/jpeg'
    assert 200 < len(thumbnail.content) <= THUMBNAIL_BYTES
    fid = client.get(f'{PAGE}/sightings/1').json()['sightings'][0]['fid']
    for kind, most in (('crop', 60_000), ('context', 150_000)):
        jpeg = client.get(f'{PAGE}/image/{fid}', params={'kind': kind}).content
        image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
        yellow = (image[..., 0] < 90) & (image[..., 1] > 150) & (image[..., 2] > 180)
        assert yellow.sum() > 50
        assert len(jpeg) < most


def test_a_finding_without_sightings_shows_its_best_image(client, inspection):
    with InspectionStore(inspection) as store, store.rewriting() as connection:
        connection.execute('DELETE FROM sightings')  # as the inspector writes during a flight
    assert client.get(f'{PAGE}/thumbnail/1').status_code == 200
    (only,) = client.get(f'{PAGE}/sightings/1').json()['sightings']
    assert client.get(f'{PAGE}/image/{only["fid"]}').status_code == 200
    assert client.get(f'{PAGE}/thumbnail/99').status_code == 404


def test_images_are_those_of_before_until_the_inspection_is_made_again(client, inspection, write):
    shown = client.get(f'{PAGE}/sightings/1').json()['sightings']
    fids = [one['fid'] for one in shown]
    with InspectionStore(inspection) as store, store.run(None):
        assert client.get(f'{PAGE}/image/{fids[0]}').status_code == 200
        assert client.get(f'{PAGE}/thumbnail/1').status_code == 200
    write(inspection.parent)
    for fid in fids:
        gone = client.get(f'{PAGE}/image/{fid}')
        assert (gone.status_code, 'was made again' in gone.text) == (410, True)
    again = client.get(f'{PAGE}/sightings/1').json()['sightings']
    assert [one['name'] for one in again] == [one['name'] for one in shown]
    assert not {one['fid'] for one in again} & set(fids)
    assert {client.get(f'{PAGE}/image/{one["fid"]}').status_code for one in again} == {200}


def test_images_of_a_file_that_another_program_locks_are_asked_for_again(
    client, inspection, monkeypatch
):
    monkeypatch.setattr('roof_detector.findings.geopackage._PATIENCE_S', 0.05)
    with closing(sqlite3.connect(inspection, isolation_level=None)) as other:
        other.execute('BEGIN EXCLUSIVE')
        for below in ('thumbnail/1', 'image/1'):
            response = client.get(f'{PAGE}/{below}')
            assert (response.status_code, response.headers['retry-after']) == (503, '1')
        other.execute('ROLLBACK')
    assert client.get(f'{PAGE}/thumbnail/1').status_code == 200


def test_the_coverage_is_an_image_of_its_cells(client, inspection):
    assert client.get(f'{PAGE}/coverage').status_code == 404
    assert client.get(f'{PAGE}/layers').json()['coverage'] is None
    origin = LocalTangentPlane(47.0, 8.0, 400.0)
    grid = CoverageGrid(
        corner_en=np.zeros(2),
        cell_m=0.5,
        views=np.array([[3, 1, 0], [3, 3, 3]]),  # the first row is the southern one
        looks=np.ones((2, 3), np.int32),
        metres_per_pixel=np.full((2, 3), 0.02),
        sharpness=np.full((2, 3), 1.0),
        angle_deg=np.zeros((2, 3)),
        detected=np.array([[0.95, 0.95, 0.0], [0.95, 0.7, 0.2]]),
    )
    with InspectionStore(inspection) as store, store.append(origin) as run:
        run.add_coverage(grid)
    png = client.get(f'{PAGE}/coverage').content
    image = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_UNCHANGED)
    assert image.shape == (2, 3, 4)
    greenish = image[..., 1].astype(int) - image[..., 2]
    assert (greenish > 50).tolist() == [[True, False, False], [True, False, False]]
    assert image[1, 2, 3] == 0 and (image[0, :, 3] > 0).all()
    (south, west), (north, east) = client.get(f'{PAGE}/layers').json()['coverage']
    corners = origin.to_enu([[south, west, 400.0], [north, east, 400.0]])[:, :2]
    assert corners == pytest.approx(np.array([[0.0, 0.0], [1.5, 1.0]]), abs=0.02)
    with InspectionStore(inspection) as store, store.rewriting() as connection:
        connection.execute("UPDATE coverage SET geom = 'x' WHERE fid = 2")
    refused = client.get(f'{PAGE}/coverage')
    assert (refused.status_code, 'cannot be read' in refused.text) == (409, True)


def test_an_image_that_is_missing_or_another_is_named(client, inspection):
    fid = client.get(f'{PAGE}/sightings/1').json()['sightings'][0]['fid']
    photo = next((inspection.parent / 'photos').glob('f_0.jpg'))
    cv2.imwrite(str(photo), cv2.imread(str(photo))[::2, ::2])
    other = client.get(f'{PAGE}/image/{fid}')
    assert (other.status_code, 'it is another image' in other.text) == (404, True)
    photo.unlink()
    missing = client.get(f'{PAGE}/image/{fid}')
    assert missing.status_code == 404
    assert 'f_0.jpg' in missing.text


def test_no_file_outside_the_folders_is_read_for_a_store(client, inspection, folders, tmp_path):
    """Photos that a store names elsewhere, by a path, by `..` or through a link."""
    elsewhere = tmp_path / 'private'
    shutil.move(inspection.parent / 'photos', elsewhere)
    (inspection.parent / 'link').symlink_to(elsewhere)
    for source in (str(elsewhere), '../../../private', 'link', '/proc/self', 'a\0b'):
        with sqlite3.connect(inspection) as connection:
            connection.execute('UPDATE sightings SET source = ?', (source,))
        connection.close()
        response = client.get(f'{PAGE}/thumbnail/1')
        assert response.status_code == 404, source
        assert 'is missing' in response.text or 'cannot be read' in response.text
    for path in ('..%2f..%2fetc', '%2e%2e', '.hidden', 'roof%00'):
        assert client.get(f'/review/inspections/{path}/state').status_code in (404, 400)
    (folders.inspections / 'away').symlink_to(tmp_path)
    assert client.get('/review/inspections/away/state').status_code == 404
    assert client.get('/review/nowhere/roof/state').status_code == 404


def test_names_from_a_store_cannot_end_the_element_that_holds_them(
    folders, catalog, client, written
):
    name = '<img src=x onerror=alert(1)>{facts}'
    shutil.copytree(written, folders.inspections / name)
    (found,) = catalog.listed()
    page = client.get(found.address).text
    assert '<img' not in page
    assert page.count('</script>') == 6


def test_a_store_that_cannot_be_read_is_a_sentence(client, inspection):
    content = inspection.read_bytes()
    with sqlite3.connect(inspection) as connection:
        connection.execute('UPDATE inspection_schema SET version = 99')
    connection.close()
    cases = {'has schema 99': None, 'damaged or no inspection': b'not a database' * 500}
    for reason, damage in cases.items():
        if damage is not None:
            inspection.write_bytes(damage)
        response = client.get(f'{PAGE}/state')
        assert (response.status_code, reason in response.text) == (409, True), response.text
    inspection.write_bytes(content)
    assert len(state(client)['findings']) == 5
    inspection.unlink()
    gone = client.get(f'{PAGE}/state')
    assert (gone.status_code, 'There is no inspection' in gone.text) == (404, True)


def test_a_file_that_another_program_writes_is_tried_again(client, inspection, monkeypatch):
    monkeypatch.setattr('roof_detector.findings.geopackage._PATIENCE_S', 0.05)
    row = state(client)['findings'][0]
    other = sqlite3.connect(inspection, isolation_level=None)
    other.execute('BEGIN IMMEDIATE')
    busy = post(client, decided(row, 'confirm'))
    assert (busy.status_code, 'Another program writes' in busy.text) == (503, True)
    assert state(client)['findings']  # reading goes on
    other.close()


def test_decisions_are_taken_while_the_inspection_is_made_again(client, inspection):
    """`inspect` reads recordings for minutes; what is decided meanwhile is kept and followed."""
    with InspectionStore(inspection) as store:
        found = store.findings()
        with store.run(None) as run:
            first, second, *_ = state(client)['findings']
            assert post(
                client, decided(first, 'reject'), decided(second, 'note', 'wet')
            ).is_success
            assert post(client, undo=True).is_success
            assert post(client, decided(first, 'confirm')).is_success
            run.publish()
            run.finish(found, {}, (), {})
    seen = state(client)
    assert [one['kind'] for one in seen['decisions']] == [
        *('reject', 'note', 'undo', 'undo', 'confirm'),
    ]
    assert [(row['n'], row['by']) for row in seen['findings'] if row['decided']] == [(1, 'A. B.')]
    assert len(seen['findings']) == 5


def test_an_uploaded_inspection_is_a_copy_that_reads_nothing_beside_it(client, written, catalog):
    content = (written / 'inspection.gpkg').read_bytes()
    answer = client.post('/inspections', params={'name': '../My roof.gpkg'}, content=content)
    assert answer.json()['message'] == 'My_roof is available: 5 findings, 0 decisions.'
    (found,) = catalog.listed()
    assert (found.group, found.roots) == ('received', (found.path.parent,))
    assert client.get(f'{found.address}/state').json()['findings'][0]['class']
    image = client.get(f'{found.address}/thumbnail/1')
    assert (image.status_code, 'is missing' in image.text) == (404, True)
    for name, body in (('a.gpkg', b'PK' * 100), ('b.gpkg', b'SQLite format 3\0' + b'x' * 5000)):
        refused = client.post('/inspections', params={'name': name}, content=body)
        assert refused.status_code == 415, refused.text
    assert [one.name for one in catalog.listed()] == ['My_roof']


ATTACKS = {
    'a view in the place of a table': (
        "DROP TABLE events; CREATE VIEW events AS SELECT 1 fid, 'a' kind, 'b' uuid, 'c' sentence",
        'in the place of its own tables',
    ),
    'a trigger on decisions': (
        'CREATE TRIGGER t AFTER INSERT ON decisions BEGIN DELETE FROM findings; END',
        'in the place of its own tables',
    ),
    'an extension': (
        "DROP TABLE events; CREATE VIEW events AS SELECT load_extension('/tmp/x.so') fid",
        'in the place of its own tables',
    ),
    'a value of another kind': ("UPDATE findings SET number = 'x'", 'is not a number'),
    'an odd identity': ("UPDATE findings SET uuid = 'x'", 'cannot be read'),
    'a geometry that is none': ("UPDATE frames SET geom = 'x'", 'a geometry in frames'),
    'a long text': ("UPDATE findings SET note = printf('%.*c', 200000, 'x')", 'is not text'),
    'no schema': ('DELETE FROM inspection_schema', 'no version of its schema'),
}


@pytest.mark.parametrize('attack', ATTACKS)
def test_a_hostile_store_is_refused(written, tmp_path, attack):
    path = tmp_path / 'hostile.gpkg'
    shutil.copy(written / 'inspection.gpkg', path)
    statements, reason = ATTACKS[attack]
    with sqlite3.connect(path) as connection:
        connection.executescript(statements)
    connection.close()
    with pytest.raises(FindingsError, match=reason):
        copy_store(path, tmp_path / 'copy.gpkg')


def test_what_keeps_a_reader_busy_ends_and_nothing_else_is_opened(written, tmp_path):
    path = written / 'inspection.gpkg'
    endless = (
        'WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT sum(x) FROM n'
    )
    with (
        pytest.raises(FindingsError, match='too long to read'),
        reading(path, within_s=0.2) as connection,
    ):
        connection.execute(endless).fetchall()
    for statement in (
        f"ATTACH '{tmp_path / 'other.db'}' AS other",
        "SELECT load_extension('/tmp/x.so')",
        'DELETE FROM decisions',
    ):
        with pytest.raises(FindingsError), reading(path) as connection:
            connection.execute(statement)


WRITER = """
import sys
from pathlib import Path
from uuid import UUID
from roof_detector.findings.decisions import DecisionKind
from roof_detector.station.review import review_routes
from roof_detector.station.review.inspection_catalog import ListedInspection
from roof_detector.station.review.review_board import ReviewBoard
path = Path(sys.argv[1])
board = ReviewBoard(ListedInspection('inspections', 'roof', path, (path.parent,)), language='en')
rows = board.rows()
for number in range(int(sys.argv[2]), 50):
    row = rows[number % len(rows)]
    board.decide('A. B.', [(UUID(row['uuid']), DecisionKind.NOTE, f'note {number}')])
    print(number + 1, flush=True)
"""


def test_a_review_of_fifty_decisions_killed_in_between_loses_none(inspection):
    done = 0
    for until in (25, 50):
        writer = subprocess.Popen(
            [sys.executable, '-c', WRITER, str(inspection), str(done)],
            stdout=subprocess.PIPE,
            text=True,
        )
        for line in writer.stdout:
            done = int(line)
            if done == until:
                os.kill(writer.pid, signal.SIGKILL)
                break
        rest = [int(line) for line in writer.stdout.read().split('\n')[:-1] if line]
        done = max([done, *rest])
        writer.wait()
        writer.stdout.close()
        with open_reader(inspection) as reader:
            kept = [one.value for one in reader.decisions()]
        assert kept[:done] == [f'note {number}' for number in range(done)]
        assert len(kept) - done in (0, 1)  # on the disk, but not reported any more
        done = len(kept)
    assert done == 50


def test_a_page_sees_at_once_what_another_one_decides(client, inspection, monkeypatch):
    monkeypatch.setattr(review_routes, '_WAIT_S', 1e3)  # never answered without news
    known = state(client)['revision']
    row = state(client)['findings'][0]

    async def both():
        waiting = asyncio.to_thread(
            client.get, f'{PAGE}/state', params={'since': known, 'wait': 1}
        )
        task = asyncio.create_task(waiting)
        await asyncio.sleep(0.1)
        await asyncio.to_thread(post, client, decided(row, 'confirm'), who='C. D.')
        return await task

    assert asyncio.run(both()).json()['decisions'][0]['who'] == 'C. D.'


def test_an_inspection_of_the_inspector_is_live_while_it_is_written(catalog, inspection):
    assert catalog.live() is None  # `inspect` made it
    with InspectionStore(inspection) as store, store.rewriting() as connection:
        inputs = json.dumps([{'flight': 'f', 'source': 'live'}])
        connection.execute("DELETE FROM provenance WHERE name = 'inputs'")
        connection.execute("INSERT INTO provenance (name, value) VALUES ('inputs', ?)", (inputs,))
    inspection.rename(inspection.with_name('inspection_2.gpkg'))
    fresh = InspectionCatalog(catalog._groups, image_roots=tuple)
    assert fresh.live().name == 'roof~2'
    assert fresh.find('inspections', 'roof~2') == fresh.live()
    with pytest.raises(StationError, match='no inspection'):
        fresh.find('inspections', 'roof')
    os.utime(fresh.live().path, (1e9, 1e9))
    assert fresh.live() is None
