# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Files that a page sends: each written as it comes, under a name of the station's own."""

from __future__ import annotations

import asyncio
import re
import shutil
import unicodedata
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from roof_detector.station.disk_budget import DiskBudget
from roof_detector.station.errors import StationError
from roof_detector.station.folders import StationFolders
from roof_detector.station.jobs.job import JOB_FILE
from roof_detector.station.jobs.job_queue import is_id, new_id
from roof_detector.station.upload_content import HEAD_BYTES, Content, recognise

PICTURES = 'pictures'  # the folder of an upload's pictures
# Pages that went away in the middle leave uploads behind; so many may be open at a time.
_MOST_OPEN = 16
_MOST_FILES = 5000
_BLOCK_BYTES = 1 << 20
_LONGEST_STEM = 60


@dataclass
class Upload:
    """Collect the pictures, or the one video, of a job; `kind` is '' until the first came."""

    folder: Path
    kind: str = ''
    titles: list[str] = field(default_factory=list)

    @property
    def source(self) -> Path:
        """Return what is to be looked at: the folder of pictures, or the video."""
        if self.kind == 'picture':
            return self.folder / PICTURES
        return next(path for path in self.folder.iterdir() if path.is_file())

    @property
    def title(self) -> str:
        """Return what people call it: the first file's own name, and how many follow."""
        more = len(self.titles) - 1
        return self.titles[0] + (f' + {more}' if more else '')


class Uploads:
    """Take uploads in; each lies in a folder of its own, named by the station."""

    def __init__(
        self, folders: StationFolders, *, limit_bytes: int, disk: DiskBudget | None = None
    ) -> None:
        self._root = folders.uploads
        self._limit_bytes = limit_bytes
        self._disk = disk or DiskBudget(folders.root)
        self._open: dict[str, Upload] = {}
        for folder in self._root.iterdir():
            # Nobody knows any more what was half sent when the station ended. What the station
            # did not name is not its own.
            if is_id(folder.name) and not (folders.results / folder.name / JOB_FILE).exists():
                shutil.rmtree(folder, ignore_errors=True)

    def begin(self) -> str:
        """Open an upload and return its name; the oldest is given up where too many are open."""
        while len(self._open) >= _MOST_OPEN:
            self.give_up(next(iter(self._open)))
        upload_id = new_id()
        (self._root / upload_id).mkdir()
        self._open[upload_id] = Upload(self._root / upload_id)
        return upload_id

    def give_up(self, upload_id: str) -> None:
        """Forget an upload and delete what came of it."""
        shutil.rmtree(self._upload(upload_id).folder, ignore_errors=True)
        del self._open[upload_id]

    def finish(self, upload_id: str) -> Upload:
        """Close an upload and return it; raise StationError where nothing was taken."""
        upload = self._upload(upload_id)
        if not upload.titles:
            self.give_up(upload_id)
            raise StationError('None of the files was taken, so there is nothing to look at.')
        return self._open.pop(upload_id)

    async def take(
        self, upload_id: str, name: str, blocks: AsyncIterator[bytes], *, size_bytes: int = 0
    ) -> None:
        """Write a file as it comes; raise StationError, and keep nothing, where it is refused.

        `size_bytes` is what was announced; what does not fit is refused before it is sent.
        """
        upload = self._upload(upload_id)
        self._disk.check(size_bytes)
        if len(upload.titles) >= _MOST_FILES:
            raise StationError(f'{name} is one file too many; {_MOST_FILES} are taken at a time.')
        part = upload.folder / f'{new_id()}.part'
        try:
            head = await receive(
                blocks, part, name=name, limit_bytes=self._limit_bytes, disk=self._disk
            )
            content = recognise(head, name=name)
            path = self._place(upload, content, name)
            part.rename(path)
        finally:
            part.unlink(missing_ok=True)
        upload.kind = content.kind
        upload.titles.append(name)

    def _upload(self, upload_id: str) -> Upload:
        if upload_id not in self._open:
            raise StationError('This upload is not open any more; begin anew.', status=404)
        return self._open[upload_id]

    @staticmethod
    def _place(upload: Upload, content: Content, name: str) -> Path:
        if upload.kind and (upload.kind != content.kind or content.kind == 'video'):
            raise StationError(f'{name} is left out: a job has pictures, or one video.')
        folder = upload.folder / PICTURES if content.kind == 'picture' else upload.folder
        folder.mkdir(exist_ok=True)
        return free_path(folder, safe_stem(name), content.suffix)


async def receive(
    blocks: AsyncIterator[bytes], path: Path, *, name: str, limit_bytes: int, disk: DiskBudget
) -> bytes:
    """Write a file as it comes and return how it begins; raise StationError past the limit."""
    size_bytes, head, waiting = 0, b'', bytearray()
    with path.open('xb') as file:
        async for block in blocks:
            size_bytes += len(block)
            if size_bytes > limit_bytes:
                raise StationError(
                    f'{name} is larger than the {limit_bytes / 1e6:.0f} MB that upload_limit_mb '
                    'allows.',
                    status=413,
                )
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
    """Return a name of letters, digits, - and _ that resembles a file's own, without suffix."""
    stem = unicodedata.normalize('NFC', name.replace('\\', '/').rpartition('/')[2])
    stem = stem.rpartition('.')[0] or stem
    return re.sub(r'[^\w-]+', '_', stem).strip('_-')[:_LONGEST_STEM] or 'file'


def free_path(folder: Path, stem: str, suffix: str) -> Path:
    """Return a path in a folder that nothing has yet, numbered where need be."""
    path, number = folder / f'{stem}{suffix}', 1
    while path.exists():
        number += 1
        path = folder / f'{stem}_{number}{suffix}'
    return path
