# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from sensor_msgs.msg import CompressedImage

from roof_detector.ros.detector.camera_frame import decode
from roof_detector.vision.errors import UnsupportedEncoding


def test_a_message_in_webp_is_decoded_live():
    file = BytesIO()
    Image.new('RGB', (32, 24), (200, 100, 50)).save(file, 'WEBP', lossless=True)
    image = decode(CompressedImage(format='webp', data=file.getvalue()))
    assert image.source_wh == (32, 24)
    assert np.array_equal(image.image_bgr[0, 0], (50, 100, 200))


def test_a_message_with_depths_is_refused_by_its_name():
    message = CompressedImage(format='16UC1; compressedDepth', data=bytes(40))
    with pytest.raises(UnsupportedEncoding, match='is a depth image'):
        decode(message)
