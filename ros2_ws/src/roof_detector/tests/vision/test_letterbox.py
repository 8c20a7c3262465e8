# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roof_detector.vision.errors import VisionError, ZeroSize
from roof_detector.vision.letterbox import PAD_VALUE, Letterbox, letterbox, to_blob

sides = st.integers(1, 5000)


@pytest.mark.parametrize('source_wh', [(0, 720), (1280, 0)])
def test_an_image_without_pixels_is_refused(source_wh):
    with pytest.raises(ZeroSize, match=f'{source_wh[0]}x{source_wh[1]}'):
        Letterbox.fit(source_wh)


@pytest.mark.parametrize(
    ('source_wh', 'fixed', 'input_wh', 'pad_xy'),
    [
        ((1280, 720), False, (640, 384), (0, 12)),
        ((1280, 720), True, (640, 640), (0, 140)),
        ((640, 480), False, (640, 480), (0, 0)),
        ((720, 1280), False, (384, 640), (12, 0)),
        ((1, 3000), False, (32, 640), (15, 0)),
    ],
)
def test_bars_are_least_unless_the_input_is_fixed(source_wh, fixed, input_wh, pad_xy):
    geometry = Letterbox.fit(source_wh, fixed=fixed)
    assert geometry.input_wh == input_wh
    assert geometry.pad_xy == pad_xy


@given(sides, sides, st.sampled_from([32, 320, 640, 960]), st.booleans())
@settings(deadline=None)
def test_the_input_holds_the_image_in_multiples_of_the_stride(width, height, size, fixed):
    geometry = Letterbox.fit((width, height), image_size=size, fixed=fixed)
    for axis in (0, 1):
        assert geometry.input_wh[axis] % 32 == 0
        assert 0 < geometry.input_wh[axis] <= size
        bars = geometry.input_wh[axis] - geometry.resized_wh[axis]
        assert 0 <= geometry.pad_xy[axis] <= bars
        assert fixed or bars < 32
    assert size in geometry.resized_wh


@given(sides, sides, st.data())
@settings(deadline=None)
def test_letterbox_maps_boxes_to_the_input_and_back_to_the_source(width, height, data):
    geometry = Letterbox.fit((width, height))
    x = sorted(data.draw(st.tuples(*[st.floats(0, width, width=32)] * 2)))
    y = sorted(data.draw(st.tuples(*[st.floats(0, height, width=32)] * 2)))
    boxes = np.array([[x[0], y[0], x[1], y[1]]], np.float32)
    there = geometry.to_input(boxes)
    left, top = geometry.pad_xy
    limit = (left + geometry.resized_wh[0], top + geometry.resized_wh[1])
    assert (there >= np.array([left, top, left, top]) - 1e-3).all()
    assert (there <= np.array(limit * 2) + 1e-3).all()
    assert np.allclose(geometry.to_source(there), boxes, atol=max(width, height) * 1e-5)


def test_boxes_in_the_bars_are_clipped_to_the_image():
    geometry = Letterbox.fit((1280, 720))
    assert geometry.to_source(np.array([[-9, 0, 700, 384]], np.float32)).tolist() == [
        [0, 0, 1280, 720]
    ]


@pytest.mark.parametrize('source_wh', [(1280, 720), (333, 517), (640, 480), (100, 40)])
@pytest.mark.parametrize('fixed', [False, True])
def test_pixels_equal_those_of_ultralytics(source_wh, fixed):
    # Spelled out here, for this room does without ultralytics: resize, then grey borders.
    image = np.random.default_rng(0).integers(0, 256, (*source_wh[::-1], 3), dtype=np.uint8)
    geometry = Letterbox.fit(source_wh, fixed=fixed)
    inner = cv2.resize(image, geometry.resized_wh, interpolation=cv2.INTER_LINEAR)
    (left, top), (w, h) = geometry.pad_xy, geometry.input_wh
    expected = cv2.copyMakeBorder(
        inner,
        top,
        h - top - inner.shape[0],
        left,
        w - left - inner.shape[1],
        cv2.BORDER_CONSTANT,
        value=(PAD_VALUE,) * 3,
    )
    assert np.array_equal(letterbox(image, geometry), expected)


def test_a_canvas_is_reused_for_the_next_image():
    geometry = Letterbox.fit((100, 50), image_size=64)
    canvas = letterbox(np.zeros((50, 100, 3), np.uint8), geometry)
    again = letterbox(np.full((50, 100, 3), 255, np.uint8), geometry, canvas_bgr=canvas)
    assert again is canvas
    assert np.array_equal(again, letterbox(np.full((50, 100, 3), 255, np.uint8), geometry))


def test_a_reduced_decoding_lies_where_the_source_would():
    geometry = Letterbox.fit((3840, 2160))
    small = np.full((540, 960, 3), 200, np.uint8)
    canvas = letterbox(small, geometry)
    assert canvas.shape == (384, 640, 3)
    assert (canvas[12:372] == 200).all()


@pytest.mark.parametrize(
    'image',
    [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 4), np.uint8), np.zeros((4, 4, 3), np.float32)],
    ids=['grey', 'four channels', 'float'],
)
def test_what_is_no_colour_image_is_refused(image):
    with pytest.raises(VisionError, match='expected'):
        letterbox(image, Letterbox.fit((4, 4)))


def test_an_input_smaller_than_the_stride_is_refused():
    with pytest.raises(VisionError, match='stride 32'):
        Letterbox.fit((1280, 720), image_size=16)


def test_the_blob_is_red_first_and_from_0_to_1():
    canvas = np.zeros((2, 32, 64, 3), np.uint8)
    canvas[0, :, :, 0], canvas[1, 3, 5] = 255, (51, 102, 204)
    blob = to_blob(canvas)
    assert blob.shape == (2, 3, 32, 64)
    assert blob.dtype == np.float32
    assert (blob[0, 2] == 1).all()
    assert not blob[0, :2].any()
    assert blob[1, :, 3, 5] == pytest.approx([0.8, 0.4, 0.2])
