# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import json
import statistics
import tracemalloc

import cv2
import numpy as np
import pytest
from PIL import Image
from rosbags.highlevel import AnyReader

from roof_detector.bags.finding_messages import detections_bytes, label_names
from roof_detector.bags.reader import BagReader
from roof_detector.bags.records import metadata_records
from roof_detector.inference.detector import Detector
from roof_detector.offline.frame_record import FrameRecord
from roof_detector.offline.result_bag import ResultBag
from roof_detector.vision.thresholds import Thresholds
from roof_detector.vision.tiles import Tiling

DETECTIONS = '/detector/detections'


def messages(bag, *topics):
    with BagReader(bag) as reader:
        return [(m.topic, m.log_time_ns, m.data) for m in reader.messages(topics or None)]


def expected_bytes(detector, flights, number, *, shift=0, confidence=0.5):
    found = detector.detect(flights.image(number + shift), Thresholds(confidence=confidence))
    stamp_ns = flights.stamp_ns(number)
    return detections_bytes(found, names=flights.NAMES, stamp_ns=stamp_ns, frame_id='lens')


def test_a_bag_of_one_image_gives_one_result(flights, detect, tmp_path):
    (outcome,) = detect(flights.write(tmp_path / 'flight', range(1)))
    assert outcome.is_complete and outcome.frames == outcome.inferred == 1
    assert len(messages(outcome.output / 'bag', DETECTIONS)) == 1


def test_each_frame_is_found_in_once_as_the_node_would_under_its_own_times(
    flights, detect, detector, tmp_path
):
    bag = flights.write(tmp_path / 'flight')
    (outcome,) = detect(bag)
    found = messages(outcome.output / 'bag', DETECTIONS)
    images = messages(bag, '/camera/image')
    assert [log_ns for _, log_ns, _ in found] == [log_ns for _, log_ns, _ in images]
    assert [data for _, _, data in found] == [
        expected_bytes(detector, flights, number) for number in range(6)
    ]
    assert sum(outcome.detections.values()) > 6  # the network finds enough to tell frames apart


def test_all_kinds_of_bag_give_the_same_detections(flights, detect, tmp_path):
    folder = flights.write(tmp_path / 'mcap')
    split = flights.write(tmp_path / 'split', max_file_s=0.25)
    assert len(list(split.glob('*.mcap'))) > 1
    inputs = [
        folder,
        folder / 'mcap_0.mcap',
        split,
        flights.write_sqlite(tmp_path / 'sqlite'),
        flights.write_ros1(tmp_path / 'ros1.bag'),
    ]
    outcomes = detect(*inputs)
    assert [outcome.failure for outcome in outcomes] == [''] * 5
    first, *others = (messages(o.output / 'bag', DETECTIONS) for o in outcomes)
    assert len(first) == 6
    assert all(other == first for other in others)


