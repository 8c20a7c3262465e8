# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import duckdb
import geopandas
import pandas
import pyarrow.parquet as pq
import pytest

from roof_detector.fleet.answers import answer
from roof_detector.fleet.errors import FleetError
from roof_detector.fleet.fleet_store import FleetStore
from roof_detector.fleet.flight_work import recover_inspections
from roof_detector.fleet.publishing import publish
from roof_detector.fleet.question import asked, day_of, questions
from roof_detector.fleet.store_files import StoreFiles

TODAY = date(2024, 6, 1)
FIRST_DAY = '2023-11-14'
GRID_LESS = [(x, y) for x in range(-4, 5, 2) for y in (-1.5, 1.0)][:-1]


def ask(store, sentence, **given):
    question, values = asked(sentence)
    found = answer(store, question.sql, question.values({**values, **given}, TODAY))
    return [dict(zip(found.columns, row, strict=True)) for row in found.rows]


def test_an_empty_store_has_tables_without_rows(flown):
    assert publish(flown.store).flights == ()
    assert answer(flown.store, 'SELECT count(*) FROM findings').rows == ((0,),)
    for question in questions():
        values = {one.name: '1' for one in question.parameters if one.kind != 'day'}
        days = {one.name: 'spring' for one in question.parameters if one.kind == 'day'}
        assert ask(flown.store, question.name, **values, **days) == []


def test_what_is_no_store_is_refused(tmp_path, flown):
    with pytest.raises(FleetError, match=r'is no fleet store: it has no fleet\.json'):
        FleetStore.open(tmp_path / 'nothing')
    (tmp_path / 'other').mkdir()
    (tmp_path / 'other' / 'letter.txt').write_text('mine')
    with pytest.raises(FleetError, match=r'holds other files, such as letter\.txt'):
        FleetStore.create(tmp_path / 'other')
    mark = flown.folder / 'fleet.json'
    mark.write_text(json.dumps({**json.loads(mark.read_text()), 'version': 2}))
    for opening in (FleetStore.open, FleetStore.create):
        with pytest.raises(FleetError, match=r'of version 2, and this version .* up to 1; update'):
            opening(flown.folder)
    mark.write_text('{"format": "roof_de')
    with pytest.raises(FleetError, match='is damaged'):
        FleetStore.create(flown.folder)


def test_other_programs_open_the_files_unchanged(flown):
    flown.fly('monday')
    flown.fly('tuesday', day=1)
    assert publish(flown.store).flights == ('monday', 'tuesday')
    paths = sorted(flown.folder.glob('findings/site=*/date=*/*.parquet'))
    assert [path.parts[-2:] for path in paths] == [
        (f'date={FIRST_DAY}', 'monday.parquet'),
        ('date=2023-11-15', 'tuesday.parquet'),
    ]
    whole = geopandas.read_parquet(flown.folder / 'findings')
    assert len(whole) == 20
    assert whole.crs == 'OGC:CRS84'
    assert set(whole.geometry.geom_type) == {'Point'}
    assert abs(whole.geometry.x - 8.0).max() < 1e-3
    assert set(whole['date'].astype(str)) == {FIRST_DAY, '2023-11-15'}
    assert set(geopandas.read_parquet(flown.folder / 'frames').geometry.geom_type) == {'Polygon'}
    table = pandas.read_parquet(paths[0])
    assert table['number'].tolist() == list(range(1, 11))
    (rows,) = duckdb.sql(
        f"SELECT count(*), sum(detections) FROM '{flown.folder}/frames/*/*/*.parquet'"
    ).fetchall()
    assert rows[0] == 48
    (sightings,) = duckdb.sql(
        f"SELECT count(*) FROM '{flown.folder}/sightings/*/*/*.parquet' WHERE finding IS NOT NULL"
    ).fetchall()
    assert sightings[0] == rows[1]
    geo = json.loads(pq.read_schema(paths[0]).metadata[b'geo'])
    west, south, east, north = geo['columns']['geometry']['bbox']
    assert west < 8.0 < east
    assert south < 47.0 < north


def test_flights_of_one_roof_are_one_site_and_the_history_tells_what_became_of_it(flown):
    flown.fly('spring', day=0)
    flown.fly('summer', GRID_LESS, day=90)
    flown.fly('elsewhere', day=90, origin=(47.01, 8.0))
    published = publish(flown.store)
    assert len(published.sites) == 2
    sites = {row['site']: row for row in flown.store.rows('sites')}
    assert sites['47.0000_8.0000']['flights'] == 2
    assert sites['47.0100_8.0000']['flights'] == 1
    history = flown.store.rows('history')
    here = [row for row in history if row['site'] == '47.0000_8.0000']
    assert len({row['object_id'] for row in here}) == 10
    summer = [row['change'] for row in here if row['flight_id'] == 'summer']
    assert sorted(summer) == ['gone', *['unchanged'] * 9]
    (gone,) = ask(flown.store, 'equip not seen since 2024-01-01')
    assert (gone['last_seen'], gone['last_change']) == (date(2023, 11, 14), 'gone')
    assert 'without a sighting' in gone['reason']
    assert ask(flown.store, 'drains not seen since 2024-01-01') == []
    assert len(ask(flown.store, f'history of {gone["object_id"]}')) == 2


