# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Findings while a flight lasts: numbers that stay, and memory that does not grow."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from roof_detector.findings.live_inspection import LiveFrame, LiveInspection
from roof_detector.findings.register_settings import RegisterSettings
from roof_detector.vision.detections import Detections

STEP_NS = 250_000_000


@pytest.fixture
def objects(roof):
    return roof([(x, y) for x in (-4.0, 0.0, 4.0) for y in (-1.5, 1.5)])


def frame(objects, boxes, index):
    count = len(boxes)
    found = Detections(
        boxes_xyxy=np.asarray(boxes, np.float32).reshape(-1, 4),
        scores=np.full(count, 0.8, np.float32),
        class_ids=np.zeros(count, np.int32),
    )
    stamp_ns = objects.BEGIN_NS + index * STEP_NS
    return LiveFrame(topic='/camera', stamp_ns=stamp_ns, size_wh=(640, 360), detections=found)


def fly(inspection, objects, *, begin=0, steps=24, clutter=None):
    """Fly east and sum up after each fourth frame; return all updates."""
    updates = []
    for step in range(steps):
        place, index = (-6 + 12 * step / steps, 0.0), begin + step
        boxes, _ = objects.boxes(place)
        if clutter is not None:
            boxes = np.concatenate([boxes, clutter()])
        fix = objects.fix(place, stamp_ns=objects.BEGIN_NS + index * STEP_NS)
        if inspection.origin is None:
            inspection.begin_at(fix, (*place, objects.HEIGHT_M))
        inspection.add(frame(objects, boxes, index), fix)
        if step % 4 == 3:
            updates.append(inspection.update())
    return updates


def new(**settings):
    return LiveInspection(
        class_names=('equip', 'drain'),
        flight='f',
        source='live',
        settings=RegisterSettings(**settings),
    )


def test_numbers_are_given_at_confirmation_and_stay(objects):
    inspection, seen = new(), {}
    for update in fly(inspection, objects):
        for finding in update.findings:
            assert seen.setdefault(finding.uuid, finding.number) == finding.number
    assert sorted(seen.values()) == [1, 2, 3, 4, 5, 6]
    again = fly(inspection, objects, begin=100)
    assert not [event for update in again for event in update.events]
    assert [one.number for one in inspection.finish().findings] == [1, 2, 3, 4, 5, 6]


def test_an_update_without_frames_changes_nothing(objects):
    inspection = new()
    fly(inspection, objects)
    update = inspection.update()
    assert len(update.findings) == 6
    assert update.changed == update.withdrawn == update.events == ()


def test_a_live_inspection_finds_what_the_register_of_a_recording_finds(objects):
    inspection = new()
    fly(inspection, objects)
    places = {
        (round(one.place.east_m, 1), round(one.place.north_m, 1))
        for one in inspection.finish().findings
    }
    assert places == {(x, y) for x in (-4.0, 0.0, 4.0) for y in (-1.5, 1.5)}


def test_frames_between_two_that_are_registered_are_labelled_by_their_tracks(objects):
    inspection = new()
    inspection.rate_hz = 2.0
    for step in range(40):
        place = (-2 + step / 10, 0.0)
        boxes, _ = objects.boxes(place)
        fix = objects.fix(place, stamp_ns=objects.BEGIN_NS + step * STEP_NS)
        if inspection.origin is None:
            inspection.begin_at(fix, (*place, objects.HEIGHT_M))
        placed = inspection.add(frame(objects, boxes, step), fix)
        if step % 4 == 3:
            inspection.update()
    assert not placed.is_registered
    assert placed.sightings.ground is None
    assert placed.labels and all(label.isdigit() for label in placed.labels)


def test_rows_of_dropped_objects_are_taken_again(objects):
    inspection, random = new(most_objects=60), np.random.default_rng(1)

    def clutter():
        corners = random.uniform((0, 0), (600, 330), (40, 2))
        return np.hstack([corners, corners + random.uniform(8, 30, (40, 2))])

    fly(inspection, objects, steps=60, clutter=clutter)
    (flight,) = inspection._register._flights.values()
    assert flight.dropped > 500
    assert flight.states.count < 250 and len(flight.evidence) == flight.states.count
    assert len(flight._row_of_track) < 250


@pytest.mark.parametrize(('network_px', 'reduction'), [(0, 1.0), (320, 2.0), (1280, 1.0)])
def test_the_resolution_that_the_network_sees_counts(objects, network_px, reduction):
    """An object that a network of half the size misses is less of a doubt."""
    inspection = new()
    inspection.network_px = network_px
    boxes, _ = objects.boxes((0.0, 0.0))
    fix = objects.fix((0.0, 0.0), stamp_ns=objects.BEGIN_NS)
    inspection.begin_at(fix, None)
    placed = inspection.add(frame(objects, boxes, 0), fix)
    assert placed.sightings.ground.reduction == reduction