def test_images_and_video_have_times_from_zero_and_names(flights, detect, tmp_path):
    (tmp_path / 'images').mkdir()
    for number in (1, 2, 10):
        cv2.imwrite(str(tmp_path / f'images/p{number}.png'), flights.image(number))
    video = cv2.VideoWriter(
        str(tmp_path / 'v.avi'), cv2.VideoWriter.fourcc(*'MJPG'), 20, flights.SIZE_WH
    )
    for number in range(4):
        video.write(flights.image(number))
    video.release()
    inputs = [tmp_path / 'images', tmp_path / 'images/p2.png', tmp_path / 'v.avi']
    outcomes = detect(*inputs)
    records = []
    for outcome in outcomes:
        with ResultBag(outcome.output) as bag:
            records.append([(f.record.name, f.record.stamp_ns // 10**6) for f in bag.frames()])
    assert records == [
        [('p1.png', 0), ('p2.png', 500), ('p10.png', 1000)],
        [('p2.png', 0)],
        [('v_000000', 0), ('v_000001', 50), ('v_000002', 100), ('v_000003', 150)],
    ]


def test_compressed_images_are_read(flights, detect, tmp_path, detector):
    from roof_detector.bags.finding_messages import COMPRESSED_IMAGE, jpeg_bytes
    from roof_detector.bags.writer import BagWriter

    jpeg = cv2.imencode('.jpg', flights.image(3))[1].tobytes()
    with BagWriter(tmp_path / 'flight') as writer:
        writer.add_topic('/camera/image/compressed', COMPRESSED_IMAGE)
        data = jpeg_bytes(jpeg, stamp_ns=flights.stamp_ns(0), frame_id='lens')
        writer.write('/camera/image/compressed', data, log_time_ns=5)
    (outcome,) = detect(tmp_path / 'flight')
    image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    found = detector.detect(image, Thresholds(confidence=0.5))
    assert outcome.detections == dict(sorted(found.counts(flights.NAMES).items()))


def test_several_image_topics_have_results_of_their_own(flights, detect, detector, tmp_path):
    topics = ('/front/image', '/rear/image')
    bag = flights.write(tmp_path / 'flight', range(3), image_topics=topics)
    both, one = detect(bag), detect(bag, output='one', image_topics=('/rear/image',))
    result = both[0].output / 'bag'
    for k, topic in enumerate(topics):
        found = [data for _, _, data in messages(result, f'/detector{topic}/detections')]
        expected = [expected_bytes(detector, flights, n, shift=1000 * k) for n in range(3)]
        assert found == expected
    assert [d for _, _, d in messages(one[0].output / 'bag', DETECTIONS)] == expected


@pytest.mark.parametrize(
    ('kind', 'backend'),
    [
        ('bag', 'openvino'),
        ('bag', 'onnxruntime'),
        ('orthophoto', 'onnxruntime'),
        ('tiles', 'onnxruntime'),
    ],
)
def test_images_inferred_side_by_side_give_the_same_bytes(
    flights, detect, model_path, tmp_path, kind, backend
):
    model = model_path if backend == 'onnxruntime' else 'roof_anomalies'
    if kind == 'orthophoto':
        source = tmp_path / 'roof.tif'
        Image.fromarray(flights.image(1, size_wh=(150, 170))).save(source)
    else:
        source = flights.write(tmp_path / 'flight', range(5))
    bags = []
    for lanes in (1, 3):
        options = {'tiling': Tiling(48)} if kind == 'tiles' else {}
        if kind == 'bag':
            options |= {'keep_candidates': 0.001}
        with Detector.open(model, device='cpu', backend=backend, lanes=lanes) as opened:
            assert opened.lanes == lanes
            (outcome,) = detect(source, detector=opened, output=f'lanes{lanes}', **options)
        assert not outcome.failure
        bags.append([path.read_bytes() for path in sorted((outcome.output / 'bag').iterdir())])
    assert bags[0] == bags[1]


def test_a_second_run_gives_the_same_bytes(flights, detect, tmp_path):
    bag = flights.write(tmp_path / 'flight', range(8))
    options = {'annotated': True, 'keep_candidates': 0.05, 'copy_topics': ('*',)}
    first, second = detect(bag, **options), detect(bag, output='again', **options)
    for name in ('bag_0.mcap', 'metadata.yaml'):
        a, b = ((o[0].output / 'bag' / name).read_bytes() for o in (first, second))
        assert a == b and len(a) > 1000


def test_the_input_goes_through_byte_for_byte_with_its_quality_of_service(
    flights, detect, tmp_path
):
    bag = flights.write(tmp_path / 'flight')
    some, everything = detect(bag), detect(bag, output='all', copy_topics=('*',))
    assert messages(some[0].output / 'bag', '/fix') == messages(bag, '/fix')
    assert messages(some[0].output / 'bag', '/camera/image') == []
    result = everything[0].output / 'bag'
    assert messages(result, '/fix', '/camera/image') == messages(bag)
    with BagReader(result) as reader:
        qos = {topic.name: topic.offered_qos[0] for topic in reader.topics}
    assert qos['/camera/image'].reliability == 'best_effort'
    assert qos['/detector/labels'].durability == 'transient_local'


def test_other_libraries_open_the_bag_and_find_its_provenance(flights, detect, detector, tmp_path):
    (outcome,) = detect(flights.write(tmp_path / 'flight'), annotated=True)
    with AnyReader([outcome.output / 'bag']) as reader:
        counts = {c.topic: c.msgcount for c in reader.connections}
        connection = next(c for c in reader.connections if c.topic == '/detector/labels')
        _, _, data = next(reader.messages([connection]))
        assert label_names(reader.deserialize(data, connection.msgtype)) == flights.NAMES
    assert counts == {
        '/detector/labels': 1,
        '/detector/frames': 6,
        DETECTIONS: 6,
        '/detector/image_annotated/compressed': 6,
        '/fix': 6,
    }
    manifest = dict(metadata_records(outcome.output / 'bag'))['roof_detector']
    assert manifest['model_sha256'] == detector.model_hash
    assert json.loads(manifest['parameters'])['confidence'] == 0.5
    assert json.loads(manifest['class_names']) == list(flights.NAMES)
    assert manifest['onnxruntime_version']


def test_a_frame_record_comes_back_as_it_was():
    from roof_detector.bags.typestore import shared_typestore
    from roof_detector.offline.frame_record import FRAME_TYPE

    record = FrameRecord(
        topic='/a',
        index=3,
        name='p.jpg',
        stamp_ns=1_500_000_000,
        frame_id='lens',
        size_wh=(4, 5),
        error='It is damaged.',
    )
    content = shared_typestore().deserialize_cdr(record.to_bytes(), FRAME_TYPE)
    assert FrameRecord.of(content) == record


def test_memory_does_not_grow_with_the_length_of_the_flight(
    flights, detect, detector, tmp_path, monkeypatch
):
    bag = flights.write(tmp_path / 'flight', range(600))  # 8.6 MB, in chunks of 1 MB
    forward, used = detector.infer, []

    def watched(*prepared):
        used.append(tracemalloc.get_traced_memory()[0])
        return forward(*prepared)

    monkeypatch.setattr(detector, 'infer', watched)
    tracemalloc.start()
    detect(bag, formats=('csv', 'json'), confidence=0.95, copy_topics=('*',))
    tracemalloc.stop()
    assert len(used) == 600
    # Chunks fill and empty, by reading and by writing, so that peaks differ by a chunk or two and
    # medians by half of one; the 200 images of a third have 2.9 MB.
    grown = statistics.median(used[400:]) - statistics.median(used[200:400])
    assert grown < 1_400_000, used[::20]


@pytest.mark.parametrize('option', ['confidence', 'formats'])
def test_what_makes_no_sense_is_refused_before_anything_is_done(tmp_path, option):
    from roof_detector.cli.main import main

    words = {'confidence': ['--confidence', '2'], 'formats': ['--formats', 'pdf']}[option]
    with pytest.raises(SystemExit) as end:
        main(['detect', 'x', '--output', str(tmp_path / 'out'), *words])
    assert end.value.code == 1
    assert not (tmp_path / 'out').exists()
