# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Reads and replaces the header at the beginning of a serialised message.

CDR puts four bytes of encapsulation first; the lowest bit of the second one is the byte order.
In a message whose first field is a std_msgs/Header, seconds (int32), nanoseconds (uint32) and the
frame's name (length uint32, bytes, a zero) follow: OMG DDSI-RTPS 2.5, section 10.
"""

from __future__ import annotations

import struct

from roof_detector.bags.stamp_fields import stamp_fields
from roof_detector.inputs.errors import InputError

_START, _END = 4, 12
_TOO_SHORT = 'A recorded message of {} bytes is too short to begin with a header.'


def stamp_ns(data: bytes) -> int:
    """Return the stamp of a serialised message that begins with a header."""
    seconds, nanoseconds = struct.unpack_from(_layout(data), data, _START)
    return int(seconds) * 1_000_000_000 + int(nanoseconds)


def frame_id(data: bytes) -> str:
    """Return the frame of a serialised message that begins with a header."""
    order = _layout(data)[0]
    if len(data) < _END + 4:
        raise InputError(_TOO_SHORT.format(len(data)))
    (length,) = struct.unpack_from(f'{order}I', data, _END)
    text = data[_END + 4 : _END + 4 + length]
    return bytes(text).rstrip(b'\0').decode('utf-8', errors='replace')


def with_stamp_ns(data: bytes, stamp_ns: int) -> bytes:
    """Return the same message with another stamp."""
    stamp = struct.pack(_layout(data), *stamp_fields(stamp_ns))
    return b''.join((memoryview(data)[:_START], stamp, memoryview(data)[_END:]))


def _layout(data: bytes) -> str:
    if len(data) < _END:
        raise InputError(_TOO_SHORT.format(len(data)))
    return '<iI' if data[1] & 1 else '>iI'
