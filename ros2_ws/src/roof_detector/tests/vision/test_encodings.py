# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

from array import array

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roof_detector.vision.encodings import ENCODINGS, decode_jpeg, view_bgr
from roof_detector.vision.errors import BadJpeg, BadStep, ShortData, UnsupportedEncoding, ZeroSize

CHANNELS = {'bgr8': 3, 'rgb8': 3, 'mono8': 1, 'bgra8': 4, 'rgba8': 4}
FROM_BGR = {
    'bgr8': lambda image: image,
    'rgb8': lambda image: image[:, :, ::-1],
    'mono8': lambda image: image[:, :, :1],
    'bgra8': lambda image: cv2.cvtColor(image, cv2.COLOR_BGR2BGRA),
    'rgba8': lambda image: cv2.cvtColor(image, cv2.COLOR_BGR2RGBA),
}


def grey_or_colour(encoding: str, height: int, width: int) -> np.ndarray:
    image = np.random.default_rng(1).integers(0, 256, (height, width, 3), dtype=np.uint8)
    if encoding == 'mono8':
        image[:] = image[:, :, :1]
    return image


def padded(image: np.ndarray, encoding: str, padding: int) -> tuple[bytes, int]:
    rows = FROM_BGR[encoding](image).reshape(len(image), -1)
    rows = np.pad(rows, ((0, 0), (0, padding)), constant_values=99)
    return rows.tobytes(), rows.shape[1]


def test_every_encoding_is_tested():
    assert set(ENCODINGS) == set(CHANNELS)


@pytest.mark.parametrize('size', [(0, 4), (4, 0)])
def test_an_image_without_pixels_is_refused(size):
    with pytest.raises(ZeroSize, match='expected at least 1x1'):
        view_bgr(b'', height=size[0], width=size[1], encoding='bgr8', step=12)


@pytest.mark.parametrize('encoding', ENCODINGS)
@given(
    height=st.integers(1, 9),
    width=st.integers(1, 9),
    padding=st.integers(0, 7),
    surplus=st.integers(0, 20),
)
@settings(deadline=None, max_examples=25)
def test_rows_are_found_by_their_step(encoding, height, width, padding, surplus):
    image = grey_or_colour(encoding, height, width)
    data, step = padded(image, encoding, padding)
    read = view_bgr(
        data + b'x' * surplus, height=height, width=width, encoding=encoding, step=step
    )
    assert np.array_equal(read, image)


@pytest.mark.parametrize('kind', [bytes, bytearray, memoryview, lambda data: array('B', data)])
def test_bgr8_is_a_read_only_view_of_whatever_holds_the_bytes(kind):
    image = grey_or_colour('bgr8', 4, 5)
    data = kind(image.tobytes())
    read = view_bgr(data, height=4, width=5, encoding='bgr8', step=15)
    assert np.array_equal(read, image)
    assert np.shares_memory(read, np.frombuffer(data, np.uint8))
    assert not read.flags.writeable


@pytest.mark.parametrize('encoding', ENCODINGS)
def test_data_that_is_too_short_is_refused_with_both_numbers(encoding):
    step = 10 * CHANNELS[encoding]
    with pytest.raises(ShortData, match=f'{4 * step - 1} bytes.* take {4 * step}'):
        view_bgr(bytes(4 * step - 1), height=4, width=10, encoding=encoding, step=step)


def test_a_step_shorter_than_a_row_is_refused():
    with pytest.raises(BadStep, match=r'29 bytes apart.* take 30 bytes'):
        view_bgr(bytes(400), height=4, width=10, encoding='bgr8', step=29)


@pytest.mark.parametrize('encoding', ['bayer_rggb8', '16UC1', '', 'yuv422'])
def test_another_encoding_is_left_to_others(encoding):
    with pytest.raises(UnsupportedEncoding, match='expected one of bgr8') as refusal:
        view_bgr(bytes(400), height=4, width=10, encoding=encoding, step=40)
    assert refusal.value.cause == 'encoding'


def smooth() -> np.ndarray:
    small = np.random.default_rng(2).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return cv2.resize(small, (160, 120), interpolation=cv2.INTER_CUBIC)


def encoded(suffix: str) -> bytes:
    return cv2.imencode(suffix, smooth())[1].tobytes()


def with_thumbnail(jpeg: bytes) -> bytes:
    """Put a whole JPEG, with its own end marker, into a segment as cameras do."""
    thumbnail = cv2.imencode('.jpg', cv2.resize(smooth(), (40, 30)))[1].tobytes()
    segment = b'Exif\0\0' + thumbnail
    return jpeg[:2] + b'\xff\xe1' + (len(segment) + 2).to_bytes(2, 'big') + segment + jpeg[2:]


@pytest.mark.parametrize('data', [b'', b'\xff', b'hello, this is text', bytes(1000)])
def test_what_is_no_image_is_refused(data):
    with pytest.raises(BadJpeg, match='expected a JPEG or a PNG'):
        decode_jpeg(data)


@pytest.mark.parametrize('suffix', ['.jpg', '.png'])
def test_a_compressed_image_is_decoded(suffix):
    image = decode_jpeg(array('B', encoded(suffix)))
    assert image.shape == (120, 160, 3)
    assert np.abs(image.astype(int) - smooth()).mean() < 4


@pytest.mark.parametrize('suffix', ['.jpg', '.png'])
@pytest.mark.parametrize('part', [0.05, 0.5, 0.9, 0.999])
def test_an_image_cut_short_is_refused(suffix, part):
    whole = encoded(suffix)
    with pytest.raises(BadJpeg, match='cut short'):
        decode_jpeg(whole[: int(len(whole) * part)])


def test_the_end_of_a_thumbnail_is_not_the_end_of_the_image():
    whole = with_thumbnail(encoded('.jpg'))
    assert decode_jpeg(whole).shape == (120, 160, 3)
    with pytest.raises(BadJpeg, match='cut short'):
        decode_jpeg(whole[:-200])


def test_padding_after_the_end_is_allowed():
    assert decode_jpeg(encoded('.jpg') + bytes(64)).shape == (120, 160, 3)


def test_a_jpeg_of_markers_only_is_refused():
    with pytest.raises(BadJpeg):
        decode_jpeg(b'\xff\xd8\xff\xda\x00\x02\xff\xd9')


@pytest.mark.parametrize('reduce', [2, 4, 8])
def test_a_jpeg_is_decoded_at_part_of_its_size(reduce):
    image = decode_jpeg(encoded('.jpg'), reduce=reduce)
    assert image.shape == (120 // reduce, 160 // reduce, 3)


def test_another_reduction_is_refused():
    with pytest.raises(BadJpeg, match='reduce is 3'):
        decode_jpeg(encoded('.jpg'), reduce=3)
