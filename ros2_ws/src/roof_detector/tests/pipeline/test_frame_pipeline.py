# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import threading
import time
from itertools import count

import numpy as np
import pytest
from tiny_model import SIDE, write_model

from roof_detector.inference.detector import Detector
from roof_detector.pipeline.frame import DecodedImage, FrameStream, PipelineFrame
from roof_detector.pipeline.frame_pipeline import FramePipeline
from roof_detector.pipeline.model_opening import OpenedModel
from roof_detector.pipeline.settings import FramePolicy, PipelineSettings
from roof_detector.vision.errors import UnsupportedEncoding
from roof_detector.vision.thresholds import Thresholds

SETTINGS = PipelineSettings(thresholds=Thresholds(confidence=0.6))


class ThreadKilledError(BaseException):
    """What no part of the program expects."""


class ArrayFrame(PipelineFrame):
    """A frame whose pixels lie in memory, or that fails as it is asked to."""

    def __init__(self, stream, number=0, *, error=None, has_pixels=True, age_s=None):
        super().__init__(stream)
        self.number = number
        self._error = error
        self._has_pixels = has_pixels
        self._age_s = age_s

    def decode(self, *, needed_wh):
        if self._error is not None:
            raise self._error
        if not self._has_pixels:
            return None
        return DecodedImage(image_of(self.number), (SIDE, SIDE))

    def age_s(self):
        return self._age_s


class Listener:
    """Opens the tiny model for each pipeline and keeps what it hears."""

    def __init__(self, path, **options):
        self._path = path
        self._options = {'threads': 1, **options}
        self.results, self.dropped = [], []
        self.heard = threading.Semaphore(0)

    def open_model(self, model):
        detector = Detector.open(self._path, device='cpu', **self._options)
        detector.warm_up()
        return OpenedModel(detector=detector)

    def on_result(self, result):
        self.results.append(result)
        self.heard.release()

    def on_dropped(self, cause, message):
        self.dropped.append((cause, message))
        self.heard.release()

    def on_pipeline_changed(self):
        pass

    def wait_for(self, count):
        for _ in range(count):
            assert self.heard.acquire(timeout=30), (self.results, self.dropped)

    def numbers(self):
        return [result.frame.number for result in self.results]


def image_of(number):
    return np.random.default_rng(number).integers(0, 255, (SIDE, SIDE, 3), np.uint8)


@pytest.fixture(scope='module')
def model_path(tmp_path_factory):
    return write_model(tmp_path_factory.mktemp('model') / 'tiny.onnx')


@pytest.fixture
def listener(model_path):
    return Listener(model_path)


@pytest.fixture
def pipeline_of(listener):
    pipelines = []

    def start(policy=FramePolicy.LATEST, settings=SETTINGS, *, starts=True):
        pipeline = FramePipeline(listener, model='tiny', settings=settings, policy=policy)
        pipelines.append(pipeline)
        pipeline.wait_until_open()
        if starts:
            pipeline.start()
        return pipeline

    yield start
    for pipeline in pipelines:
        pipeline.close()


@pytest.mark.parametrize('policy', FramePolicy)
def test_a_pipeline_without_frames_gives_no_result_and_ends(listener, pipeline_of, policy):
    pipeline = pipeline_of(policy)
    pipeline.close()
    assert pipeline.has_ended and not listener.results and not listener.dropped


@pytest.mark.parametrize('policy', FramePolicy)
def test_a_frame_ends_with_what_the_detector_finds_in_it_and_is_counted_once(
    listener, pipeline_of, model_path, policy
):
    stream = FrameStream()
    pipeline_of(policy).submit(ArrayFrame(stream, 5))
    listener.wait_for(1)
    with Detector.open(model_path, device='cpu', threads=1) as detector:
        expected = detector.detect(image_of(5), SETTINGS.thresholds)
    (result,) = listener.results
    assert len(expected)
    np.testing.assert_allclose(result.detections.boxes_xyxy, expected.boxes_xyxy, atol=1e-3)
    assert result.names == detector.names
    assert set(result.durations_s) >= {'decode', 'letterbox', 'forward', 'suppression'}
    wait_until(lambda: stream.stats.snapshot().processed == 1)
    assert not stream.stats.snapshot().dropped


