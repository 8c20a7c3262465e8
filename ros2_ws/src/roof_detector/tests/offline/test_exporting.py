# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import csv
import json

import pytest

from roof_detector.bags.finding_messages import (
    DETECTIONS,
    LABELS,
    detections_bytes,
    header_values,
    labels_bytes,
)
from roof_detector.bags.message_bytes import message_bytes
from roof_detector.bags.qos import LATCHED
from roof_detector.bags.writer import BagWriter
from roof_detector.cli.main import main
from roof_detector.georeference.ground import Ground
from roof_detector.offline.errors import ReplayError
from roof_detector.offline.exporting import default_formats, export_results, settings_table
from roof_detector.offline.georeferencing import GeoreferenceSettings
from roof_detector.offline.result_bag import ResultBag
from roof_detector.vision.thresholds import Thresholds

IMAGE, POSE, INFO = (
    'sensor_msgs/msg/Image',
    'geometry_msgs/msg/PoseStamped',
    'sensor_msgs/msg/CameraInfo',
)


def export(bag, folder, *formats, **options):
    options.setdefault('georeferencing', GeoreferenceSettings(ground=Ground(map_z_m=0.0)))
    return export_results(bag, folder, formats, progress='none', **options)


def rows(folder):
    with (folder / 'detections.csv').open(encoding='utf-8-sig', newline='') as file:
        return list(csv.DictReader(file))


LOOKS_DOWN = {'x': 1.0}  # an optical frame whose images have north above


def write_live(
    path,
    flights,
    detector,
    numbers,
    *,
    detected=None,
    with_images=True,
    with_poses=False,
    orientation=LOOKS_DOWN,
):
    """Write what the recorder of a flight writes: detections come later than their images."""
    with BagWriter(path) as writer:
        writer.add_topic('/camera/image', IMAGE)
        writer.add_topic('/camera/pose', POSE)
        writer.add_topic('/camera/camera_info', INFO)
        writer.add_topic('/fix', 'sensor_msgs/msg/NavSatFix')
        writer.add_topic('/detector/labels', LABELS, offered_qos=[LATCHED])
        writer.add_topic('/detector/detections', DETECTIONS)
        begin = flights.stamp_ns(numbers[0])
        labels = labels_bytes(flights.NAMES, threshold=0.5, stamp_ns=begin)
        writer.write('/detector/labels', labels, log_time_ns=begin)
        for number in numbers:
            stamp_ns = flights.stamp_ns(number)
            header = header_values(stamp_ns, 'lens')
            if with_poses:
                pose = {'position': {'z': 20.0}, 'orientation': orientation}
                info = {'width': 80, 'height': 60, 'k': [70, 0, 40, 0, 70, 30, 0, 0, 1]}
                fix = {'latitude': 47.0, 'longitude': 8.0, 'altitude': 500.0}
                for topic, kind, values in (
                    ('/camera/pose', POSE, {'pose': pose}),
                    ('/camera/camera_info', INFO, info),
                    ('/fix', 'sensor_msgs/msg/NavSatFix', fix),
                ):
                    data = message_bytes(kind, {'header': header, **values})
                    writer.write(topic, data, log_time_ns=stamp_ns)
            if with_images:
                data = message_bytes(IMAGE, flights.image_values(number))
                writer.write('/camera/image', data, log_time_ns=stamp_ns + 1_000_000)
            if detected is None or number in detected:
                found = detector.detect(flights.image(number), Thresholds(confidence=0.5))
                data = detections_bytes(
                    found, names=flights.NAMES, stamp_ns=stamp_ns, frame_id='lens'
                )
                writer.write('/detector/detections', data, log_time_ns=stamp_ns + 250_000_000)
    return path


def test_a_bag_without_detections_is_refused_with_its_topics(flights, tmp_path):
    with pytest.raises(ReplayError, match='holds no detections; it holds: /camera/image'):
        export(flights.write(tmp_path / 'flight', range(1)), tmp_path / 'out', 'csv')


