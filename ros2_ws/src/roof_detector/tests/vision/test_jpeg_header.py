# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import io

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from roof_detector.vision.encodings import decode_for
from roof_detector.vision.errors import BadJpeg
from roof_detector.vision.jpeg_header import JpegHeader
from roof_detector.vision.letterbox import Letterbox

ORIENTATION = 0x0112


def jpeg(size_wh, *, orientation=None, progressive=False):
    width, height = size_wh
    ramp = np.linspace(0, 255, width * height * 3).reshape(height, width, 3).astype(np.uint8)
    exif = Image.Exif()
    if orientation is not None:
        exif[ORIENTATION] = orientation
    file = io.BytesIO()
    Image.fromarray(ramp).save(file, 'JPEG', exif=exif, progressive=progressive)
    return file.getvalue()


def needed_by_network(source_wh):
    return Letterbox.fit(source_wh, image_size=64).resized_wh


def test_nothing_is_known_of_no_bytes():
    assert JpegHeader.read(b'') == JpegHeader(None, 0)


@given(st.integers(1, 400), st.integers(1, 400), st.booleans())
@settings(deadline=None, max_examples=30)
def test_the_size_is_that_of_the_picture(width, height, progressive):
    data = jpeg((width, height), progressive=progressive)
    header = JpegHeader.read(data)
    assert header.size_wh == (width, height)
    assert data[header.scan_start : header.scan_start + 2] == b'\xff\xda'


def test_a_thumbnail_of_another_size_is_passed_over():
    picture, thumbnail = jpeg((300, 200)), jpeg((30, 20))
    body = b'Exif\x00\x00' + thumbnail
    segment = b'\xff\xe1' + (len(body) + 2).to_bytes(2, 'big') + body
    assert JpegHeader.read(picture[:2] + segment + picture[2:]).size_wh == (300, 200)


@given(st.integers(1, 700), st.integers(1, 700), st.sampled_from([None, 1, 3, 6, 8]))
@settings(deadline=None, max_examples=60)
def test_a_picture_is_decoded_no_smaller_than_needed_and_told_its_full_size(
    width, height, orientation
):
    data = jpeg((width, height), orientation=orientation)
    full = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    image_bgr, source_wh = decode_for(data, needed_by_network)
    assert source_wh == full.shape[1::-1]
    needed_w, needed_h = needed_by_network(source_wh)
    if image_bgr.shape != full.shape:
        assert image_bgr.shape[1] >= needed_w and image_bgr.shape[0] >= needed_h
        assert len(image_bgr) <= (len(full) + 1) / 2


@pytest.mark.parametrize(('side', 'decoded'), [(64, 64), (127, 127), (128, 64), (511, 128)])
def test_the_smallest_decoding_that_will_do_is_taken(side, decoded):
    image_bgr, source_wh = decode_for(jpeg((side, side)), needed_by_network)
    assert image_bgr.shape == (decoded, decoded, 3)
    assert source_wh == (side, side)


def test_a_png_is_decoded_in_full():
    data = cv2.imencode('.png', np.zeros((300, 500, 3), np.uint8))[1].tobytes()
    image_bgr, source_wh = decode_for(data, needed_by_network)
    assert image_bgr.shape == (300, 500, 3)
    assert source_wh == (500, 300)


def test_a_picture_cut_short_is_refused():
    with pytest.raises(BadJpeg, match='cut short'):
        decode_for(jpeg((300, 200))[:-200], needed_by_network)