def test_every_frame_keeps_its_place_whatever_becomes_of_it(listener, pipeline_of):
    pipeline, stream = pipeline_of(FramePolicy.EVERY), FrameStream()
    broken = UnsupportedEncoding('no such encoding')
    for number in range(60):
        error = broken if number % 5 == 1 else None
        pipeline.submit(ArrayFrame(stream, number, error=error, has_pixels=number % 5 != 2))
    listener.wait_for(60)
    assert listener.numbers() == list(range(60))
    for number, result in enumerate(listener.results):
        assert result.error is (broken if number % 5 == 1 else None)
        assert (result.detections is None) == (number % 5 in (1, 2))
    assert listener.dropped == []


def test_passes_side_by_side_give_the_same_results_in_the_same_order(model_path):
    broken, results = UnsupportedEncoding('no such encoding'), {}
    for lanes in (1, 3):
        listener = Listener(model_path, lanes=lanes)
        pipeline = FramePipeline(
            listener, model='tiny', settings=SETTINGS, policy=FramePolicy.EVERY
        )
        assert pipeline.wait_until_open().lanes == lanes
        pipeline.start()
        stream = FrameStream()
        for number in range(40):
            error = broken if number % 5 == 1 else None
            pipeline.submit(ArrayFrame(stream, number, error=error, has_pixels=number % 5 != 2))
        listener.wait_for(40)
        pipeline.submit(ArrayFrame(stream, 40))
        listener.wait_for(1)  # the last one is not kept waiting for others
        pipeline.close()
        assert listener.numbers() == list(range(41))
        assert listener.dropped == []
        results[lanes] = listener.results
    for one, many in zip(results[1], results[3], strict=True):
        assert (one.error, many.error) in [(None, None), (broken, broken)]
        assert (one.detections is None) == (many.detections is None)
        if one.detections is not None:
            assert one.detections.boxes_xyxy.tobytes() == many.detections.boxes_xyxy.tobytes()
            assert one.detections.scores.tobytes() == many.detections.scores.tobytes()


def test_the_latest_frame_wins_and_each_of_them_ends_once(listener, pipeline_of):
    pipeline, streams = pipeline_of(), [FrameStream() for _ in range(2)]
    for number in range(400):
        for stream in streams:
            stream.stats.see()
            pipeline.submit(ArrayFrame(stream, number))
    pipeline.close()
    for stream in streams:
        stats = stream.stats.snapshot()
        assert (stats.seen, stats.waiting) == (400, 0)
        assert set(stats.dropped) <= {'superseded', 'deactivated'}
        numbers = [one.frame.number for one in listener.results if one.frame.stream is stream]
        assert len(numbers) == stats.processed
        assert numbers == sorted(numbers)


@pytest.mark.parametrize('ahead', [True, False], ids=['ahead', 'in turn'])
def test_of_frames_that_come_three_times_too_fast_none_is_decoded_in_vain(model_path, ahead):
    """At 30 Hz with a network of 10 Hz: one decoding for each result, and the newest wins."""
    decoded = []

    class CountedFrame(ArrayFrame):
        def decode(self, *, needed_wh):
            decoded.append(self.number)
            return super().decode(needed_wh=needed_wh)

    class SlowListener(Listener):
        def open_model(self, model):
            opened = super().open_model(model)
            return OpenedModel(detector=opened.detector, ahead=ahead)

        def on_result(self, result):
            super().on_result(result)
            for _ in range(3):  # as long as a pass, however busy this computer is
                time.sleep(0.05 / 3)
                send()

    numbers = count()

    def send():
        stream.stats.see()
        pipeline.submit(CountedFrame(stream, next(numbers)))

    listener, stream = SlowListener(model_path), FrameStream()
    pipeline = FramePipeline(listener, model='tiny', settings=SETTINGS)
    pipeline.wait_until_open()
    pipeline.start()
    send()
    wait_until(lambda: len(listener.results) >= 20)
    pipeline.close()
    stats = stream.stats.snapshot()
    assert listener.numbers() == sorted(listener.numbers())
    assert set(listener.numbers()) <= set(decoded)
    # Of the first pass nobody knows how long it takes, and a busy machine has slow ones.
    assert len(decoded) <= 1.2 * stats.processed + 4
    assert stats.dropped['superseded'] > stats.processed


