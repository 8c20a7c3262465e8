# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter

import numpy as np
import pytest

from roof_detector.inference.detector import PreprocessedImage
from roof_detector.pipeline import latest_frame_queue
from roof_detector.pipeline.frame import (
    DecodedImage,
    FrameStream,
    PipelineFrame,
    PreprocessedFrame,
)
from roof_detector.pipeline.frame_pipeline import new_queue
from roof_detector.pipeline.frame_queue import EveryFrameQueue
from roof_detector.pipeline.latest_frame_queue import LatestFrameQueue
from roof_detector.pipeline.settings import FramePolicy
from roof_detector.vision.letterbox import Letterbox, new_canvas

GEOMETRY = Letterbox.fit((64, 64), image_size=64)
IMAGE = DecodedImage(np.zeros((64, 64, 3), np.uint8), (64, 64))


class NumberedFrame(PipelineFrame):
    """A frame without pixels: a queue looks at its stream alone."""

    def __init__(self, stream, number):
        super().__init__(stream)
        self.number = number

    def decode(self, *, needed_wh):
        return None


def numbered(stream, number=0):
    return NumberedFrame(stream, number)


def ready(frame, *, took_s=0.0):
    preprocessed = PreprocessedImage(new_canvas(GEOMETRY), GEOMETRY, 0.0)
    return PreprocessedFrame(frame=frame, image=IMAGE, preprocessed=preprocessed, decode_s=took_s)


def preprocess_next(queue):
    """Do what the preprocessing thread does once and return the frame."""
    frame = queue.next_frame()
    assert queue.push_ready(ready(frame)) is None
    return frame


def test_nothing_waits_in_a_new_queue():
    queue = LatestFrameQueue()
    assert queue.close() == ()
    assert queue.next_frame() is None
    assert queue.next_ready(expected_s=0) == ()


def test_the_newest_frame_of_a_camera_supersedes_the_one_that_waits():
    queue = LatestFrameQueue()
    old, new = numbered('front', 1), numbered('front', 2)
    assert queue.push(old) is None
    assert queue.push(new) is old
    assert queue.next_frame() is new


def test_a_ready_frame_that_the_model_leaves_waiting_is_superseded_as_well():
    queue = LatestFrameQueue()
    for number in (1, 2):
        queue.push(numbered('front', number))
        superseded = queue.push_ready(ready(queue.next_frame()))
    assert superseded.frame.number == 1
    (frame,) = queue.next_ready(expected_s=0)
    assert frame.frame.number == 2


def test_while_the_model_is_busy_a_newer_frame_takes_the_place_of_one_not_yet_preprocessed():
    queue = LatestFrameQueue()
    queue.push(numbered('front', 0))
    preprocess_next(queue)
    queue.next_ready(expected_s=3600)
    queue.push(numbered('front', 1))
    with ThreadPoolExecutor() as pool:
        taking = pool.submit(queue.next_frame)
        assert queue.push(numbered('front', 2)).number == 1, 'it was preprocessed too early'
        model = pool.submit(queue.next_ready, expected_s=0)  # the model is free before its time
        frame = taking.result()
        queue.push_ready(ready(frame))
        assert [one.frame.number for one in model.result()] == [frame.number] == [2]


def test_a_ready_frame_is_not_thrown_away_for_a_newer_one_while_the_model_is_in_time():
    queue = LatestFrameQueue()
    queue.push(numbered('front', 0))
    preprocess_next(queue)
    queue.next_ready(expected_s=3600)
    queue._due_s = 0.0  # it is time to have the next one ready
    queue.push(numbered('front', 1))
    assert preprocess_next(queue).number == 1
    with ThreadPoolExecutor() as pool:
        taking = pool.submit(queue.next_frame)
        for number in range(2, 9):
            superseded = queue.push(numbered('front', number))
            assert superseded is None or superseded.number == number - 1
        assert [one.frame.number for one in queue.next_ready(expected_s=0)] == [1]
        assert taking.result().number == 8, 'the newest, once there is a place'


def test_cameras_take_turns_however_fast_one_of_them_sends():
    queue = LatestFrameQueue()
    served = []
    queue.push(numbered('slow'))
    queue.push(numbered('slower'))
    for number in range(9):
        queue.push(numbered('fast', number))
        preprocess_next(queue)
        queue.push(numbered('fast', number + 0.5))
        (frame,) = queue.next_ready(expected_s=0)
        served.append(frame.frame.stream)
        if frame.frame.stream != 'fast':
            queue.push(numbered(frame.frame.stream))
    assert served == ['slow', 'slower', 'fast'] * 3


