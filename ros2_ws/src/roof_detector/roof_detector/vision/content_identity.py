# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The identity of a file or message by its content, whatever its name."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_BLOCK_BYTES = 1 << 20


@dataclass(frozen=True)
class ContentIdentity:
    """The length and the SHA-256 of some content, as 64 hexadecimal digits."""

    size_bytes: int
    sha256: str

    @classmethod
    def of(cls, data: bytes | bytearray | memoryview) -> ContentIdentity:
        """Return the identity of bytes in memory."""
        return cls(memoryview(data).nbytes, hashlib.sha256(data).hexdigest())

    @classmethod
    def of_file(cls, path: Path) -> ContentIdentity:
        """Return the identity of a file, which is read once, block by block; raise OSError."""
        digest, size_bytes = hashlib.sha256(), 0
        block = memoryview(bytearray(_BLOCK_BYTES))
        with path.open('rb', buffering=0) as file:
            while length := file.readinto(block):
                digest.update(block[:length])
                size_bytes += length
        return cls(size_bytes, digest.hexdigest())
