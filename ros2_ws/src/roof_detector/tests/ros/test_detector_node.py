# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
import array
from time import monotonic

import cv2
import numpy as np
import psutil
import pytest
from lifecycle_msgs.msg import State, Transition
from lifecycle_msgs.srv import ChangeState, GetState
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header
from std_srvs.srv import SetBool

from roof_detector.ros.common.messages import compressed_message, image_message


@pytest.fixture(scope='module')
def running_probe(shared_graph, make_probe):
    return make_probe(shared_graph)


@pytest.fixture
def probe(running_probe):
    """Return a detector as it was started, with its counters as they stand in `before`."""
    for name, value in (
        ('confidence', 0.25),
        ('classes', []),
        ('class_confidence', []),
        ('annotate', True),
    ):
        assert running_probe.set(name, value).successful
    running_probe.results.clear()
    running_probe.before = running_probe.report_when(
        lambda values: values['frames_waiting'] == '0'
    )
    return running_probe


def since(probe, values, key):
    """Return by how much a counter has grown since the test began."""
    return int(values.get(key, 0)) - int(probe.before.get(key, 0))


def names(result):
    return [detection.results[0].hypothesis.class_id for detection in result.detections]


def test_an_image_without_anything_gives_one_empty_result_under_its_own_header(probe):
    result = probe.send_and_wait(np.full((360, 640, 3), 127, np.uint8))
    assert result.detections == []


def test_found_things_carry_class_names_scores_and_boxes_within_the_image(probe, roof_bgr):
    result = probe.send_and_wait(roof_bgr)
    assert set(names(result)) <= {'equip', 'drain', 'crack', 'ponding', 'rust'}
    assert result.detections
    for detection in result.detections:
        assert 0.25 <= detection.results[0].hypothesis.score <= 1
        box = detection.bbox
        assert box.center.position.x - box.size_x / 2 >= -1e-3  # rounded to 32 bits
        assert box.center.position.x + box.size_x / 2 <= 640 + 1e-3
        assert box.center.position.y + box.size_y / 2 <= 360 + 1e-3


def test_every_encoding_of_one_image_finds_the_same(probe, roof_bgr):
    expected = probe.send_and_wait(roof_bgr)
    conversions = {
        'rgb8': cv2.COLOR_BGR2RGB,
        'bgra8': cv2.COLOR_BGR2BGRA,
        'rgba8': cv2.COLOR_BGR2RGBA,
    }
    for encoding, conversion in conversions.items():
        pixels = cv2.cvtColor(roof_bgr, conversion)
        padded = np.zeros((pixels.shape[0], pixels[0].size + 13), np.uint8)
        padded[:, : pixels[0].size] = pixels.reshape(pixels.shape[0], -1)
        count = len(probe.results)
        message = Image(
            header=Header(stamp=probe.stamp()),
            height=pixels.shape[0],
            width=pixels.shape[1],
            encoding=encoding,
            step=padded.shape[1],
            data=array.array('B', padded.tobytes()),
        )
        probe.images.publish(message)
        probe.wait_for_results(count + 1)
        assert probe.results[-1].header == message.header
        assert probe.results[-1].detections == [
            with_header(detection, message.header) for detection in expected.detections
        ], encoding


def with_header(detection, header):
    detection.header = header
    return detection


def test_frames_that_come_faster_than_inference_are_all_accounted_for(probe, roof_bgr):
    headers = []
    for _ in range(60):
        headers.append(probe.send(roof_bgr))
        probe.graph.executor.spin_once(timeout_sec=0.002)
    report = probe.report_when(
        lambda values: (
            values['frames_waiting'] == '0' and since(probe, values, 'frames_seen') == len(headers)
        )
    )
    processed = since(probe, report, 'frames_processed')
    assert processed > 0
    probe.wait_for_results(processed)
    assert processed + since(probe, report, 'frames_dropped') == len(headers)
    assert len(probe.results) == processed
    stamps = [result.header.stamp for result in probe.results]
    assert stamps == sorted(stamps, key=lambda stamp: (stamp.sec, stamp.nanosec))
    assert all(result.header in headers for result in probe.results)
    assert probe.results[-1].header == headers[-1], 'the newest frame wins'


