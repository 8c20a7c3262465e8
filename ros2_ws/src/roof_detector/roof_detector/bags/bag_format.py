# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The formats of a bag's files, and the compressions that are written."""

from __future__ import annotations

from typing import Literal, get_args

# rosbag2's names of the storage formats, and the files' suffixes.
Storage = Literal['mcap', 'sqlite3']
STORAGES: dict[Storage, str] = {'mcap': '.mcap', 'sqlite3': '.db3'}

# Of an MCAP file's chunks.
Compression = Literal['none', 'lz4', 'zstd']
COMPRESSIONS: tuple[Compression, ...] = get_args(Compression)
