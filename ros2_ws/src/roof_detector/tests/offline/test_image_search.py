# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Images for exports: from the named input, the bag, the original input, or as annotated."""

from __future__ import annotations

import csv
import json

import cv2
import pytest

from roof_detector.bags.finding_messages import (
    COMPRESSED_IMAGE,
    DETECTIONS,
    detections_bytes,
    jpeg_bytes,
)
from roof_detector.bags.message_bytes import message_bytes
from roof_detector.bags.writer import BagWriter
from roof_detector.cli.main import main
from roof_detector.offline.exporting import export_results
from roof_detector.offline.georeferencing import GeoreferenceSettings
from roof_detector.vision.thresholds import Thresholds

IMAGE = 'sensor_msgs/msg/Image'


def command(*words):
    with pytest.raises(SystemExit) as end:
        main([*map(str, words), '--quiet'])
    return end.value.code


def test_images_come_from_the_original_input(flights, detect, tmp_path, capsys):
    flight = flights.write(tmp_path / 'flight', range(3))
    (outcome,) = detect(flight)
    words = ['export', outcome.output, '--formats', 'images', 'crops', '--output']
    assert command(*words, tmp_path / 'out') == 0
    assert len(list((tmp_path / 'out/images').iterdir())) == 3
    assert any((tmp_path / 'out/crops').rglob('*.jpg'))
    flight.rename(tmp_path / 'moved')
    assert command(*words, tmp_path / 'none') == 3
    assert 'name the input itself with --images' in capsys.readouterr().out
    assert command(*words, tmp_path / 'named', '--images', tmp_path / 'moved') == 0


def test_other_thresholds_are_shown_in_images_too(flights, detect, tmp_path, capsys):
    flight = flights.write(tmp_path / 'flight', range(3))
    (outcome,) = detect(flight, keep_candidates=0.3)
    words = ['rethreshold', outcome.output, '--confidence', '0.6', '--formats', 'csv', 'video']
    assert command(*words, 'images', '--output', tmp_path / 'again') == 0
    assert (tmp_path / 'again/annotated.mp4').is_file()
    assert len(list((tmp_path / 'again/images').iterdir())) == 3
    # Results of results know their original input, too.
    words = ['export', tmp_path / 'again', '--formats', 'images', '--output', tmp_path / 'out']
    assert command(*words) == 0
    flight.rename(tmp_path / 'moved')
    words = ['rethreshold', outcome.output, '--confidence', '0.6', '--formats', 'csv', 'crops']
    assert command(*words, '--output', tmp_path / 'blind') == 3
    assert 'name the input itself with --images' in capsys.readouterr().out
    assert (tmp_path / 'blind/detections.csv').is_file()


def write_flight(path, flights, detector, cameras, *, annotated, manifest=None):
    """Write the recorder's bag of cameras, each named with its image topic."""
    with BagWriter(path, manifest=manifest) as writer:
        kind = COMPRESSED_IMAGE if annotated else IMAGE
        for name, topic in cameras.items():
            writer.add_topic(f'/detector{name}/detections', DETECTIONS)
            writer.add_topic(topic, kind)
        for number in range(3):
            for k, (name, topic) in enumerate(cameras.items()):
                stamp_ns = flights.stamp_ns(number)
                image = flights.image(number + 1000 * k)
                data = message_bytes(IMAGE, flights.image_values(number, shift=1000 * k))
                if annotated:
                    jpeg = cv2.imencode('.jpg', image)[1].tobytes()
                    data = jpeg_bytes(jpeg, stamp_ns=stamp_ns, frame_id='lens')
                writer.write(topic, data, log_time_ns=stamp_ns)
                found = detector.detect(image, Thresholds(confidence=0.5))
                data = detections_bytes(
                    found, names=flights.NAMES, stamp_ns=stamp_ns, frame_id='lens'
                )
                writer.write(f'/detector{name}/detections', data, log_time_ns=stamp_ns + 1)
    return path


def test_images_annotated_in_flight_are_not_drawn_into_again(flights, detector, tmp_path):
    topic = '/detector/image_annotated/compressed'
    bag = write_flight(tmp_path / 'live', flights, detector, {'': topic}, annotated=True)
    tally = export_results(
        bag,
        tmp_path / 'out',
        ('images', 'video'),
        georeferencing=GeoreferenceSettings(),
        progress='none',
    )
    assert 'exports show the annotations of the flight' in tally.notes[0] and tally.warnings == []
    for number, path in enumerate(sorted((tmp_path / 'out/images').iterdir())):
        shown = cv2.imdecode(cv2.imencode('.jpg', flights.image(number))[1], cv2.IMREAD_COLOR)
        saved = cv2.imencode('.jpg', shown, [cv2.IMWRITE_JPEG_QUALITY, 92])[1].tobytes()
        assert path.read_bytes() == saved


def test_cameras_of_one_flight_are_exported_apart_with_their_own_images(
    flights, detector, tmp_path
):
    cameras = {'/front': '/front/image', '/down': '/belly/image_raw'}
    bag = write_flight(
        tmp_path / 'live',
        flights,
        detector,
        cameras,
        annotated=False,
        manifest={'parameter./detector.cameras': json.dumps(['front', 'down:/belly/image_raw'])},
    )
    tally = export_results(
        bag,
        tmp_path / 'out',
        ('csv', 'images'),
        georeferencing=GeoreferenceSettings(),
        progress='none',
    )
    assert tally.warnings == [] and tally.notes == [] and tally.frames == 6
    for topic in cameras.values():
        folder = tmp_path / 'out' / topic.strip('/').replace('/', '_')
        with (folder / 'detections.csv').open(encoding='utf-8-sig', newline='') as file:
            assert {row['topic'] for row in csv.DictReader(file)} == {topic}
        assert len(list((folder / 'images').iterdir())) == 3
