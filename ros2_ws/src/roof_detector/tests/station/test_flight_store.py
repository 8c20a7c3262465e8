# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Which flights there are, and what of them may be deleted."""

from __future__ import annotations

import pytest

from roof_detector.bags.provenance import RECORDER, provenance
from roof_detector.bags.qos import OfferedQos
from roof_detector.bags.writer import BagWriter
from roof_detector.station.errors import StationError
from roof_detector.station.flight_store import FlightState, FlightStore

FIX = 'sensor_msgs/msg/NavSatFix'
BEGIN_NS, SECOND_NS = 1_700_000_000_000_000_000, 1_000_000_000


@pytest.fixture
def store(tmp_path):
    (tmp_path / 'flights').mkdir()
    return FlightStore(lambda: tmp_path / 'flights')


def record(path, *, seconds=5):
    writer = BagWriter(path, manifest=provenance(written_by=RECORDER))
    writer.add_topic('/fix', FIX, offered_qos=[OfferedQos()])
    for k in range(seconds + 1):
        writer.write('/fix', bytes(200), log_time_ns=BEGIN_NS + k * SECOND_NS)
    return writer


def test_a_folder_without_flights_has_none(store):
    assert store.flights() == ()


def test_a_flight_is_being_recorded_then_complete(store):
    writer = record(store.folder / 'flight_1')
    (flight,) = store.flights()
    assert flight.state == FlightState.RECORDING and flight.duration_s is None
    with pytest.raises(StationError, match='being recorded'):
        store.delete('flight_1')
    writer.close()
    (flight,) = store.flights()
    assert (flight.name, flight.state, flight.duration_s) == (
        'flight_1',
        FlightState.COMPLETE,
        5.0,
    )
    assert flight.size_bytes == sum(f.stat().st_size for f in flight.path.iterdir())


def test_a_flight_that_was_cut_off_is_listed_as_that(store):
    record(store.folder / 'flight_1').close()
    (bag,) = (store.folder / 'flight_1').glob('*.mcap')
    bag.write_bytes(bag.read_bytes()[:-30])
    assert store.flights()[0].state == FlightState.CUT_OFF


def test_only_a_flight_of_the_folder_is_deleted(store, tmp_path):
    record(store.folder / 'flight_1').close()
    record(tmp_path / 'elsewhere').close()
    (store.folder / 'notes').mkdir()
    (store.folder / 'link').symlink_to(tmp_path / 'elsewhere')
    for name in ('../elsewhere', 'link', 'notes', '', '.', '..', str(tmp_path / 'elsewhere')):
        with pytest.raises(StationError, match='no flight'):
            store.delete(name)
    store.delete('flight_1')
    assert not (store.folder / 'flight_1').exists() and (tmp_path / 'elsewhere').exists()


def test_a_check_counts_damaged_chunks_until_the_bag_changes(store, damage_chunk):
    record(store.folder / 'flight_1').close()
    assert store.flights()[0].damage is None
    assert store.check('flight_1') == () and store.flights()[0].damage == ()
    (bag,) = (store.folder / 'flight_1').glob('*.mcap')
    content = damage_chunk(bag)
    assert '1 of 1 chunks of flight_1_0.mcap are damaged' in store.check('flight_1')[0]
    assert '1 of 1 chunks' in store.flights()[0].damage[0]
    bag.write_bytes(content[:-30])
    assert store.flights()[0].damage is None


def test_a_flight_that_is_being_recorded_is_not_checked(store):
    writer = record(store.folder / 'flight_1')
    with pytest.raises(StationError, match='being recorded'):
        store.check('flight_1')
    writer.close()
