# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Messages of any type with anything in any field, as a stranger or a broken driver sends them."""

from __future__ import annotations

import array
import importlib
import math
import re
import struct
from functools import cache

from rclpy.serialization import serialize_message

from roof_detector.ros.common.messages import byte_array

_INTEGERS = {f'{sign}int{bits}': (sign, bits) for sign in ('', 'u') for bits in (8, 16, 32, 64)}
_INTEGERS |= {'octet': ('u', 8), 'byte': ('u', 8), 'char': ('u', 8)}
_FLOATS = ('float', 'double', 'float32', 'float64')
_ODD_FLOATS = (0.0, -0.0, 1.0, -1.0, math.nan, math.inf, -math.inf, 1e-308, 1e30, -1e30)
_ODD_TEXTS = (
    '',
    'bgr8',
    'rgb8',
    'mono8',
    'bayer_rggb8',
    'nv12',
    'yuv422',
    'mono16',
    '16UC1',
    '32FC1',
    '8UC200',
    '64FC4',
    'jpeg',
    'png; compressed',
    'rust',
    '/' * 300,
    'x' * 5000,
    '\u202e\u0000\n\x1b[31m',
    '../../etc/passwd',
    '<script>alert(1)</script>',
    '\U0001f3e0 屋顶',
)
_MOST_ELEMENTS = 4
_MOST_BYTES = 4096


def any_message(kind, random):
    """Return a message of a class with extreme, senseless or ordinary values in every field."""
    message = kind()
    for name, type_name in kind.get_fields_and_field_types().items():
        if random.random() < 0.85:  # else the default, so that deep fields are reached at all
            setattr(message, name, _value(type_name, random))
    return message


def any_bytes(kind, random):
    """Return a serialised message, sound or with bytes that are cut off, changed or added."""
    data = bytearray(serialize_message(any_message(kind, random)))
    fault = random.randrange(5)
    if fault == 1:
        del data[random.randrange(len(data) + 1) :]
    elif fault == 2 and data:
        for _ in range(random.randrange(1, 9)):
            data[random.randrange(len(data))] = random.randrange(256)
    elif fault == 3 and len(data) >= 8:
        place = random.randrange(4, len(data) - 3)
        data[place : place + 4] = random.choice(
            [struct.pack('<I', n) for n in (0, 1, 2**31 - 1, 2**31, 2**32 - 1)]
        )
    elif fault == 4:
        data += random.randbytes(random.randrange(1, 64))
    return bytes(data)


def any_image(random, *, width=32, height=24):
    """Return an Image whose size, step, encoding and data may contradict each other."""
    from sensor_msgs.msg import Image

    message = any_message(Image, random)
    if random.random() < 0.7:
        message.encoding = random.choice(_ODD_TEXTS[:12])
    if random.random() < 0.7:
        message.width = random.choice((0, 1, 2, width, 70_000, 2**31, 2**32 - 1))
        message.height = random.choice((0, 1, 3, height, 70_000, 2**31, 2**32 - 1))
        message.step = random.choice((0, 1, message.width, width * 3, width * 8, 2**32 - 1))
    if random.random() < 0.7:
        size = random.choice((0, 1, width * height, width * height * 3, width * height * 16))
        message.data = byte_array(random.randbytes(size))
    return message


def any_compressed_image(random, jpegs):
    """Return a CompressedImage of a JPEG or PNG with a wrong header, cut off or not one at all."""
    from sensor_msgs.msg import CompressedImage

    message = any_message(CompressedImage, random)
    data = bytearray(random.choice(jpegs))
    fault = random.randrange(6)
    if fault == 1:
        del data[random.randrange(len(data)) :]
    elif fault == 2:
        for _ in range(random.randrange(1, 30)):
            data[random.randrange(len(data))] = random.randrange(256)
    elif fault == 3:
        data = bytearray(with_jpeg_size(bytes(data), random.choice(_JPEG_SIZES)))
    elif fault == 4:
        data = bytearray(random.randbytes(random.randrange(200)))
    elif fault == 5:
        return message
    message.data = byte_array(bytes(data))
    return message


_JPEG_SIZES = ((0, 0), (1, 65535), (65535, 1), (65535, 65535), (30000, 30000), (9000, 9000))


def with_jpeg_size(jpeg, size_wh):
    """Return a JPEG whose header claims another size."""
    for marker in (b'\xff\xc0', b'\xff\xc2'):
        place = jpeg.find(marker)
        if place >= 0:
            size = struct.pack('>HH', size_wh[1], size_wh[0])
            return jpeg[: place + 5] + size + jpeg[place + 9 :]
    return jpeg


def _value(type_name, random):
    bounded = re.fullmatch(r'sequence<(.+?)(?:, (\d+))?>', type_name)
    if bounded:
        most = min(int(bounded[2] or _MOST_ELEMENTS), _MOST_ELEMENTS)
        return _elements(bounded[1], random, count=None, most=most)
    fixed = re.fullmatch(r'(.+)\[(\d+)\]', type_name)
    if fixed:
        return _elements(fixed[1], random, count=int(fixed[2]), most=0)
    return _single(type_name, random)


def _elements(element, random, *, count, most):
    if element in ('uint8', 'octet', 'byte', 'char') and count is None:
        size = random.choice((0, 1, random.randrange(_MOST_BYTES)))
        data = array.array('B')
        data.frombytes(random.randbytes(size))
        return data if element == 'uint8' else [bytes([one]) for one in data]
    number = random.randrange(most + 1) if count is None else count
    return [_single(element, random) for _ in range(number)]


def _single(type_name, random):
    if type_name in ('octet', 'byte'):
        return bytes([random.randrange(256)])
    if type_name in _INTEGERS:
        sign, bits = _INTEGERS[type_name]
        low, high = (0, 2**bits - 1) if sign else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
        odd = [low, low + 1, high, high - 1, 0, 1, 77]
        return random.choice([*(n for n in odd if low <= n <= high), random.randint(low, high)])
    if type_name in _FLOATS:
        value = random.choice((*_ODD_FLOATS, random.uniform(-1000, 1000)))
        single = type_name in ('float', 'float32')
        return struct.unpack('f', struct.pack('f', value))[0] if single else value
    if type_name in ('boolean', 'bool'):
        return random.random() < 0.5
    if type_name.startswith(('string', 'wstring')):
        return random.choice(_ODD_TEXTS).replace('\0', ' ')
    return any_message(_class_of(type_name), random)


@cache
def _class_of(type_name):
    package, name = type_name.split('/')
    return getattr(importlib.import_module(f'{package}.msg'), name)
