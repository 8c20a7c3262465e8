# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Which frames are worth a label, of an inspection that real commands made."""

from __future__ import annotations

import shutil
import sqlite3
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from flown_inspection import decide, fly_and_inspect

from roof_detector.findings.errors import FindingsError
from roof_detector.history.errors import HistoryError
from roof_detector.history.frame_reasons import FrameReasons, frame_reasons
from roof_detector.history.frame_selection import (
    Candidate,
    SelectionSettings,
    choose_frames,
    worth_a_look,
)
from roof_detector.history.history_reading import History
from roof_detector.history.recorded_inspection import read_inspection


@pytest.fixture(scope='module')
def flown(tmp_path_factory):
    return fly_and_inspect(tmp_path_factory.mktemp('flown'))


@pytest.fixture
def roof(flown, tmp_path):
    """Return a copy of the inspection, to decide in."""
    return shutil.copytree(flown, tmp_path / 'roof')


def candidates(inspection, **features):
    return [
        Candidate(inspection=0, frame=frame, reasons=reasons, **features)
        for frame, reasons in zip(inspection.frames, frame_reasons(inspection), strict=True)
    ]


def indices(chosen):
    return [one.candidate.frame.index for one in chosen]


def test_an_inspection_is_read_with_the_sightings_of_each_frame(flown):
    found = read_inspection(flown)
    assert found.name == 'roof'
    assert len(found.frames) == 12
    assert sum(map(len, found.sightings.values())) > 12
    assert {one.finding for seen in found.sightings.values() for one in seen} <= {
        0,
        *found.findings,
    }
    assert found.touched == frozenset()


def test_decisions_since_the_last_run_count(roof):
    before = read_inspection(roof)
    number, merged, whole = sorted(before.findings)[:3]
    decide(roof, number, 'reject')
    decide(roof, merged, 'merge', str(whole))
    after = read_inspection(roof)
    assert after.touched == {number, whole}
    moved = {one.finding for seen in after.sightings.values() for one in seen}
    assert merged not in moved
    rejecting = [
        frame.index
        for frame, reasons in zip(after.frames, frame_reasons(after), strict=True)
        if reasons.rejected > 0
    ]
    showing = [
        frame.index
        for frame in after.frames
        if any(one.finding == number for one in after.of_frame(frame))
    ]
    assert rejecting == showing != []


def test_what_other_frames_show_and_one_does_not_speaks_for_that_one(roof):
    before = read_inspection(roof)
    often = max(before.findings.values(), key=lambda one: (one.sightings, -one.number))
    decide(roof, often.number, 'confirm')
    shown = [
        f for f in before.frames if any(s.finding == often.number for s in before.of_frame(f))
    ]
    taken = shown[len(shown) // 2]
    with sqlite3.connect(roof / 'inspection.gpkg') as store:
        store.execute(
            'DELETE FROM sightings WHERE finding = ? AND frame = ?', (often.number, taken.index)
        )
    store.close()
    k = before.frames.index(taken)
    old, new = frame_reasons(before)[k], frame_reasons(read_inspection(roof))[k]
    assert new.disagreeing >= min(often.sightings / often.opportunities, 1.0) - 1e-9
    assert new.disagreeing >= old.disagreeing


def test_at_most_so_many_frames_of_a_flight_are_chosen_always_the_same(flown):
    pool = candidates(read_inspection(flown))
    settings = SelectionSettings(per_flight=4)
    chosen = choose_frames(worth_a_look(pool, settings), settings)
    assert len(chosen) == 4
    again = choose_frames(list(reversed(pool)), settings)
    assert indices(again) == indices(chosen)
    assert [one.score for one in again] == [one.score for one in chosen]


def test_frames_of_new_places_come_before_those_beside_chosen_ones(flown):
    pool = candidates(read_inspection(flown))
    alike = [
        Candidate(
            inspection=0,
            frame=one.frame,
            reasons=FrameReasons(centre_deg=one.reasons.centre_deg, extent_m=one.reasons.extent_m),
        )
        for one in pool
    ]
    first, second = choose_frames(alike, SelectionSettings(per_flight=2))
    assert {first.candidate.frame.index, second.candidate.frame.index} == {0, 11}
    known = [alike[0].reasons.centre_deg]
    (other,) = choose_frames(alike, SelectionSettings(per_flight=1), known_places=known)
    assert other.candidate.frame.index == 11


def test_images_unlike_the_chosen_ones_come_first(flown):
    frames = read_inspection(flown).frames[:6]
    looks = np.eye(3, dtype=np.float32)
    pool = [
        Candidate(inspection=0, frame=frame, reasons=FrameReasons(), feature=looks[k // 2])
        for k, frame in enumerate(frames)
    ]
    chosen = choose_frames(pool, SelectionSettings(per_flight=3))
    assert Counter(one // 2 for one in indices(chosen)) == {0: 1, 1: 1, 2: 1}


def test_images_are_told_apart_by_what_they_do_not_have_in_common(flown):
    frames = read_inspection(flown).frames[:4]
    looks = np.array([[10, 1, 0], [10, 1, 0], [10, 0, 1], [10, 0, 1]], np.float32)
    looks /= np.linalg.norm(looks, axis=1, keepdims=True)
    pool = [
        Candidate(inspection=0, frame=frame, reasons=FrameReasons(), feature=look)
        for frame, look in zip(frames, looks, strict=True)
    ]
    first, second = choose_frames(pool, SelectionSettings(per_flight=2))
    assert [first.candidate.frame.index, second.candidate.frame.index] == [0, 2]
    assert second.shares['diverse'] == 0.5
    alike = [replace(one, feature=looks[0]) for one in pool]
    _, other = choose_frames(alike, SelectionSettings(per_flight=2))
    assert other.shares['diverse'] == 0.0


@pytest.mark.parametrize('setting', [{'per_flight': 0}, {'diverse': -1.0}, {'rejected': np.nan}])
def test_settings_that_mean_nothing_are_refused(setting):
    with pytest.raises(HistoryError, match='give'):
        SelectionSettings(**setting)


def test_inspections_that_cannot_be_used_are_named_and_the_rest_is_read(roof, tmp_path):
    for name in ('newer', 'empty', 'damaged'):
        shutil.copytree(roof, tmp_path / 'all' / name)
    shutil.copytree(roof, tmp_path / 'all' / 'good')
    with sqlite3.connect(tmp_path / 'all' / 'newer' / 'inspection.gpkg') as store:
        store.execute('UPDATE inspection_schema SET version = 99')
    store.close()
    with sqlite3.connect(tmp_path / 'all' / 'empty' / 'inspection.gpkg') as store:
        store.execute('DELETE FROM frames')
    store.close()
    (tmp_path / 'all' / 'damaged' / 'inspection.gpkg').write_bytes(b'no database')
    history = History([tmp_path / 'all', tmp_path / 'absent.gpkg'])
    assert [one.name for one in history] == ['good']
    lost = '\n'.join(history.lost)
    assert 'update roof_detector' in lost
    assert 'holds no frames' in lost
    assert 'damaged' in lost
    assert 'absent.gpkg does not exist' in lost
    assert len(history.lost) == 4


def test_a_folder_without_an_inspection_is_named(tmp_path):
    history = History([tmp_path])
    assert list(history) == []
    assert 'holds no inspection.gpkg' in history.lost[0]
    with pytest.raises(FindingsError, match='does not exist'):
        read_inspection(tmp_path / 'no.gpkg')
