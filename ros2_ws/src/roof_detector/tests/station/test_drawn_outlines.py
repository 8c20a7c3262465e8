# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Zones and area that people draw on the page of the review: what the station writes."""

from __future__ import annotations

import json
import shutil

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from roof_detector.findings.inspection_area import InspectionArea
from roof_detector.findings.roof_zones import read_zones
from roof_detector.station.access_middleware import AccessMiddleware
from roof_detector.station.bind_address import BindAddress
from roof_detector.station.disk_budget import DiskBudget
from roof_detector.station.folders import StationFolders
from roof_detector.station.language import Language
from roof_detector.station.review.inspection_catalog import InspectionCatalog
from roof_detector.station.review.received_inspections import ReceivedInspections
from roof_detector.station.review.review_boards import ReviewBoards
from roof_detector.station.review.review_routes import add_review_routes
from roof_detector.station.upload_routes import add_upload_routes

PAGE = '/review/inspections/roof'
TOKEN = 'a-secret-of-the-tests'
SQUARE = [[13.0, 52.0], [13.001, 52.0], [13.001, 52.001], [13.0, 52.001], [13.0, 52.0]]
BOW_TIE = [SQUARE[0], SQUARE[2], SQUARE[1], SQUARE[3], SQUARE[0]]
LINE = [SQUARE[0], SQUARE[1], SQUARE[0], SQUARE[0]]


@pytest.fixture
def folder(tmp_path, written):
    """Return the folder of an inspection at the station."""
    folders = StationFolders.make(str(tmp_path / 'station'))
    for name in ('inspections/roof', 'received/roof'):
        (folders.root / name).mkdir()
        shutil.copy(written / 'inspection.gpkg', folders.root / name)
    return folders.inspections / 'roof'


@pytest.fixture
def app(folder):
    folders = StationFolders(folder.parents[1])
    groups = {'inspections': lambda: folders.inspections, 'received': lambda: folders.received}
    catalog = InspectionCatalog(groups, image_roots=tuple)
    app = FastAPI()
    add_review_routes(app, ReviewBoards(catalog, text=Language('en')))
    received = ReceivedInspections(folders, limit_bytes=10**8, disk=DiskBudget(folders.root))
    add_upload_routes(
        app, uploads=None, queue=None, models=None, received=received, text=Language('en')
    )
    return app


@pytest.fixture
def client(app):
    with TestClient(app) as client:
        yield client


def outline(name, ring=SQUARE, kind='Polygon', **properties):
    coordinates = [ring] if kind == 'Polygon' else [[ring]]
    geometry = {'type': kind, 'coordinates': coordinates}
    return {'type': 'Feature', 'properties': {'name': name, **properties}, 'geometry': geometry}


def version(client, kind='zones', page=PAGE):
    return client.get(f'{page}/outlines').json()[kind]['version']


def draw(client, *features, kind='zones', who='A. B.', based_on=None, page=PAGE):
    based_on = version(client, kind, page) if based_on is None else based_on
    body = {'who': who, 'based_on': based_on, 'features': list(features)}
    headers = {'Content-Type': 'application/json'}
    return client.post(f'{page}/outlines/{kind}', content=json.dumps(body), headers=headers)


def test_an_inspection_in_which_nobody_drew_has_no_outlines(client, folder):
    nothing = {'version': '', 'features': [], 'refusal': ''}
    assert client.get(f'{PAGE}/outlines').json() == {'zones': nothing, 'area': nothing}
    assert draw(client).is_success
    assert [one.name for one in folder.iterdir()] == ['inspection.gpkg']


@pytest.mark.parametrize('page', [PAGE, '/review/received/roof'], ids=['own', 'received'])
def test_what_is_drawn_lies_beside_the_inspection_with_who_and_when(client, folder, page):
    beside = folder if page == PAGE else folder.parents[1] / 'received/roof'
    first = draw(client, outline('North'), page=page).json()
    again = draw(client, *first['features'], outline(' South '), who='C. D.', page=page).json()
    assert again['version'] not in ('', first['version'])
    assert draw(client, outline('Depot'), kind='area', page=page).is_success
    assert [one.name for one in read_zones(beside / 'zones.geojson')] == ['North', 'South']
    assert InspectionArea.read(beside / 'area.geojson').polygons.bounds == (13, 52, 13.001, 52.001)
    kept = json.loads((beside / 'zones.geojson').read_text())
    assert [one['properties']['who'] for one in kept['features']] == ['A. B.', 'C. D.']
    assert kept['features'][0] == first['features'][0]
    assert all(one['properties']['when'].endswith('Z') for one in kept['features'])
    assert not draw(client, page=page).json()['version']
    assert not (beside / 'zones.geojson').exists()


