# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from roof_detector.inputs.compressed_image import decode_compressed
from roof_detector.vision.errors import BadJpeg, UnsupportedEncoding


def encoded(kind, **options):
    rows, columns = np.mgrid[:48, :64]
    rgb = np.stack([rows * 5, columns * 4, np.full_like(rows, 40)], axis=-1).astype(np.uint8)
    file = BytesIO()
    Image.fromarray(rgb).save(file, kind, **options)
    return rgb[..., ::-1], file.getvalue()


@pytest.mark.parametrize(
    ('kind', 'encoding', 'options'),
    [
        ('JPEG', 'bgr8; jpeg compressed bgr8', {'quality': 95}),
        ('PNG', 'bgr8; png compressed bgr8', {}),
        ('TIFF', 'bgr8; tiff compressed bgr8', {'compression': 'tiff_lzw'}),
        ('WEBP', 'webp', {'lossless': True}),
        ('AVIF', 'avif', {'quality': 90}),
        ('JPEG2000', '', {}),
        ('PNG', 'jpeg', {}),  # publishers fill `format` as they like
    ],
)
@pytest.mark.parametrize('needed_wh', [None, lambda _: (16, 12)], ids=['full', 'reduced'])
def test_whatever_a_publisher_compresses_with_is_read(kind, encoding, options, needed_wh):
    image_bgr, data = encoded(kind, **options)
    found, size_wh = decode_compressed(data, encoding, needed_wh=needed_wh)
    assert size_wh == (64, 48)
    if kind == 'JPEG' and needed_wh is not None:
        assert found.shape == (12, 16, 3)
        return
    assert np.abs(found.astype(int) - image_bgr).mean() < 4


@pytest.mark.parametrize('encoding', ['16UC1; compressedDepth png', '32FC1; compressedDepth rvl'])
def test_a_depth_image_is_refused_by_its_name(encoding):
    # A header of 12 bytes is in front of the PNG (compressed_depth_image_transport).
    data = bytes(12) + encoded('PNG')[1]
    with pytest.raises(UnsupportedEncoding, match=r'is a depth image .*compressedDepth'):
        decode_compressed(data, encoding)


@pytest.mark.parametrize(('encoding', 'name'), [('h264', 'h264'), ('video; HEVC', 'HEVC')])
def test_a_packet_of_video_is_refused_by_its_name(encoding, name):
    with pytest.raises(UnsupportedEncoding, match=f'is a packet of {name} video'):
        decode_compressed(b'\0\0\0\x01\x67', encoding)


def test_an_image_that_is_cut_short_is_refused_with_that_reason():
    data = encoded('WEBP')[1]
    with pytest.raises(BadJpeg, match='is cut short'):
        decode_compressed(data[:-40], 'webp')
