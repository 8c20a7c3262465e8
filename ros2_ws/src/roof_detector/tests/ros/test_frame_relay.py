# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from roof_detector.inference.detector import PreprocessedImage
from roof_detector.ros.detector.frame_relay import FrameRelay
from roof_detector.ros.detector.frame_stages import Arrival, ReadyFrame
from roof_detector.ros.detector.image_decoder import Picture
from roof_detector.vision.letterbox import Letterbox, new_canvas

GEOMETRY = Letterbox.fit((64, 64), image_size=64)
PICTURE = Picture(np.zeros((64, 64, 3), np.uint8), (64, 64))


def arrival(camera, number=0):
    return Arrival(camera, number, 0.0)


def ready(frame, *, took_s=0.0):
    prepared = PreprocessedImage(new_canvas(GEOMETRY), GEOMETRY, 0.0)
    return ReadyFrame(frame, PICTURE, prepared, 0.0, took_s, 0.0)


def prepare_next(relay):
    """Do what the preparing thread does once and return the frame."""
    frame = relay.take_arrival()
    assert relay.hand_over(ready(frame)) is None
    return frame


def test_nothing_waits_in_a_new_relay():
    relay = FrameRelay()
    assert relay.close() == ()
    assert relay.take_arrival() is None
    assert relay.take_ready(expected_s=0) == ()


def test_the_newest_frame_of_a_camera_displaces_the_one_that_waits():
    relay = FrameRelay()
    old, new = arrival('front', 1), arrival('front', 2)
    assert relay.offer(old) is None
    assert relay.offer(new) is old
    assert relay.take_arrival() is new


def test_a_ready_frame_that_the_model_leaves_waiting_is_displaced_as_well():
    relay = FrameRelay()
    for number in (1, 2):
        relay.offer(arrival('front', number))
        displaced = relay.hand_over(ready(relay.take_arrival()))
    assert displaced.arrival.message == 1
    (frame,) = relay.take_ready(expected_s=0)
    assert frame.arrival.message == 2


def test_while_the_model_is_busy_a_newer_frame_takes_the_place_of_one_not_yet_prepared():
    relay = FrameRelay()
    relay.offer(arrival('front', 0))
    prepare_next(relay)
    relay.take_ready(expected_s=3600)
    relay.offer(arrival('front', 1))
    with ThreadPoolExecutor() as pool:
        taking = pool.submit(relay.take_arrival)
        assert relay.offer(arrival('front', 2)).message == 1, 'it was prepared too early'
        model = pool.submit(relay.take_ready, expected_s=0)  # the model is free before its time
        frame = taking.result()
        relay.hand_over(ready(frame))
        assert [one.arrival.message for one in model.result()] == [frame.message] == [2]


def test_cameras_take_turns_however_fast_one_of_them_sends():
    relay = FrameRelay()
    served = []
    relay.offer(arrival('slow'))
    relay.offer(arrival('slower'))
    for number in range(9):
        relay.offer(arrival('fast', number))
        prepare_next(relay)
        relay.offer(arrival('fast', number + 0.5))
        (frame,) = relay.take_ready(expected_s=0)
        served.append(frame.arrival.camera)
        if frame.arrival.camera != 'fast':
            relay.offer(arrival(frame.arrival.camera))
    assert served == ['slow', 'slower', 'fast'] * 3


def test_a_ready_frame_is_not_replaced_while_another_camera_waits():
    relay = FrameRelay()
    relay.offer(arrival('fast', 1))
    prepare_next(relay)
    relay.offer(arrival('slow'))
    relay.offer(arrival('fast', 2))
    assert [one.arrival.message for one in relay.take_ready(expected_s=0)] == [1]
    assert relay.take_arrival().camera == 'slow'


def test_a_batch_takes_one_frame_of_each_camera_that_is_ready():
    relay = FrameRelay()
    relay.batch = 3
    for camera in ('front', 'down', 'front'):
        relay.offer(arrival(camera))
    for _ in range(2):
        prepare_next(relay)
    frames = relay.take_ready(expected_s=0)
    assert [frame.arrival.camera for frame in frames] == ['front', 'down']


def test_where_frames_are_not_prepared_ahead_the_newest_waits_for_the_model():
    relay = FrameRelay()
    relay.ahead = False
    relay.offer(arrival('front', 0))
    prepare_next(relay)
    relay.take_ready(expected_s=0)
    relay.offer(arrival('front', 1))
    with ThreadPoolExecutor() as pool:
        taking = pool.submit(relay.take_arrival)
        assert relay.offer(arrival('front', 2)).message == 1, 'it was prepared too early'
        model = pool.submit(relay.take_ready, expected_s=0)
        relay.hand_over(ready(taking.result()))
        assert [one.arrival.message for one in model.result()] == [2]


@pytest.mark.parametrize('ahead', [True, False], ids=['ahead', 'in turn'])
@pytest.mark.parametrize('batch', [1, 3])
def test_every_frame_ends_exactly_once_while_all_threads_run(batch, ahead):
    relay = FrameRelay()
    relay.batch, relay.ahead = batch, ahead
    ends, forwarded = Counter(), []
    lock = threading.Lock()

    def end(frame, how):
        with lock:
            ends[frame] += 1
            if how == 'forwarded':
                forwarded.append(frame)

    def send(camera):
        for number in range(400):
            displaced = relay.offer(arrival(camera, number))
            if displaced is not None:
                end((displaced.camera, displaced.message), 'superseded')

    def prepare():
        while (frame := relay.take_arrival()) is not None:
            displaced = relay.hand_over(ready(frame, took_s=1e-5))
            if displaced is not None:
                end((displaced.arrival.camera, displaced.arrival.message), 'superseded')

    def infer():
        while frames := relay.take_ready(expected_s=1e-4):
            assert len(frames) <= batch
            for frame in frames:
                end((frame.arrival.camera, frame.arrival.message), 'forwarded')

    cameras = ('front', 'down', 'left')
    workers = [threading.Thread(target=work) for work in (prepare, infer)]
    senders = [threading.Thread(target=send, args=(camera,)) for camera in cameras]
    for thread in (*workers, *senders):
        thread.start()
    for sender in senders:
        sender.join()
    for left in relay.close():
        end((left.camera, left.message), 'left')
    for worker in workers:
        worker.join()
    assert ends == Counter((camera, number) for camera in cameras for number in range(400))
    for camera in cameras:
        numbers = [number for name, number in forwarded if name == camera]
        assert numbers == sorted(numbers)
