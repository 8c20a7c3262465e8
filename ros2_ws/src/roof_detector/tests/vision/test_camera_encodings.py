# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
import cv2
import numpy as np
import pytest

from roof_detector.vision.camera_encodings import CAMERA_ENCODINGS, convert_to_bgr
from roof_detector.vision.errors import BadStep, ShortData, UnsupportedEncoding, ZeroSize

BYTES_PER_PIXEL = {'8UC3': 3, '8UC4': 4, 'bgr16': 6, 'rgb16': 6, 'bgra16': 8, 'rgba16': 8}
BYTES_PER_PIXEL |= dict.fromkeys(('mono16', '16UC1', 'uyvy', 'yuv422', 'yuyv'), 2)
BYTES_PER_PIXEL |= {name: 2 for name in CAMERA_ENCODINGS if name.startswith('bayer')} | {
    'yuv422_yuy2': 2
}
BYTES_PER_PIXEL |= {name: 1 for name in CAMERA_ENCODINGS if name.endswith('8')}
BYTES_PER_PIXEL |= {'8UC1': 1, 'nv12': 1, 'nv21': 1}


@pytest.mark.parametrize('encoding', CAMERA_ENCODINGS)
def test_a_grey_image_stays_grey_in_every_encoding_and_padding(encoding):
    height, width, padding = 6, 8, 5
    row = np.full(width * BYTES_PER_PIXEL[encoding], 128, np.uint8)
    rows = height * 3 // 2 if encoding.startswith('nv') else height
    data = np.tile(np.concatenate([row, np.zeros(padding, np.uint8)]), rows)
    image = convert_to_bgr(
        data, height=height, width=width, encoding=encoding, step=len(row) + padding
    )
    assert image.shape == (height, width, 3)
    assert image.dtype == np.uint8
    # YUV of video range spreads 16..235 over 0..255: 128 becomes 130.
    assert np.abs(image.astype(int) - 128).max() <= 3


@pytest.mark.parametrize(
    ('name', 'top_left'), [('rggb', 2), ('bggr', 0), ('gbrg', 1), ('grbg', 1)]
)
def test_a_bayer_pattern_is_named_by_its_first_row(name, top_left):
    mosaic = np.zeros((8, 8), np.uint8)
    channel = {'r': 2, 'g': 1, 'b': 0}
    for row in range(2):
        for column in range(2):
            if channel[name[2 * row + column]] == 2:
                mosaic[row::2, column::2] = 200  # a red image
    assert channel[name[0]] == top_left
    image = convert_to_bgr(mosaic, height=8, width=8, encoding=f'bayer_{name}8', step=8)
    assert image[2:6, 2:6].reshape(-1, 3).tolist() == [[0, 0, 200]] * 16


def test_byte_order_of_16_bit_images_is_honoured():
    values = np.array([[0, 32896], [65535, 257]], '>u2')
    image = convert_to_bgr(
        values.tobytes(), height=2, width=2, encoding='mono16', step=4, big_endian=True
    )
    assert image[..., 0].tolist() == [[0, 128], [255, 1]]


def test_yuyv_and_uyvy_show_the_same_image():
    colour = np.zeros((4, 4, 3), np.uint8)
    colour[:] = (30, 60, 200)
    y, u, v = cv2.cvtColor(colour, cv2.COLOR_BGR2YUV)[0, 0]
    luma = 16 + int(y) * 219 / 255
    yuyv = np.tile(np.array([luma, u, luma, v], np.uint8), 8)
    uyvy = np.tile(np.array([u, luma, v, luma], np.uint8), 8)
    first = convert_to_bgr(yuyv, height=4, width=4, encoding='yuyv', step=8)
    second = convert_to_bgr(uyvy, height=4, width=4, encoding='uyvy', step=8)
    assert (first == second).all()
    assert first[0, 0].argmax() == 2


@pytest.mark.parametrize(
    ('arguments', 'error', 'words'),
    [
        ({'height': 0}, ZeroSize, '4x0'),
        ({'encoding': 'jpeg2'}, UnsupportedEncoding, "'jpeg2'"),
        ({'step': 7}, BadStep, '8 bytes'),
        ({'height': 9}, ShortData, '64 bytes'),
        ({'encoding': 'nv12', 'height': 3, 'step': 4}, UnsupportedEncoding, 'even'),
    ],
    ids=['no rows', 'unknown', 'step too short', 'data too short', 'odd height'],
)
def test_a_malformed_image_is_refused_with_its_values(arguments, error, words):
    image = {'height': 8, 'width': 4, 'encoding': 'mono16', 'step': 8} | arguments
    with pytest.raises(error, match=words):
        convert_to_bgr(bytes(64), **image)