def test_what_another_program_wrote_into_the_file_is_kept(client, folder):
    given = {
        'type': 'FeatureCollection',
        'name': 'from QGIS',
        'features': [outline('Two parts', kind='MultiPolygon', slope='3 %')],
    }
    (folder / 'zones.geojson').write_text('\ufeff' + json.dumps(given), encoding='utf-8')
    (old,) = client.get(f'{PAGE}/outlines').json()['zones']['features']
    assert draw(client, {**old, 'properties': {**old['properties'], 'name': 'B'}}).is_success
    kept = json.loads((folder / 'zones.geojson').read_text())
    assert kept['name'] == 'from QGIS'
    (new,) = kept['features']
    assert (new['properties']['slope'], new['properties']['name']) == ('3 %', 'B')
    assert new['geometry'] == old['geometry']


def test_a_change_of_an_older_version_is_refused_and_changes_nothing(client, folder):
    before = version(client)
    assert draw(client, outline('North'), based_on=before).is_success
    content = (folder / 'zones.geojson').read_bytes()
    late = draw(client, outline('Mine'), who='C. D.', based_on=before)
    assert (late.status_code, 'somebody else' in late.text) == (409, True)
    assert (folder / 'zones.geojson').read_bytes() == content


def test_pages_hear_of_what_was_drawn(client):
    first = client.get(f'{PAGE}/state').json()
    assert first['outlines'] == {'zones': '', 'area': ''}
    since = {'since': first['revision']}
    assert client.get(f'{PAGE}/state', params=since).status_code == 204
    drawn = draw(client, outline('North')).json()
    news = client.get(f'{PAGE}/state', params=since).json()
    assert news['outlines'] == {'zones': drawn['version'], 'area': ''}
    assert not news['whole'] and not news['findings']


@pytest.mark.parametrize(
    ('features', 'more', 'reason'),
    [
        ([outline('A', BOW_TIE)], {}, 'crosses itself'),
        ([outline('A', LINE)], {}, 'encloses no area'),
        ([outline('A', [[13, 52], [1e9, 52], [13, 53], [13, 52]])], {}, 'longitude and latitude'),
        ([outline('A'), outline('A')], {}, "two zones of the name 'A'"),
        ([outline('')], {}, 'property "name"'),
        ([outline('x' * 81)], {}, 'up to 80 characters'),
        ([outline('A'), outline('B')], {'kind': 'area'}, 'has one area'),
        ([outline('A', kind='LineString')], {}, 'no area'),
        ([{'type': 'Feature', 'geometry': None}], {'kind': 'area'}, 'no area'),
        ([outline('A')], {'who': ' '}, 'needs the name'),
        ([outline('A', note='x' * 900_000)], {}, 'at most 800000'),
        ([outline('\ud800')], {}, 'no GeoJSON'),
    ],
    ids=lambda value: value if isinstance(value, str) else '',
)
def test_what_is_no_outline_is_refused_with_its_reason(client, folder, features, more, reason):
    refused = draw(client, *features, **more)
    assert (refused.status_code, reason in refused.text) == (400, True), refused.text
    assert [one.name for one in folder.iterdir()] == ['inspection.gpkg']


@pytest.mark.parametrize('content', ['invalid', '{"type": "Point"}', '[' * 100_000, 'x' * 900_000])
def test_a_file_that_cannot_be_shown_is_named_and_left_as_it_is(client, folder, content):
    for kind in ('zones', 'area'):
        path = folder / f'{kind}.geojson'
        path.write_text(content)
        found = client.get(f'{PAGE}/outlines').json()[kind]
        assert path.name in found['refusal'] and not found['features']
        assert draw(client, outline('A'), kind=kind).status_code == 400
        assert path.read_text() == content


def test_no_link_is_followed(client, folder, tmp_path):
    secret = tmp_path / 'secret.geojson'
    secret.write_text(json.dumps({'features': [outline('secret')]}))
    (folder / 'zones.geojson').symlink_to(secret)
    assert 'secret' not in client.get(f'{PAGE}/outlines').text
    assert 'plain file' in draw(client, outline('A')).text
    assert secret.read_text().count('secret') == 1


@pytest.mark.parametrize(
    ('headers', 'name', 'status'),
    [
        ({}, 'A', 401),
        ({'Authorization': f'Bearer {TOKEN}'}, 'A', 200),
        ({'Authorization': f'Bearer {TOKEN}', 'Origin': 'http://evil.example'}, 'A', 403),
        ({'Authorization': f'Bearer {TOKEN}'}, 'x' * (1 << 20), 413),
    ],
    ids=['no token', 'token', 'another site', 'too large'],
)
def test_only_who_may_open_the_page_draws(app, folder, headers, name, status):
    guarded = AccessMiddleware(
        app, address=BindAddress('0.0.0.0', 80, TOKEN), upload_limit_bytes=10**8
    )
    body = {'who': 'A. B.', 'based_on': '', 'features': [outline(name)]}
    with TestClient(guarded, base_url='http://127.0.0.1') as client:
        response = client.post(f'{PAGE}/outlines/zones', json=body, headers=headers)
    assert response.status_code == status, response.text
    assert (folder / 'zones.geojson').exists() == (status == 200)
