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

from roof_detector.vision.encodings import decode_for, decode_jpeg
from roof_detector.vision.errors import BadJpeg, ExcessiveSize, VisionError, ZeroSize
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
def test_the_size_is_that_of_the_image(width, height, progressive):
    data = jpeg((width, height), progressive=progressive)
    header = JpegHeader.read(data)
    assert header.size_wh == (width, height)
    assert data[header.scan_start : header.scan_start + 2] == b'\xff\xda'


def test_a_thumbnail_of_another_size_is_passed_over():
    image, thumbnail = jpeg((300, 200)), jpeg((30, 20))
    body = b'Exif\x00\x00' + thumbnail
    segment = b'\xff\xe1' + (len(body) + 2).to_bytes(2, 'big') + body
    assert JpegHeader.read(image[:2] + segment + image[2:]).size_wh == (300, 200)


@given(st.integers(1, 700), st.integers(1, 700), st.sampled_from([None, 1, 3, 6, 8]))
@settings(deadline=None, max_examples=60)
def test_an_image_is_decoded_no_smaller_than_needed_as_it_is_stored(width, height, orientation):
    data = jpeg((width, height), orientation=orientation)
    as_stored = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
    full = cv2.imdecode(np.frombuffer(data, np.uint8), as_stored)
    image_bgr, source_wh = decode_for(data, needed_by_network)
    assert source_wh == full.shape[1::-1] == (width, height)
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


@pytest.mark.parametrize('orientation', range(1, 9))
def test_exif_data_moves_no_pixel_away_from_where_the_camera_info_says(orientation):
    data, plain = jpeg((64, 48), orientation=orientation), jpeg((64, 48))
    assert np.array_equal(decode_jpeg(data), decode_jpeg(plain))
    for reduce in (2, 4, 8):
        assert np.array_equal(decode_jpeg(data, reduce=reduce), decode_jpeg(plain, reduce=reduce))
    turned = decode_jpeg(data, turned_by_exif=True)
    assert turned.shape[:2] == ((48, 64) if orientation < 5 else (64, 48))


@pytest.mark.parametrize('size_wh', [(65535, 65535), (32000, 32000), (16000, 15000), (9000, 9000)])
def test_a_size_that_the_bytes_cannot_hold_is_refused_before_room_is_made(size_wh):
    data = jpeg((64, 48))
    place = data.index(b'\xff\xc0')
    size = size_wh[1].to_bytes(2, 'big') + size_wh[0].to_bytes(2, 'big')
    bomb = data[: place + 5] + size + data[place + 9 :]
    for decode in (decode_jpeg, lambda data: decode_for(data, needed_by_network)):
        with pytest.raises(ExcessiveSize, match=f'claims {size_wh[0]}x{size_wh[1]} pixels'):
            decode(bomb)


def test_a_png_that_claims_too_much_is_refused_before_room_is_made():
    data = bytearray(cv2.imencode('.png', np.zeros((8, 8, 3), np.uint8))[1].tobytes())
    data[16:24] = (20_000).to_bytes(4, 'big') * 2
    with pytest.raises(ExcessiveSize, match='20000x20000'):
        decode_jpeg(bytes(data))
    data[16:24] = bytes(8)
    with pytest.raises(ZeroSize):
        decode_jpeg(bytes(data))


@pytest.mark.parametrize('mode', ['L', 'RGB'])
@pytest.mark.parametrize('progressive', [False, True])
def test_an_image_of_one_colour_is_not_taken_for_a_lie(mode, progressive):
    file = io.BytesIO()
    Image.new(mode, (3000, 2000)).save(
        file, 'JPEG', progressive=progressive, optimize=True, quality=10
    )
    assert decode_jpeg(file.getvalue()).shape == (2000, 3000, 3)


@given(st.binary(max_size=300), st.sampled_from([b'', b'\xff\xd8\xff', b'\x89PNG\r\n\x1a\n']))
@settings(deadline=None)
def test_any_bytes_are_an_image_or_refused_with_a_cause(data, start):
    end = b'\xff\xd9' if start.startswith(b'\xff') else b'IEND\xaeB`\x82'
    for content in (start + data, start + data + end):
        try:
            decode_jpeg(content)
        except VisionError as error:
            assert error.cause in ('jpeg', 'zero_size', 'excessive_size')


def test_an_image_cut_short_is_refused():
    with pytest.raises(BadJpeg, match='cut short'):
        decode_for(jpeg((300, 200))[:-200], needed_by_network)