def test_a_message_stays_unread_until_the_model_wants_a_frame():
    queue, camera = LatestFrameQueue(), FrameStream()
    with queue.turn(camera):
        queue.push(numbered(camera, 0))
    assert not camera.was_held, 'an idle model waits for it'
    preprocess_next(queue)
    began_s = perf_counter()
    queue.next_ready(expected_s=0.3)
    with queue.turn(camera):
        assert 0.2 < perf_counter() - began_s < 30
        queue.push(numbered(camera, 1))
    assert camera.was_held
    assert preprocess_next(queue).number == 1


def test_a_message_is_read_as_soon_as_the_model_is_free_before_its_time_or_the_queue_closes():
    for wake in (lambda queue: queue.next_ready(expected_s=0), LatestFrameQueue.close):
        queue, camera = LatestFrameQueue(), FrameStream()
        queue.push(numbered(camera))
        preprocess_next(queue)
        queue.next_ready(expected_s=3600)
        with ThreadPoolExecutor() as pool:
            waking = pool.submit(wake, queue)
            with queue.turn(camera):
                queue.push(numbered(camera, 1))
            if not queue.is_closed:
                preprocess_next(queue)
            waking.result()


def test_a_message_that_came_while_an_earlier_one_waited_is_read_once_that_one_is_served(
    monkeypatch,
):
    monkeypatch.setattr(latest_frame_queue, '_LONGEST_HOLD_S', 3600.0)
    queue, camera = LatestFrameQueue(), FrameStream()
    queue.push(numbered(camera, 0))
    preprocess_next(queue)
    queue.next_ready(expected_s=3600)
    queue.push(numbered(camera, 1))
    announced = threading.Event()

    def read():
        turn = queue.turn(camera)
        announced.set()
        with turn:
            queue.push(numbered(camera, 2))

    with ThreadPoolExecutor() as pool:
        reading = pool.submit(read)
        announced.wait()
        model = pool.submit(queue.next_ready, expected_s=0)
        try:
            assert preprocess_next(queue).number in (1, 2)
            model.result(timeout=60)
            reading.result(timeout=60)
        finally:
            queue.close()


def test_unread_messages_of_several_cameras_are_read_in_their_turns():
    queue, cameras = LatestFrameQueue(), [FrameStream() for _ in range(3)]

    def arrive(camera):
        while not queue.is_closed:
            with queue.turn(camera):
                queue.push(numbered(camera))

    with ThreadPoolExecutor() as pool:
        arriving = [pool.submit(arrive, camera) for camera in cameras]
        served = []
        while len(served) < 30:
            preprocess_next(queue)
            served += [one.frame.stream for one in queue.next_ready(expected_s=1e-3)]
        queue.close()
        for one in arriving:
            one.result()
    counts = Counter(served)
    assert all(8 <= counts[camera] <= 12 for camera in cameras)


def test_a_turn_in_which_nothing_is_pushed_leaves_its_place_to_the_next_camera():
    queue, silent, other = LatestFrameQueue(), FrameStream(), FrameStream()
    with queue.turn(silent):
        pass
    with queue.turn(other):
        queue.push(numbered(other, 7))
    assert preprocess_next(queue).number == 7


def test_a_thread_that_never_reads_what_it_announced_holds_the_others_up_for_a_moment_only():
    queue, lost, other = LatestFrameQueue(), FrameStream(), FrameStream()
    lost_turn = queue.turn(lost)
    lost_turn.__enter__()
    with queue.turn(other):
        queue.push(numbered(other, 7))
    assert preprocess_next(queue).number == 7
    lost_turn.__exit__(None, None, None)


def test_a_ready_frame_is_not_replaced_while_another_camera_waits():
    queue = LatestFrameQueue()
    queue.push(numbered('fast', 1))
    preprocess_next(queue)
    queue.push(numbered('slow'))
    queue.push(numbered('fast', 2))
    assert [one.frame.number for one in queue.next_ready(expected_s=0)] == [1]
    assert queue.next_frame().stream == 'slow'


def test_a_batch_takes_one_frame_of_each_camera_that_is_ready():
    queue = LatestFrameQueue()
    queue.batch = 3
    for camera in ('front', 'down', 'front'):
        queue.push(numbered(camera))
    for _ in range(2):
        preprocess_next(queue)
    frames = queue.next_ready(expected_s=0)
    assert [frame.frame.stream for frame in frames] == ['front', 'down']