def test_images_that_a_newer_one_supersedes_are_not_even_copied(graph, make_probe, roof_bgr):
    # A pass takes so long that a busy computer sends several images meanwhile all the same.
    probe = make_probe(graph, arguments=['image_size:=1280'])
    probe.send_and_wait(roof_bgr)  # of the first pass nobody knows how long it takes
    probe.before = probe.report_when(lambda values: values['frames_processed'] == '1')
    began_s, late_s = monotonic(), 0.0
    for _ in range(300):
        sent_s = monotonic()
        last = probe.send(roof_bgr)
        probe.graph.executor.spin_once(timeout_sec=0.004)
        late_s += max(0.0, monotonic() - sent_s - 0.05)  # in which the model has nothing to do
    probe.graph.wait_until(lambda: probe.results[-1].header == last, what='the newest result')
    took_s = monotonic() - began_s - late_s
    report = probe.report_when(lambda values: since(probe, values, 'frames_seen') == 300)
    processed = since(probe, report, 'frames_processed')
    assert since(probe, report, 'dropped.superseded') > 2 * processed > 0, 'no overload'
    assert processed * float(report['forward_ms.p50']) / 1e3 > 0.5 * took_s, 'the model waited'
    # Where the model is late by a whole pass a frame is read again.
    assert since(probe, report, 'frames_read') <= 1.5 * processed + 5


@pytest.mark.parametrize(
    ('damage', 'cause'),
    [
        ({'data': array.array('B', bytes(100))}, 'short_data'),
        ({'height': 0, 'data': array.array('B')}, 'zero_size'),
        ({'encoding': 'nonsense8'}, 'encoding'),
        ({'step': 5}, 'bad_step'),
    ],
    ids=['short data', 'zero size', 'unknown encoding', 'step too short'],
)
def test_a_bad_frame_is_counted_by_cause_and_the_node_goes_on(probe, roof_bgr, damage, cause):
    message = image_message(roof_bgr, encoding='bgr8', header=Header(stamp=probe.stamp()))
    for field, value in damage.items():
        setattr(message, field, value)
    probe.images.publish(message)

    def is_told(values):
        nonlocal last
        last = probe.send(roof_bgr)  # that no results come would be told before
        return since(probe, values, f'dropped.{cause}') == 1 and cause in values['message']

    last = None
    probe.report_when(is_told)
    probe.graph.wait_until(
        lambda: probe.results and probe.results[-1].header == last, what='the newest result'
    )
    probe.report_when(lambda values: values['frames_waiting'] == '0')