def test_exports_by_command_are_those_that_the_detection_saved(flights, detect, tmp_path):
    bag = flights.write(tmp_path / 'flight')
    (outcome,) = detect(bag, formats=None)
    assert {path.name for path in outcome.output.iterdir()} >= {
        'detections.csv',
        'detections.xlsx',
        'detections.json',
    }
    tally = export(outcome.output, tmp_path / 'out', 'csv', 'json')
    assert tally.frames == 6 and tally.warnings == []
    for name in ('detections.csv', 'detections.json', 'images.json'):
        assert (tmp_path / 'out' / name).read_bytes() == (outcome.output / name).read_bytes()
    assert len(rows(tmp_path / 'out')) == sum(outcome.detections.values())


def test_a_bag_of_the_recorder_is_exported_with_the_images_it_holds(flights, detector, tmp_path):
    detected = (1, 2, 5)
    bag = write_live(tmp_path / 'live', flights, detector, range(6), detected=detected)
    tally = export(bag, tmp_path / 'out', 'csv', 'images')
    assert tally.warnings == [] and tally.notes == [] and tally.frames == 3
    stamps = sorted({int(row['stamp_ns']) for row in rows(tmp_path / 'out')})
    assert stamps == [flights.stamp_ns(number) for number in detected]
    assert {row['width_px'] for row in rows(tmp_path / 'out')} == {'80'}
    assert len(list((tmp_path / 'out/images').iterdir())) == 3


def test_images_come_from_the_input_if_the_bag_has_none(flights, detector, tmp_path):
    bag = write_live(
        tmp_path / 'live', flights, detector, range(3), with_images=False, with_poses=True
    )
    tally = export(bag, tmp_path / 'none', 'images')
    assert 'name the input itself with --images' in tally.warnings[0]
    flight = flights.write(tmp_path / 'flight', range(3))
    tally = export(bag, tmp_path / 'out', 'images', images=flight)
    assert tally.warnings == [] and len(list((tmp_path / 'out/images').iterdir())) == 3


def test_places_are_exported_where_fix_and_pose_were_recorded(flights, detector, tmp_path):
    bag = write_live(tmp_path / 'live', flights, detector, range(3), with_poses=True)
    assert default_formats(bag)[-1] == 'geojson'
    tally = export(bag, tmp_path / 'out', 'geojson')
    assert tally.warnings == []
    features = json.loads((tmp_path / 'out/detections.geojson').read_text())['features']
    assert len(features) == sum(tally.detections.values()) > 0
    longitude, latitude = features[0]['geometry']['coordinates'][:2]
    assert latitude == pytest.approx(47, abs=1e-3) and longitude == pytest.approx(8, abs=1e-3)


@pytest.mark.parametrize(
    'words', [['csv,geojson', 'json'], ['csv,', 'geojson,json'], ['json,csv,geojson']]
)
def test_formats_may_have_spaces_or_commas_between(flights, detector, tmp_path, words):
    bag = write_live(tmp_path / 'live', flights, detector, range(1), with_poses=True)
    command = ['export', bag, '--output', tmp_path / 'out', '--formats', *words]
    with pytest.raises(SystemExit) as end:
        main([str(word) for word in command])
    assert end.value.code == 0
    written = {path.name for path in (tmp_path / 'out').iterdir()}
    assert {'detections.csv', 'detections.geojson', 'detections.json'} <= written


def test_an_assumed_ground_is_reported_in_a_note(flights, detector, tmp_path):
    bag = write_live(tmp_path / 'live', flights, detector, range(1), with_poses=True)
    (note,) = export(
        bag, tmp_path / 'assumed', 'geojson', georeferencing=GeoreferenceSettings()
    ).notes
    assert 'the height of the roofs was not given' in note and '--ground-z' in note
    assert export(bag, tmp_path / 'said', 'geojson').notes == []


def coordinates_by_command(bag, folder, *words):
    command = [
        'export',
        bag,
        '--output',
        folder,
        '--formats',
        'geojson',
        '--ground-z',
        '0',
        *words,
    ]
    with pytest.raises(SystemExit) as end:
        main([str(word) for word in [*command, *words]])
    assert end.value.code == 0
    features = json.loads((folder / 'detections.geojson').read_text())['features']
    return [one['geometry'] and one['geometry']['coordinates'] for one in features]


