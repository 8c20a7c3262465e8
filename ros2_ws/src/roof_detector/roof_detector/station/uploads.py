# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Uploaded files, each stored under a name that the station chooses."""

from __future__ import annotations

import asyncio
import re
import shutil
import unicodedata
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO

from roof_detector.station.disk_budget import DiskBudget
from roof_detector.station.errors import StationError
from roof_detector.station.jobs.job import JOB_FILE
from roof_detector.station.jobs.job_queue import is_id, new_id
from roof_detector.station.upload_content import HEAD_BYTES, Content, Kind, recognise

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from roof_detector.station.folders import StationFolders

IMAGES = 'images'  # the folder of an upload's images
# A page that is closed during an upload leaves it open.
_MOST_OPEN = 16
_MOST_FILES = 5000
_BLOCK_BYTES = 1 << 20
_LONGEST_STEM = 60


@dataclass
class Upload:
    """The images, or the one video, of a job; `kind` is None until the first file."""

    folder: Path
    kind: Kind | None = None
    titles: list[str] = field(default_factory=list)

    @property
    def source(self) -> Path:
        """Return the input of the job: the folder of images, or the video."""
        if self.kind == 'image':
            return self.folder / IMAGES
        return next(path for path in self.folder.iterdir() if path.is_file())

    @property
    def title(self) -> str:
        """Return the name of the first file and the number of further ones."""
        more = len(self.titles) - 1
        return self.titles[0] + (f' + {more}' if more else '')


class Uploads:
    """The open uploads, each in a folder with a name that the station chooses."""

    def __init__(
        self, folders: StationFolders, *, limit_bytes: int, disk: DiskBudget | None = None
    ) -> None:
        self._root = folders.uploads
        self._limit_bytes = limit_bytes
        self._disk = disk or DiskBudget(folders.root)
        self._open: dict[str, Upload] = {}
        for folder in self._root.iterdir():
            # Delete uploads that were incomplete when the station ended, but no folder whose name
            # the station did not choose.
            if is_id(folder.name) and not (folders.results / folder.name / JOB_FILE).exists():
                shutil.rmtree(folder, ignore_errors=True)

    def begin(self) -> str:
        """Open an upload and return its id; drop the oldest if too many are open."""
        while len(self._open) >= _MOST_OPEN:
            self.drop(next(iter(self._open)))
        upload_id = new_id()
        (self._root / upload_id).mkdir()
        self._open[upload_id] = Upload(self._root / upload_id)
        return upload_id

    def drop(self, upload_id: str) -> None:
        """Close an upload and delete its files."""
        shutil.rmtree(self._upload(upload_id).folder, ignore_errors=True)
        del self._open[upload_id]

    def finish(self, upload_id: str) -> Upload:
        """Close an upload and return it; raise StationError if it has no file."""
        upload = self._upload(upload_id)
        if not upload.titles:
            self.drop(upload_id)
            msg = 'None of the files was accepted, so there is nothing to process.'
            raise StationError(msg)
        return self._open.pop(upload_id)

    async def add(
        self, upload_id: str, name: str, blocks: AsyncIterator[bytes], *, size_bytes: int = 0
    ) -> None:
        """Store a file; raise StationError, and store nothing, if it is refused.

        `size_bytes` is the announced size; a file without room on the disk is refused at once.
        """
        upload = self._upload(upload_id)
        self._disk.check(size_bytes)
        if len(upload.titles) >= _MOST_FILES:
            msg = f'{name} is one file too many; an upload may have {_MOST_FILES}.'
            raise StationError(msg)
        part = upload.folder / f'{new_id()}.part'
        try:
            head = await receive(
                blocks, part, name=name, limit_bytes=self._limit_bytes, disk=self._disk
            )
            content = recognise(head, name=name)
            path = self._path_for(upload, content, name)
            part.rename(path)
        finally:
            part.unlink(missing_ok=True)
        upload.kind = content.kind
        upload.titles.append(name)

    def _upload(self, upload_id: str) -> Upload:
        if upload_id not in self._open:
            msg = 'This upload is no longer open; start it again.'
            raise StationError(msg, status=404)
        return self._open[upload_id]

    @staticmethod
    def _path_for(upload: Upload, content: Content, name: str) -> Path:
        if upload.kind and (upload.kind != content.kind or content.kind == 'video'):
            msg = f'{name} is left out: a job has images, or one video.'
            raise StationError(msg)
        folder = upload.folder / IMAGES if content.kind == 'image' else upload.folder
        folder.mkdir(exist_ok=True)
        return free_path(folder, safe_stem(name), content.suffix)


async def receive(
    blocks: AsyncIterator[bytes], path: Path, *, name: str, limit_bytes: int, disk: DiskBudget
) -> bytes:
    """Write a stream to a file; return its first bytes; raise StationError past the limit."""
    size_bytes, head, waiting = 0, b'', bytearray()
    with path.open('xb') as file:
        async for block in blocks:
            size_bytes += len(block)
            if size_bytes > limit_bytes:
                msg = (
                    f'{name} is larger than the {limit_bytes / 1e6:.0f} MB that upload_limit_mb '
                    'allows.'
                )
                raise StationError(msg, status=413)
            head += block[: HEAD_BYTES - len(head)]
            waiting += block
            if len(waiting) >= _BLOCK_BYTES:
                await asyncio.to_thread(_write, file, bytes(waiting), disk)
                waiting.clear()
        await asyncio.to_thread(_write, file, bytes(waiting), disk)
    return head


def _write(file: BinaryIO, data: bytes, disk: DiskBudget) -> None:
    disk.check(len(data))
    file.write(data)


def safe_stem(name: str) -> str:
    """Return a file name without suffix, reduced to letters, digits, - and _."""
    stem = unicodedata.normalize('NFC', name.replace('\\', '/').rpartition('/')[2])
    stem = stem.rpartition('.')[0] or stem
    return re.sub(r'[^\w-]+', '_', stem).strip('_-')[:_LONGEST_STEM] or 'file'


def free_path(folder: Path, stem: str, suffix: str) -> Path:
    """Return an unused path in a folder, numbered if necessary."""
    path, number = folder / f'{stem}{suffix}', 1
    while path.exists():
        number += 1
        path = folder / f'{stem}_{number}{suffix}'
    return path