def test_a_bad_jpeg_is_counted_and_a_good_one_is_detected(graph, make_probe, roof_bgr):
    probe = make_probe(graph, transport='compressed')
    jpeg = cv2.imencode('.jpg', roof_bgr)[1].tobytes()
    for count, bad in enumerate((jpeg[: len(jpeg) // 2], b'no image at all'), start=1):
        probe.images.publish(compressed_message(bad, header=Header(stamp=probe.stamp())))
        probe.report_when(lambda values, count=count: values.get('dropped.jpeg') == str(count))
    header = Header(stamp=probe.stamp(), frame_id='x')
    probe.images.publish(compressed_message(jpeg, header=header))
    probe.wait_for_results(1)
    assert probe.results[0].header == header
    assert probe.results[0].detections


def test_a_threshold_applies_to_the_next_frame_and_a_bad_one_changes_nothing(probe, roof_bgr):
    before = probe.send_and_wait(roof_bgr)
    assert probe.set('confidence', 1.0).successful
    assert probe.send_and_wait(roof_bgr).detections == []
    for name, value, reason in (
        ('confidence', 1.5, 'out of range'),
        ('classes', ['rust', 'gutter'], "no class 'gutter', it has: equip, drain"),
        ('class_confidence', ['crack=0.4'], 'name:value'),
    ):
        answer = probe.set(name, value)
        assert not answer.successful
        assert reason in answer.reason, answer.reason
    assert probe.send_and_wait(roof_bgr).detections == []
    assert probe.set('confidence', 0.25).successful
    after = probe.send_and_wait(roof_bgr)
    assert len(after.detections) == len(before.detections)
    wanted = names(before)[0]
    assert probe.set('classes', [wanted]).successful
    assert set(names(probe.send_and_wait(roof_bgr))) == {wanted}
    assert probe.set('class_confidence', [f'{wanted}:1.0']).successful
    assert probe.send_and_wait(roof_bgr).detections == []


def test_annotated_images_have_the_sources_size_and_header(probe, roof_bgr):
    raw, compressed = [], []
    listeners = (
        probe.node.create_subscription(Image, '/detector/image_annotated', raw.append, 5),
        probe.node.create_subscription(
            CompressedImage, '/detector/image_annotated/compressed', compressed.append, 5
        ),
    )
    probe.graph.wait_until(
        lambda: (
            probe.node.count_subscribers('/detector/image_annotated') == 1
            and probe.node.count_publishers('/detector/image_annotated') == 1
        )
    )

    while not (raw and compressed):  # until the detector has noticed its listeners
        probe.send_and_wait(roof_bgr)
    result = probe.send_and_wait(roof_bgr)
    for drawn in (raw, compressed):
        probe.graph.wait_until(
            lambda drawn=drawn: drawn[-1].header == result.header, what='the annotated image'
        )
    image = np.frombuffer(raw[-1].data, np.uint8).reshape(roof_bgr.shape)
    assert (image != roof_bgr).any(axis=-1).mean() > 0.001, 'nothing was drawn'
    decoded = cv2.imdecode(np.frombuffer(compressed[-1].data, np.uint8), cv2.IMREAD_COLOR)
    assert decoded.shape == roof_bgr.shape
    drawn = len(raw)
    assert probe.set('annotated_rate', 0.01).successful
    for _ in range(4):
        probe.send_and_wait(roof_bgr)
    assert probe.set('annotated_rate', 0.0).successful
    result = probe.send_and_wait(roof_bgr)
    probe.graph.wait_until(lambda: raw[-1].header == result.header, what='the last image')
    assert len(raw) <= drawn + 2, 'one in 100 seconds was wanted, and the last'
    assert probe.set('annotate', False).successful
    drawn = len(raw)
    for _ in range(3):
        probe.send_and_wait(roof_bgr)
    assert len(raw) == drawn
    for listener in listeners:
        probe.node.destroy_subscription(listener)


def test_labels_reach_those_who_come_late(probe):
    labels = probe.listen_for_labels()
    assert [entry.class_name for entry in labels.class_map] == [
        'equip', 'drain', 'crack', 'ponding', 'rust',
    ]  # fmt: skip
    assert [entry.class_id for entry in labels.class_map] == [0, 1, 2, 3, 4]
    assert labels.threshold == pytest.approx(0.25)


def test_a_paused_detector_counts_frames_and_finds_nothing(probe, roof_bgr):
    assert probe.graph.call(probe.node, SetBool, '/detector/enable', SetBool.Request()).success
    probe.send(roof_bgr)
    report = probe.report_when(lambda values: since(probe, values, 'dropped.disabled') == 1)
    assert since(probe, report, 'frames_processed') == 0
    request = SetBool.Request(data=True)
    assert probe.graph.call(probe.node, SetBool, '/detector/enable', request).success
    probe.send_and_wait(roof_bgr)


def test_frames_older_than_the_limit_are_dropped(graph, make_probe, roof_bgr):
    probe = make_probe(graph, arguments=['max_age_s:=30.0'])
    old = probe.stamp()
    old.sec -= 60
    probe.send(roof_bgr, stamp=old)
    probe.report_when(lambda values: values.get('dropped.too_old') == '1')
    probe.send_and_wait(roof_bgr)


@pytest.mark.parametrize('reliability', ['RELIABLE', 'BEST_EFFORT'])
def test_frames_arrive_whatever_reliability_the_camera_offers(
    graph, make_probe, roof_bgr, reliability
):
    qos = QoSProfile(depth=1, reliability=ReliabilityPolicy[reliability])
    probe = make_probe(graph, image_qos=qos)
    sent = []

    def answered():
        # Of a best effort camera the first frames are lost until its reader knows of it.
        sent.append(probe.send(roof_bgr))
        return probe.results

    graph.wait_until(answered, within_s=120, what='a result')
    assert probe.results[0].header in sent

    graph.wait_until(
        lambda: graph.is_heard(probe.node, probe.images), what=f'a {reliability} reader'
    )
    last = probe.send(roof_bgr)
    graph.wait_until(
        lambda: probe.results[-1].header == last, within_s=120, what='the result of the last frame'
    )


def test_no_raw_4k_frame_is_lost_between_processes(graph, make_probe):
    probe = make_probe(graph, arguments=['image_size:=320'])
    frame = np.full((2160, 3840, 3), 90, np.uint8)
    for _ in range(10):
        probe.send_and_wait(frame)
    report = probe.report_when(lambda values: values['frames_processed'] == '10')
    assert report['frames_seen'] == '10'
    assert report['frames_dropped'] == '0'


def test_memory_stays_flat_over_hundreds_of_frames(graph, make_probe):
    probe = make_probe(graph, arguments=['image_size:=160'])
    frame = np.random.default_rng(0).integers(0, 255, (120, 160, 3), np.uint8)
    process = psutil.Process(probe.process.pid)
    for _ in range(150):
        probe.send_and_wait(frame)
    settled = process.memory_info().rss
    for _ in range(300):
        probe.send_and_wait(frame)
    # An image of each frame kept would take 17 MB, a result of each 4.5.
    assert process.memory_info().rss - settled < 3.5e6


def test_the_lifecycle_loads_frees_and_loads_again(graph, make_probe, roof_bgr):
    probe = make_probe(graph, arguments=['autostart:=false'], wait=False)

    def change(transition):
        request = ChangeState.Request(transition=Transition(id=transition))
        return graph.call(probe.node, ChangeState, '/detector/change_state', request).success

    def state():
        return graph.call(
            probe.node, GetState, '/detector/get_state', GetState.Request()
        ).current_state.id

    assert state() == State.PRIMARY_STATE_UNCONFIGURED
    for _ in range(2):
        assert change(Transition.TRANSITION_CONFIGURE)
        assert change(Transition.TRANSITION_ACTIVATE)
        graph.wait_until(lambda: graph.is_heard(probe.node, probe.images), what='its reader')
        probe.send_and_wait(roof_bgr)
        assert change(Transition.TRANSITION_DEACTIVATE)
        graph.wait_until(lambda: probe.images.get_subscription_count() == 0)
        assert change(Transition.TRANSITION_CLEANUP)
    code, output = graph.stop(probe.process)
    assert code == 0, output


@pytest.mark.parametrize(
    ('argument', 'sentence'),
    [
        ('model:=missing.pt', 'missing.pt does not exist'),
        ('confidense:=0.5', "Did you mean 'confidence'?"),
        ('confidence:=7.0', 'confidence must lie between 0.0 and 1.0, not 7.0'),
        ("classes:=['gutter']", "The model has no class 'gutter', it has: equip"),
        ('backend:=tensorflow', 'backend must be one of auto, torch'),
    ],
    ids=['missing model', 'unknown parameter', 'out of range', 'unknown class', 'no choice'],
)
def test_a_detector_that_cannot_start_says_why_and_ends(graph, argument, sentence):
    # With what takes no seconds to import, where the argument is not about that.
    options = ['-p', 'backend:=onnxruntime', '-p', argument]
    process = graph.start('roof_detector.ros.detector.detector_node', '--ros-args', *options)
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 1
    assert sentence in output
    assert 'Traceback' not in output


def test_an_empty_list_on_the_command_line_means_all_classes(graph, make_probe, roof_bgr):
    probe = make_probe(graph, arguments=['classes:=[]', 'class_confidence:=[]'])
    assert probe.send_and_wait(roof_bgr).detections


def test_silence_is_reported_with_the_topics_name(graph, make_probe):
    probe = make_probe(graph, wait=False)
    report = probe.report_when(lambda values: 'No image on /image' in values['message'])
    assert report['state'] == 'active'
    _, output = graph.stop(probe.process)
    assert output.count('No image on /image for 5 s') == 1
