# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Bounded decompression: limits on how much data a bag's compressed parts may expand to."""

from __future__ import annotations

import bz2
import shutil
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import lz4.frame

from roof_detector.bags.errors import BagError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

__all__ = (
    'DISK_RESERVE_BYTES',
    'LZ4_MAGIC',
    'MOST_CHUNK_BYTES',
    'MOST_MESSAGE_BYTES',
    'ZSTD_MAGIC',
    'Unpacked',
    'message_content',
    'unpack',
    'unpack_file',
    'zstd',
)

if TYPE_CHECKING:
    from pathlib import Path

    Buffer = bytes | bytearray | memoryview

# The largest message that is read: ten raw images of 8 megapixels, or one of 80.
MOST_MESSAGE_BYTES = 256 << 20
# The largest chunk that is read. Writers close a chunk at 1 to 4 MiB, or after its first message.
MOST_CHUNK_BYTES = 320 << 20
# A chunk or message may always expand to this size: a raw image of one colour shrinks by 10,000.
RATIO_FREE_BYTES = 64 << 20
# Above that size, the highest ratio of decompressed to compressed bytes.
MOST_RATIO = 1000
# The same limits for a file that was compressed as a whole; it goes to the disk, not to memory.
FILE_RATIO_FREE_BYTES = 1 << 30
FILE_MOST_RATIO = 200
# Decompressing a file leaves at least this much of the disk free.
DISK_RESERVE_BYTES = 512 << 20

ZSTD_MAGIC = b'\x28\xb5\x2f\xfd'
LZ4_MAGIC = b'\x04\x22\x4d\x18'
_PIECE_BYTES = 1 << 10
_FILE_PIECE_BYTES = 1 << 18


class _Decompressor(Protocol):
    """The interface of the standard library's decompressors that is used here."""

    eof: bool
    needs_input: bool
    unused_data: bytes

    def decompress(self, data: Buffer, max_length: int = -1) -> bytes:
        """Return decompressed data, at most `max_length` bytes."""


_DECOMPRESSORS = {
    'bz2': bz2.BZ2Decompressor,
    'lz4': lz4.frame.LZ4FrameDecompressor,
    'zstd': zstd.ZstdDecompressor,
}
_FAILURES = (zstd.ZstdError, RuntimeError, ValueError, EOFError, MemoryError, OSError)


@dataclass(frozen=True)
class Unpacked:
    """The result of a decompression: all of the content, or the part before `problem`."""

    content: bytes
    problem: str = ''
    used_bytes: int = 0


def most_unpacked(packed_bytes: int, *, most_bytes: int) -> int:
    """Return the largest size that compressed data may expand to."""
    return min(most_bytes, max(RATIO_FREE_BYTES, MOST_RATIO * packed_bytes))


def unpack(
    data: Buffer, compression: str, *, most_bytes: int, first_frame: bool = False
) -> Unpacked:
    """Decompress bytes ('', 'bz2', 'lz4' or 'zstd') as far as they are intact and within limits.

    With `first_frame`, data after the first frame is ignored.
    """
    size = memoryview(data).nbytes
    if not compression:
        if size > most_bytes:
            return Unpacked(b'', _too_large(size, most_bytes))
        return Unpacked(bytes(data), used_bytes=size)
    if compression not in _DECOMPRESSORS:
        return Unpacked(b'', f'its compression {compression[:20]!r} is unknown')
    most = most_unpacked(size, most_bytes=most_bytes)
    try:
        whole = _unpack_whole(data, compression, most, first_frame=first_frame)
    except _FAILURES:
        whole = None
    return whole or _unpack_pieces(data, compression, most, first_frame=first_frame)


def message_content(data: bytes) -> bytes:
    """Return the content of a message that was compressed by itself; raise BagError."""
    unpacked = unpack(data, 'zstd', most_bytes=MOST_MESSAGE_BYTES)
    if unpacked.problem:
        msg = f'A compressed message cannot be read: {unpacked.problem}.'
        raise BagError(msg)
    return unpacked.content


