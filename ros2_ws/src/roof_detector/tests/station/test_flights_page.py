# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Recorded flights on the page, in a real browser."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import openpyxl
import pytest

from roof_detector.bags.finding_messages import DETECTIONS, LABELS, detections_bytes, labels_bytes
from roof_detector.bags.qos import LATCHED, OfferedQos
from roof_detector.bags.writer import BagWriter
from roof_detector.vision.detections import Detections

NAMES, SECOND_NS = ('crack', 'rust'), 1_000_000_000
BOX = [10.0, 20.0, 40.0, 60.0]


@pytest.fixture(scope='module')
def site(grounded):
    return grounded


@pytest.fixture(scope='module')
def page(new_page):
    page = new_page()
    page.get_by_role('tab', name='Flights').click()
    return page


def write_flight(path):
    """Write what a recorder would have written in a flight with one rusty place."""
    found = Detections(
        boxes_xyxy=np.array([BOX], np.float32),
        scores=np.array([0.9], np.float32),
        class_ids=np.array([1]),
    )
    with BagWriter(path) as bag:
        bag.add_topic('/detector/labels', LABELS, offered_qos=[LATCHED])
        bag.add_topic('/detector/detections', DETECTIONS, offered_qos=[OfferedQos()])
        labels = labels_bytes(NAMES, threshold=0.25, stamp_ns=SECOND_NS)
        bag.write('/detector/labels', labels, log_time_ns=SECOND_NS)
        for k in range(1, 62):
            message = detections_bytes(found, names=NAMES, stamp_ns=k * SECOND_NS, frame_id='lens')
            bag.write('/detector/detections', message, log_time_ns=k * SECOND_NS)
    return path


def row_of(page, flight):
    return page.locator('.q-tab-panel tbody tr').filter(has_text=flight.name)


def test_a_flight_is_exported_and_taken_home(page, site):
    flight = write_flight(site.bags / 'flight_1')
    row = row_of(page, flight)
    row.get_by_text('complete').wait_for()
    assert '1:00' in row.inner_text()
    with page.expect_download() as download:
        row.get_by_label('Download').click()
    archive = zipfile.ZipFile(io.BytesIO(download.value.path().read_bytes()))
    assert archive.testzip() is None
    assert set(archive.namelist()) == {f'flight_1/{path.name}' for path in flight.iterdir()}
    row.get_by_label('Export').click()
    job = page.locator('.job-row').filter(has_text='flight_1').first
    job.get_by_text('done', exact=True).wait_for()
    with page.expect_download() as download:
        page.get_by_role('link', name='Excel').click()
    book = openpyxl.load_workbook(io.BytesIO(download.value.path().read_bytes()))
    heading, *rows = book['detections'].iter_rows(values_only=True)
    left = heading.index('left_px')
    assert [row[left : left + 4] for row in rows] == [tuple(BOX)] * 61
    page.get_by_role('tab', name='Flights').click()


def test_a_page_that_loads_again_shows_the_tab_that_it_showed(page, site):
    page.wait_for_url('**/?tab=flights')
    page.reload()
    page.locator('.flights-table').wait_for()
    page.goto(f'{site.address}?tab=none')
    page.locator('live-video').wait_for()
    page.get_by_role('tab', name='Flights').click()
    page.locator('.flights-table').wait_for()


def test_a_check_shows_the_damaged_chunks_of_a_flight_in_words(page, site, damage_chunk):
    flight = write_flight(site.bags / 'flight_5')
    row = row_of(page, flight)
    row.get_by_label('Check').click()
    page.get_by_text('flight_5 has no damage.').wait_for()
    (bag,) = flight.glob('*.mcap')
    damage_chunk(bag)
    row.get_by_label('Check').click()
    row.get_by_text('1 of 1 chunks of flight_5_0.mcap are damaged').wait_for()
    row.get_by_text('damaged', exact=False).first.wait_for()
    table = page.locator('.q-tab-panel .q-table__middle')
    assert table.evaluate('table => table.scrollWidth <= table.clientWidth')


def test_a_flight_is_deleted_only_when_that_is_confirmed(page, site):
    flight = write_flight(site.bags / 'flight_2')
    row = row_of(page, flight)
    for answer in ('Keep', 'Delete'):
        assert flight.exists()
        row.get_by_label('Delete').click()
        page.get_by_text('Delete flight_2 with all').wait_for()
        page.locator('.q-dialog').get_by_role('button', name=answer).click()
        page.locator('.q-dialog').wait_for(state='hidden')
    row.wait_for(state='hidden')
    assert not flight.exists()


def test_the_flight_that_is_being_recorded_is_listed_and_cannot_be_deleted(page, site):
    page.locator('.q-header').get_by_text('Not recording').wait_for()
    before = set(site.bags.iterdir())
    page.get_by_role('button', name='Record', exact=False).first.click()
    page.get_by_text('being recorded').wait_for()
    (flight,) = set(site.bags.iterdir()) - before
    assert row_of(page, flight).get_by_label('Delete').is_disabled()
    page.get_by_role('button', name='Stop').click()
    row_of(page, flight).get_by_text('complete').wait_for()
    assert row_of(page, flight).get_by_label('Delete').is_enabled()