def test_a_frame_that_cannot_be_decoded_is_dropped_for_its_cause(listener, pipeline_of):
    pipeline, stream = pipeline_of(), FrameStream()
    pipeline.submit(ArrayFrame(stream, error=UnsupportedEncoding('no such encoding')))
    listener.wait_for(1)
    assert stream.stats.snapshot().dropped == {UnsupportedEncoding.cause: 1}
    assert 'no such encoding' in listener.dropped[0][1]
    pipeline.submit(ArrayFrame(stream, 3))
    listener.wait_for(1)
    assert listener.numbers() == [3]


@pytest.mark.parametrize(
    ('age_s', 'cause'), [(3.0, 'too_old'), (None, 'age_unknown')], ids=['too old', 'unknown']
)
def test_a_frame_that_may_be_too_old_is_dropped(listener, pipeline_of, age_s, cause):
    settings = PipelineSettings(thresholds=SETTINGS.thresholds, max_age_s=1.0)
    pipeline, stream = pipeline_of(settings=settings), FrameStream()
    pipeline.submit(ArrayFrame(stream, 1, age_s=age_s))
    wait_until(lambda: stream.stats.snapshot().dropped == {cause: 1})
    pipeline.submit(ArrayFrame(stream, 2, age_s=0.5))
    listener.wait_for(1)
    assert listener.numbers() == [2]


def test_frames_that_wait_are_forwarded_to_the_successor(listener, pipeline_of):
    first, second = pipeline_of(starts=False), pipeline_of(starts=False)
    streams = [FrameStream(), FrameStream()]
    for number, stream in enumerate(streams):
        first.submit(ArrayFrame(stream, number))
    first.drain(successor=second)
    wait_until(lambda: first.has_ended)
    late = ArrayFrame(FrameStream(), 2)
    first.submit(late)
    assert not listener.results
    second.start()
    listener.wait_for(3)
    assert sorted(listener.numbers()) == [0, 1, 2]


def test_a_preprocessing_thread_that_died_is_replaced_and_its_frame_dropped(listener, pipeline_of):
    pipeline, stream = pipeline_of(), FrameStream()
    pipeline.submit(ArrayFrame(stream, 1, error=ThreadKilledError()))
    lost = {'preprocessing_lost': 1}
    # The watchdog of another test's node may be there first.
    wait_until(
        lambda: 'ThreadKilledError' in pipeline.death or stream.stats.snapshot().dropped == lost
    )
    if stream.stats.snapshot().dropped != lost:
        pipeline.replace_preprocessing('it died')  # as the watchdog does
    assert stream.stats.snapshot().dropped == lost
    pipeline.submit(ArrayFrame(stream, 2))
    listener.wait_for(1)
    assert listener.numbers() == [2]
    assert pipeline.death == ''


def test_a_pipeline_of_every_frame_says_that_a_thread_of_it_died(listener, pipeline_of):
    pipeline = pipeline_of(FramePolicy.EVERY)
    pipeline.submit(ArrayFrame(FrameStream(), 1, error=ThreadKilledError()))
    wait_until(lambda: 'ThreadKilledError' in pipeline.death)
    pipeline.replace_preprocessing('it died')
    assert pipeline.problem == 'it died'


def test_candidates_come_along_down_to_the_floor(listener, pipeline_of):
    settings = PipelineSettings(thresholds=SETTINGS.thresholds, candidate_floor=0.1)
    pipeline_of(FramePolicy.EVERY, settings).submit(ArrayFrame(FrameStream(), 5))
    listener.wait_for(1)
    (result,) = listener.results
    assert result.candidates.scores.min() > 0.1
    assert len(result.candidates.scores) > len(result.detections)


def wait_until(condition, *, within_s=30.0):
    end_s = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < end_s
        time.sleep(0.01)