def test_where_frames_are_not_preprocessed_ahead_the_newest_waits_for_the_model():
    queue = LatestFrameQueue()
    queue.ahead = False
    queue.push(numbered('front', 0))
    preprocess_next(queue)
    queue.next_ready(expected_s=0)
    queue.push(numbered('front', 1))
    with ThreadPoolExecutor() as pool:
        taking = pool.submit(queue.next_frame)
        assert queue.push(numbered('front', 2)).number == 1, 'it was preprocessed too early'
        model = pool.submit(queue.next_ready, expected_s=0)
        queue.push_ready(ready(taking.result()))
        assert [one.frame.number for one in model.result()] == [2]


@pytest.mark.parametrize('ahead', [True, False], ids=['ahead', 'in turn'])
@pytest.mark.parametrize('batch', [1, 3])
def test_every_frame_ends_exactly_once_while_all_threads_run(batch, ahead):
    queue = LatestFrameQueue()
    queue.batch, queue.ahead = batch, ahead
    ends, forwarded = Counter(), []
    lock = threading.Lock()

    def end(frame, how):
        with lock:
            ends[frame] += 1
            if how == 'forwarded':
                forwarded.append(frame)

    def send(camera):
        for number in range(400):
            superseded = queue.push(numbered(camera, number))
            if superseded is not None:
                end((superseded.stream, superseded.number), 'superseded')

    def prepare():
        while (frame := queue.next_frame()) is not None:
            superseded = queue.push_ready(ready(frame, took_s=1e-5))
            if superseded is not None:
                end((superseded.frame.stream, superseded.frame.number), 'superseded')

    def infer():
        while frames := queue.next_ready(expected_s=1e-4):
            assert len(frames) <= batch
            for frame in frames:
                end((frame.frame.stream, frame.frame.number), 'forwarded')

    cameras = ('front', 'down', 'left')
    workers = [threading.Thread(target=work) for work in (prepare, infer)]
    senders = [threading.Thread(target=send, args=(camera,)) for camera in cameras]
    for thread in (*workers, *senders):
        thread.start()
    for sender in senders:
        sender.join()
    for left in queue.close():
        end((left.stream, left.number), 'left')
    for worker in workers:
        worker.join()
    assert ends == Counter((camera, number) for camera in cameras for number in range(400))
    for camera in cameras:
        numbers = [number for name, number in forwarded if name == camera]
        assert numbers == sorted(numbers)


def test_a_policy_names_its_queue():
    assert isinstance(new_queue(FramePolicy.LATEST), LatestFrameQueue)
    assert isinstance(new_queue(FramePolicy.EVERY), EveryFrameQueue)


def test_an_empty_queue_of_every_frame_ends_its_threads_when_it_closes():
    queue = EveryFrameQueue()
    with ThreadPoolExecutor() as pool:
        taking, inferring = (
            pool.submit(queue.next_frame),
            pool.submit(queue.next_ready, expected_s=0),
        )
        assert queue.close() == ()
        assert (taking.result(timeout=60), inferring.result(timeout=60)) == (None, ())
    frame = numbered('front')
    assert queue.push(frame) is frame


def test_a_closed_queue_of_every_frame_returns_those_that_the_model_has_not_begun():
    queue = EveryFrameQueue()
    frames = [numbered('front', number) for number in range(3)]
    for frame in frames:
        assert queue.push(frame) is None
    preprocess_next(queue)
    assert queue.close() == tuple(frames)
    late = ready(frames[1])
    assert queue.push_ready(late) is late


def test_every_frame_comes_in_order_and_who_submits_waits_for_room():
    queue, count = EveryFrameQueue(), 200
    waiting = []

    def submit():
        for number in range(count):
            assert queue.push(numbered('front', number)) is None
            waiting.append(len(queue._submitted) + len(queue._ready))

    def preprocess():
        for _ in range(count):
            preprocess_next(queue)

    with ThreadPoolExecutor() as pool:
        working = [pool.submit(submit), pool.submit(preprocess)]
        numbers = [queue.next_ready(expected_s=0)[0].frame.number for _ in range(count)]
        for one in working:
            one.result(timeout=60)
    assert numbers == list(range(count))
    assert max(waiting) <= 9