def unpack_file(packed: Path, target: Path) -> str:
    """Decompress a whole file (zstd) as far as it goes; return what stopped it, or ''.

    Raises BagError if the file expands to more than a recording can hold, and before the disk is
    full.
    """
    size = packed.stat().st_size
    most = max(FILE_RATIO_FREE_BYTES, FILE_MOST_RATIO * size)
    free = shutil.disk_usage(target.parent).free - DISK_RESERVE_BYTES
    written = 0
    with packed.open('rb') as source, target.open('xb') as sink:
        stream = _Stream('zstd')
        while data := source.read(_FILE_PIECE_BYTES):
            while data or not stream.needs_input:
                try:
                    content = stream.feed(data, max_length=_FILE_PIECE_BYTES)
                except _FAILURES as error:
                    return f'its compressed data is damaged ({error})'
                data = b''
                written += len(content)
                if written > most:
                    msg = (
                        f'{packed} is not decompressed: its {size} bytes expand to more than '
                        f'{most}, and a recording shrinks at most {FILE_MOST_RATIO} times.'
                    )
                    raise BagError(msg)
                if written > free:
                    msg = (
                        f'{packed} is not decompressed: less than {DISK_RESERVE_BYTES >> 20} MiB '
                        f'of {target.parent} would be left free. Set TMPDIR to a larger disk.'
                    )
                    raise BagError(msg)
                sink.write(content)
        return '' if stream.is_at_end else 'its compressed data ends too early'


class _Stream:
    """A stream of compressed frames that is fed in pieces."""

    def __init__(self, compression: str) -> None:
        self._make = _DECOMPRESSORS[compression]
        self._frame: _Decompressor = self._make()
        self._begun = False
        self.unused = b''

    @property
    def needs_input(self) -> bool:
        return not self.unused and (self._frame.eof or self._frame.needs_input)

    @property
    def is_frame_end(self) -> bool:
        return self._begun and self._frame.eof

    @property
    def is_at_end(self) -> bool:
        return self._begun and self._frame.eof and not self.unused

    def feed(self, data: Buffer, *, max_length: int) -> bytes:
        """Return content of more bytes, at most `max_length`; call again while no input is needed.

        Raises one of `_FAILURES` if the data is damaged.
        """
        if self._frame.eof:
            data = self.unused + bytes(data)
            self.unused = b''
            if not data:
                return b''
            self._frame = self._make()
        self._begun = True
        content = self._frame.decompress(data, max_length)
        if self._frame.eof:
            self.unused = self._frame.unused_data or b''
        return content


def _unpack_whole(
    data: Buffer, compression: str, most: int, *, first_frame: bool
) -> Unpacked | None:
    """Return the content of one whole frame at once, None if the data is not that."""
    frame: _Decompressor = _DECOMPRESSORS[compression]()
    content = frame.decompress(data, most + 1)
    if len(content) > most:
        return Unpacked(b'', _too_large(len(content), most))
    unused = len(frame.unused_data or b'')
    if not frame.eof or (unused and not first_frame):
        return None
    return Unpacked(content, used_bytes=memoryview(data).nbytes - unused)


def _unpack_pieces(data: Buffer, compression: str, most: int, *, first_frame: bool) -> Unpacked:
    """Return the content before the damage, the end or the limit."""
    view, stream = memoryview(data).cast('B'), _Stream(compression)
    found: list[bytes] = []
    size = used = 0
    problem = ''
    while used < len(view) and not problem:
        piece = view[used : used + _PIECE_BYTES]
        used += len(piece)
        try:
            while len(piece) or not stream.needs_input:
                content = stream.feed(piece, max_length=most + 1 - size)
                piece = view[:0]
                found.append(content)
                size += len(content)
                if first_frame and stream.is_frame_end:
                    return Unpacked(b''.join(found), '', used - len(stream.unused))
                if size > most:
                    return Unpacked(b'', _too_large(size, most), used)
        except _FAILURES as error:
            problem = f'its compressed data is damaged ({error})'
    if not problem and not stream.is_at_end:
        problem = 'its compressed data ends too early'
    return Unpacked(b''.join(found), problem, used - len(stream.unused))


def _too_large(size: int, most: int) -> str:
    return (
        f'it holds {size if size <= most else f"more than {most}"} bytes, and so much is not '
        f'read at once (at most {MOST_CHUNK_BYTES >> 20} MiB a chunk, {MOST_MESSAGE_BYTES >> 20} '
        f'MiB a message, and above {RATIO_FREE_BYTES >> 20} MiB at most {MOST_RATIO} times what '
        'the file holds of it)'
    )
