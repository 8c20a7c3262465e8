# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The header at the beginning of a serialised message.

CDR puts four bytes of encapsulation first; the second one's lowest bit tells the byte order. A
message whose first field is a std_msgs/Header goes on with seconds (int32) and nanoseconds
(uint32): OMG DDSI-RTPS 2.5, section 10.
"""

from __future__ import annotations

import struct

from roof_detector.sources.errors import SourceError

_START, _END = 4, 12


def stamp_ns(data: bytes) -> int:
    """Return the stamp of a serialised message that begins with a header."""
    seconds, nanoseconds = struct.unpack_from(_layout(data), data, _START)
    return int(seconds) * 1_000_000_000 + int(nanoseconds)


def with_stamp_ns(data: bytes, stamp_ns: int) -> bytes:
    """Return the same message under another stamp."""
    stamp = struct.pack(_layout(data), *divmod(stamp_ns, 1_000_000_000))
    return b''.join((memoryview(data)[:_START], stamp, memoryview(data)[_END:]))


def _layout(data: bytes) -> str:
    if len(data) < _END:
        msg = f'A recorded message of {len(data)} bytes is too short to begin with a header.'
        raise SourceError(msg)
    return '<iI' if data[1] & 1 else '>iI'
