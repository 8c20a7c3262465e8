# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The work on one flight, in this process: what identifies it, its pieces and its inspection."""

from __future__ import annotations

import shutil
from dataclasses import replace

import cv2
import numpy as np
import pytest
from tiny_model import write_model

from roof_detector.bags.folder_lock import FolderLock
from roof_detector.findings.inspection_store import InspectionStore
from roof_detector.fleet.catalog import CatalogFlight, input_of
from roof_detector.fleet.errors import FleetError
from roof_detector.fleet.fleet_job import FleetJob, ModelChoice
from roof_detector.fleet.fleet_store import FleetStore
from roof_detector.fleet.flight_survey import survey
from roof_detector.fleet.flight_work import finish_flight, infer_piece, recover_inspections
from roof_detector.offline.batch import detect_all
from roof_detector.offline.settings import DetectSettings, OutputSettings
from roof_detector.vision.thresholds import Thresholds


@pytest.fixture(scope='module')
def model(tmp_path_factory):
    return ModelChoice(
        model=str(write_model(tmp_path_factory.mktemp('model') / 'small.onnx')),
        device='cpu',
        threads=1,
    )


@pytest.fixture(scope='module')
def detector(model):
    with model.open() as opened:
        yield opened


@pytest.fixture
def job(model, tmp_path):
    FleetStore.create(tmp_path / 'store')
    settings = DetectSettings(Thresholds(confidence=0.9), OutputSettings(formats=()))
    return FleetJob(
        store=str(tmp_path / 'store'),
        model=model,
        scratch=tmp_path / 'scratch',
        settings=settings,
        piece_frames=10,
    )


@pytest.fixture
def video(tmp_path):
    """Return a video of four groups of twelve frames."""
    path = tmp_path / 'in' / 'roof.mp4'
    path.parent.mkdir()
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*'mp4v'), 4.0, (80, 60))
    for number in range(48):
        noise = np.random.default_rng(number // 6).integers(0, 256, (60, 80, 3), np.uint8)
        writer.write(noise)
    writer.release()
    return path


def flight_of(path):
    return CatalogFlight(name='roof', inputs=(input_of(str(path)),))


def work_on(job, path, detector):
    flight = flight_of(path)
    found = survey(job, flight, detector)
    for piece in found.pieces:
        infer_piece(job, flight, piece, detector)
    return found, finish_flight(job, flight, found, detector)


def test_a_flight_that_went_since_the_catalog_was_read_is_named(job, detector, video):
    flight = flight_of(video)
    video.unlink()
    with pytest.raises(FleetError, match=r'roof\.mp4 is gone: it was there when'):
        survey(job, flight, detector)


def test_a_folder_that_a_recorder_writes_is_named(job, detector, video):
    flight = flight_of(video.parent)
    lock = FolderLock(video.parent)
    with pytest.raises(FleetError, match='is locked: a recorder writes to it'):
        survey(job, flight, detector)
    lock.release()
    assert len(survey(job, flight, detector).pieces) == 5


def test_a_file_that_grows_since_it_was_listed_is_half_uploaded(job, detector, video):
    flight = flight_of(video)
    with video.open('ab') as file:
        file.write(b'more')
    with pytest.raises(FleetError, match=r'roof\.mp4 is half uploaded: it changes while'):
        survey(job, flight, detector)


def test_a_flight_is_known_by_its_content_and_not_by_its_place(job, detector, video, tmp_path):
    here = survey(job, flight_of(video), detector)
    shutil.copytree(video.parent, tmp_path / 'elsewhere')
    there = survey(job, flight_of(tmp_path / 'elsewhere' / 'roof.mp4'), detector)
    assert (there.flight_id, there.key) == (here.flight_id, here.key)
    other = replace(
        job, settings=DetectSettings(Thresholds(confidence=0.8), OutputSettings(formats=()))
    )
    assert survey(other, flight_of(video), detector).key != here.key
    with (tmp_path / 'elsewhere' / 'roof.mp4').open('ab') as file:
        file.write(b'more')
    changed = survey(job, flight_of(tmp_path / 'elsewhere' / 'roof.mp4'), detector)
    assert changed.flight_id != here.flight_id


def test_a_damaged_video_in_pieces_gives_what_the_whole_gives(job, detector, video, tmp_path):
    data = bytearray(video.read_bytes())
    middle = len(data) * 2 // 5
    data[middle : middle + 2000] = bytes(2000)
    video.write_bytes(data)
    found, outcome = work_on(job, video, detector)
    (whole,) = detect_all(
        [str(video)],
        tmp_path / 'whole',
        detector=detector,
        settings=job.settings,
        progress='none',
    )
    assert whole.warnings
    assert outcome.warnings == whole.warnings
    assert (outcome.frames, outcome.detections) == (whole.frames, whole.detections)
    bags = [
        folder / 'roof' / 'bag' / 'bag_0.mcap'
        for folder in (tmp_path / 'store' / found.folder / 'detections', tmp_path / 'whole')
    ]
    assert bags[0].read_bytes() == bags[1].read_bytes()


def test_decisions_outlive_a_run_with_other_settings_and_a_kill(
    job, detector, video, tmp_path, reject_first
):
    found, _ = work_on(job, video, detector)
    folder = tmp_path / 'store' / found.folder
    reject_first(folder / 'inspection.gpkg')
    # A run that was killed between taking the old inspection away and putting the new one there.
    folder.rename(folder.with_name(f'{folder.name}.old'))
    recover_inspections(FleetStore.open(tmp_path / 'store').files)
    settings = DetectSettings(Thresholds(confidence=0.88), OutputSettings(formats=()))
    again, _ = work_on(replace(job, settings=settings), video, detector)
    assert again.folder == found.folder
    with InspectionStore(folder / 'inspection.gpkg') as store:
        assert [one.who for one in store.decisions()] == ['A. B.']
    assert not list(folder.parent.glob('*.old'))