def test_what_grew_is_found_by_the_sentence_that_asks_for_it(flown):
    flown.fly('before', day=0)
    flown.fly('after', day=150, side_m=0.9)
    publish(flown.store)
    grown = ask(flown.store, 'equips grown by 20 % since winter')
    assert len(grown) == 10
    assert all(80 < row['grown_percent'] < 180 for row in grown)
    assert {row['until'] for row in grown} == {date(2024, 4, 12)}
    assert ask(flown.store, 'equips grown by 300% since winter') == []
    assert ask(flown.store, 'cracks grown by 20 % since winter') == []
    assert len(ask(flown.store, 'findings grown by 20 % since 2024')) == 10
    assert [row['days'] for row in ask(flown.store, 'sites not flown for 30 days')] == [50]
    assert ask(flown.store, 'sites not flown for 60 days') == []
    condition = ask(flown.store, 'condition')
    assert [(str(row['date']), row['confirmed']) for row in condition] == [
        (FIRST_DAY, 10),
        ('2024-04-12', 10),
    ]


def test_publishing_again_changes_no_byte_and_a_decision_changes_its_flight(
    flown, contents, reject_first
):
    flown.fly('a')
    path = flown.fly('b', day=30)
    publish(flown.store)
    before = contents(flown.folder)
    assert publish(flown.store).flights == ()
    assert contents(flown.folder) == before
    reject_first(path)
    assert publish(flown.store).flights == ('b',)
    assert [row['who'] for row in flown.store.rows('decisions')] == ['A. B.']
    changed = {name for name, data in contents(flown.folder).items() if data != before.get(name)}
    assert all(name.endswith(('/b.parquet', '/history.parquet')) for name in changed)


def test_a_publishing_that_was_cut_off_is_made_good(flown, contents, monkeypatch):
    flown.fly('a')
    flown.fly('b', day=30)
    written, limits = [], [-1]
    original = StoreFiles.write

    class CutOff(BaseException):
        pass

    def write(files, name, data):
        if len(written) == limits[-1]:
            raise CutOff
        written.append(name)
        original(files, name, data)

    publish(flown.store)
    whole = contents(flown.folder)
    for limit in (10, 18):  # between two flights, and before the site
        limits.append(limit)
        for path in flown.folder.rglob('*.parquet'):
            path.unlink()
        written.clear()
        with monkeypatch.context() as patch:
            patch.setattr(StoreFiles, 'write', write)
            with pytest.raises(CutOff):
                publish(flown.store)
        publish(flown.store)
        assert contents(flown.folder) == whole
        assert not (flown.folder / 'work' / 'publishing.json').exists()


def test_a_file_that_a_killed_run_left_half_written_disturbs_no_reader_and_is_removed(
    flown, contents, monkeypatch
):
    flown.fly('a')
    publish(flown.store)
    whole = contents(flown.folder)
    path = next(flown.folder.glob('findings/*/*/*.parquet'))
    # As a kill leaves it: begun, and never renamed or removed.
    with monkeypatch.context() as patch:
        patch.setattr(Path, 'replace', lambda *_: 1 / 0)
        patch.setattr(Path, 'unlink', lambda *_, **__: None)
        with pytest.raises(FleetError):
            flown.store.files.write(path.relative_to(flown.folder).as_posix(), b'PAR1 torn')
    (left,) = flown.folder.rglob('*.part')
    assert left.parent == path.parent
    assert len(geopandas.read_parquet(flown.folder / 'findings')) == 10
    recover_inspections(flown.store.files)
    assert not left.exists()
    assert contents(flown.folder) == whole


@pytest.mark.parametrize(
    'sql',
    [
        'DROP VIEW findings',
        "COPY (SELECT 1) TO '/tmp/leak.csv'",
        'SELECT 1; SELECT 2',
        "ATTACH '/tmp/other.db'",
        'INSTALL spatial',
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM read_text('https://example.org/')",
        'SELECT no_such_column FROM findings',
        'SELEC 1',
        '',
    ],
)
def test_sql_of_a_person_reads_the_tables_and_nothing_else(flown, sql):
    with pytest.raises(FleetError, match=r'expected a single SELECT|DuckDB does not answer'):
        answer(flown.store, sql)


def test_a_sentence_that_asks_nothing_known_names_what_there_is(flown):
    with pytest.raises(FleetError, match=r'"sites not flown for \{days\} days"'):
        asked('how are my roofs')
    question, _ = asked('grown')
    with pytest.raises(FleetError, match='grown needs date'):
        question.values({}, TODAY)
    with pytest.raises(FleetError, match=r"has no parameter 'size'; it has class, percent, date"):
        question.values({'size': '1'}, TODAY)
    with pytest.raises(FleetError, match=r"percent is 'much', expected a number"):
        question.values({'percent': 'much', 'date': 'today'}, TODAY)


@pytest.mark.parametrize(
    ('text', 'day'),
    [
        ('2024-02-03', date(2024, 2, 3)),
        ('2024-02', date(2024, 2, 1)),
        ('2024', date(2024, 1, 1)),
        ('spring', date(2024, 3, 1)),
        ('autumn', date(2023, 9, 1)),
        ('Summer', date(2024, 6, 1)),
        ('today', TODAY),
        ('2 weeks ago', date(2024, 5, 18)),
    ],
)
def test_days_are_read_as_people_write_them(text, day):
    assert day_of(text, TODAY) == day


def test_a_text_that_is_no_day_is_refused():
    with pytest.raises(FleetError, match="'soon' is no day; give one such as"):
        day_of('soon', TODAY)