class TestOrigin:
    """An inspection whose first position is far from all others begins again at theirs."""

    FAR_M = (30_000.0, 0.0)

    def follow(self, inspection, objects, *, index, at=(0.0, 0.0), wrong=(0.0, 0.0)):
        """Add a frame at a place that telemetry tells wrong; return whether it has a place."""
        boxes, _ = objects.boxes(at)
        told = at[0] + wrong[0], at[1] + wrong[1]
        fix = objects.fix(told, stamp_ns=objects.BEGIN_NS + index * STEP_NS)
        if inspection.origin is None:
            inspection.begin_at(fix, None)
        return inspection.add(frame(objects, boxes, index), fix).sightings.ground is not None

    @pytest.mark.parametrize('wrong', [FAR_M, (5_000.0, 0.0)], ids=['far away', 'a jump'])
    def test_one_wrong_first_fix_costs_five_frames(self, objects, wrong):
        inspection = new()
        assert self.follow(inspection, objects, index=0, wrong=wrong)
        elsewhere = []
        for index in range(1, 6):
            assert not self.follow(inspection, objects, index=index)
            elsewhere.append(inspection.is_elsewhere)
        assert elsewhere == [False] * 4 + [True]
        again = inspection.begun_again()
        assert again.origin is None and not again.is_elsewhere
        assert again.flight != inspection.flight
        assert all(self.follow(again, objects, index=index) for index in range(6, 10))

    def test_frames_that_are_fewer_than_those_near_the_origin_do_not_move_it(self, objects):
        inspection = new()
        for index in range(10):
            assert self.follow(inspection, objects, index=index)
        for index in range(10, 20):
            assert not self.follow(inspection, objects, index=index, wrong=self.FAR_M)
            assert not inspection.is_elsewhere
        assert self.follow(inspection, objects, index=20)
        for index in range(21, 33):
            self.follow(inspection, objects, index=index, wrong=self.FAR_M)
        assert inspection.is_elsewhere  # there are twelve of them, and eleven near the origin

    def test_a_jump_after_five_frames_is_a_part_of_the_same_inspection(self, objects):
        inspection = new()
        for index in range(20):
            self.follow(inspection, objects, index=index, wrong=(0 if index < 5 else 5_000.0, 0))
            assert not inspection.is_elsewhere
        assert self.follow(inspection, objects, index=20, wrong=(5_000.0, 0.0))

    def test_a_camera_that_begins_wrong_beside_another_does_not_move_the_origin(self, objects):
        inspection = new()
        for index in range(40):
            self.follow(inspection, objects, index=index)
        for index in range(40, 60):
            boxes, _ = objects.boxes((0.0, 0.0))
            told = (5_000.0 if index == 40 else 0.0, 0.0)
            fix = objects.fix(told, stamp_ns=objects.BEGIN_NS + index * STEP_NS)
            other = replace(frame(objects, boxes, index), topic='/other')
            inspection.add(other, fix)
            assert not inspection.is_elsewhere

    def test_wrong_fixes_all_over_the_earth_do_not_move_it(self, objects):
        inspection = new()
        self.follow(inspection, objects, index=0)
        for index in range(1, 40):
            wrong = (30_000.0 * index, 0.0)
            assert not self.follow(inspection, objects, index=index, wrong=wrong)
        assert not inspection.is_elsewhere

    def test_an_origin_that_was_left_is_not_taken_again_after_fewer_frames(self, objects):
        inspection = new()
        for index in range(8):
            self.follow(inspection, objects, index=index)
        for index in range(8, 17):
            self.follow(inspection, objects, index=index, wrong=self.FAR_M)
        again = inspection.begun_again()
        for index in range(17, 26):
            self.follow(again, objects, index=index, wrong=self.FAR_M if index == 17 else (0, 0))
        assert not again.is_elsewhere

    def test_what_was_reported_is_withdrawn_and_its_number_is_of_nothing_else(self, objects):
        inspection = new()
        fly(inspection, objects)
        assert [one.number for one in inspection.update().findings] == [1, 2, 3, 4, 5, 6]
        again = inspection.begun_again()
        updates = fly(again, objects, begin=200)
        events = [(event.kind, event.finding.number) for one in updates for event in one.events]
        assert events[:6] == [('withdrawn', number) for number in range(1, 7)]
        assert updates[0].withdrawn == (1, 2, 3, 4, 5, 6)
        assert {number for kind, number in events if kind == 'confirmed'} == set(range(7, 13))
        assert len(inspection.finish().findings) == 6
        assert again.begun_again().flight == 'f origin 3'