def test_a_camera_on_a_body_is_placed_by_how_it_is_mounted(flights, detector, tmp_path):
    optical = write_live(tmp_path / 'optical', flights, detector, range(2), with_poses=True)
    wanted = coordinates_by_command(optical, tmp_path / 'a')
    level = {'w': 1.0}  # the body looks east, so a camera turned left has north above
    body = write_live(
        tmp_path / 'body', flights, detector, range(2), with_poses=True, orientation=level
    )
    mounted = ('--mount-down', '90', '--mount-yaw', '90')
    assert coordinates_by_command(body, tmp_path / 'b', *mounted) == wanted
    assert set(map(str, coordinates_by_command(body, tmp_path / 'c'))) == {'None'}
    lever = ('--mount-lever', '0', '0.5', '-0.25')
    moved = coordinates_by_command(body, tmp_path / 'd', *mounted, *lever)
    assert all(there[1] > here[1] for here, there in zip(wanted, moved, strict=True))


def test_the_named_topic_georeferences_the_camera(flights, detector, tmp_path, capsys):
    bag = write_live(tmp_path / 'live', flights, detector, range(1), with_poses=True)
    assert coordinates_by_command(bag, tmp_path / 'a', '--pose-topic', '/camera/pose')
    command = ['export', bag, '--output', tmp_path / 'b', '--formats', 'csv', 'geojson']
    with pytest.raises(SystemExit) as end:
        main([str(word) for word in [*command, '--fix-topic', '/none']])
    assert end.value.code == 3
    assert 'holds no topic /none with a fix; it holds /camera/image' in capsys.readouterr().out


def test_a_certainty_without_a_ground_is_refused(flights, detector, tmp_path, capsys):
    bag = write_live(tmp_path / 'live', flights, detector, range(1), with_poses=True)
    with pytest.raises(SystemExit) as end:
        main(['export', str(bag), '--output', str(tmp_path / 'a'), '--ground-sigma', '0.2'])
    assert end.value.code == 1
    assert (
        'add --ground-z, --ground-altitude, --flight-height or --ground' in capsys.readouterr().err
    )


def test_a_detection_exports_georeferenced_positions_if_it_can(
    flights, detector, detect, tmp_path
):
    bag = write_live(tmp_path / 'live', flights, detector, range(3), detected=(), with_poses=True)
    (outcome,) = detect(bag, formats=None)
    assert outcome.is_complete and (outcome.output / 'detections.geojson').is_file()
    (without,) = detect(flights.write(tmp_path / 'flight', range(1)), formats=None)
    assert without.is_complete and not (without.output / 'detections.geojson').exists()
    (asked,) = detect(tmp_path / 'flight', output='asked', formats=('geojson',))
    assert 'geojson was not exported' in asked.warnings[0] and asked.frames == 1


def test_settings_are_exported_without_brackets_and_quotes(flights, detect, tmp_path):
    thresholds = {'class_confidence': (('crack', 0.6),)}
    (outcome,) = detect(flights.write(tmp_path / 'flight', range(1)), **thresholds)
    with ResultBag(outcome.output) as bag:
        table = settings_table(bag.manifest)
    assert table['class_names'] == 'equip, drain, crack'
    assert table['class_confidence'] == 'crack:0.6'
    assert table['image_topics'] == '/camera/image: /detector/detections'
    assert (table['device'], table['backend'], table['confidence']) == ('cpu', 'onnxruntime', 0.5)
    assert table['image_size'] == '64, 64'


def test_several_image_topics_are_exported_apart(flights, detect, tmp_path):
    topics = ('/front/image', '/rear/image')
    bag = flights.write(tmp_path / 'flight', range(2), image_topics=topics)
    (outcome,) = detect(bag, formats=('csv',))
    for topic in topics:
        folder = outcome.output / topic.strip('/').replace('/', '_')
        assert {row['topic'] for row in rows(folder)} == {topic}
