# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The models that can be selected on the page: shipped and uploaded ones."""

from __future__ import annotations

import asyncio
import filecmp
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from roof_detector.inference.shipped_weights import shipped_models
from roof_detector.station.disk_budget import DiskBudget
from roof_detector.station.errors import StationError
from roof_detector.station.jobs.command_process import CommandProcess, reason_of
from roof_detector.station.jobs.job_queue import is_id, new_id
from roof_detector.station.uploads import free_path, receive, safe_stem

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from roof_detector.station.folders import StationFolders

# Packages and graphs are data. A .pt is imported by a sandboxed process and stored as a package;
# all other formats are programs or folders.
_SUFFIXES = ('.zip', '.pt', '.onnx')
_LOG = 'log.txt'
# Loading takes a few seconds, on a slow computer with a large model a minute.
_CHECKED_WITHIN_S = 120.0
_CHECKS_AT_A_TIME = 2


@dataclass(frozen=True)
class UploadedModel:
    """An uploaded model after its check."""

    path: Path
    task: str
    classes: tuple[str, ...]


class ModelStore:
    """The shipped and uploaded models; the parameter `model` accepts their names and paths."""

    def __init__(
        self, folders: StationFolders, *, limit_bytes: int, disk: DiskBudget | None = None
    ) -> None:
        self._folder = folders.models
        self._disk = disk or DiskBudget(folders.root)
        self._incoming = folders.models / 'incoming'
        self._limit_bytes = limit_bytes
        self._checks = 0
        for folder in self._incoming.glob('*'):
            if is_id(folder.name):
                shutil.rmtree(folder, ignore_errors=True)

    @property
    def choices(self) -> dict[str, str]:
        """Return the model names for the page, by the values of the parameter `model`."""
        uploaded = sorted(path for path in self._folder.iterdir() if path.suffix in _SUFFIXES)
        return {name: name for name in shipped_models()} | {
            str(path): path.name for path in uploaded
        }

    def check(self, model: str) -> str:
        """Return a model that can be selected; raise StationError for any other."""
        if model not in self.choices:
            msg = f'There is no model {model!r}, only {", ".join(self.choices.values())}.'
            raise StationError(msg)
        return model

    async def add(
        self, name: str, blocks: AsyncIterator[bytes], *, size_bytes: int = 0
    ) -> UploadedModel:
        """Store an uploaded model after loading it in a sandboxed process.

        A check has a deadline, and only a few run at a time, so an upload does not wait for
        others. Raises StationError, and stores nothing, if the model does not load.
        """
        suffix = Path(name).suffix.lower()
        if suffix not in _SUFFIXES:
            msg = (
                f'{name} is refused: only {", ".join(_SUFFIXES[:-1])} and {_SUFFIXES[-1]} files '
                'are accepted, which can be read without running code in them.'
            )
            raise StationError(msg, status=415)
        self._disk.check(size_bytes)
        folder = self._incoming / new_id()
        folder.mkdir(parents=True)
        try:
            path = folder / f'{safe_stem(name)}{suffix}'
            await receive(blocks, path, name=name, limit_bytes=self._limit_bytes, disk=self._disk)
            await asyncio.to_thread(self._refuse_known, path, name)
            facts = await self._check(path, name)
            final = free_path(self._folder, path.stem, suffix)
            path.rename(final)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        return UploadedModel(path=final, task=facts['task'], classes=tuple(facts['classes']))

    async def _check(self, path: Path, name: str) -> dict[str, Any]:
        if self._checks >= _CHECKS_AT_A_TIME:
            msg = (
                f'{name} is refused: {self._checks} models are being checked. Upload it again '
                'in a minute.'
            )
            raise StationError(msg, status=503)
        self._checks += 1
        try:
            return await _load(path, name=name)
        finally:
            self._checks -= 1

    def _refuse_known(self, path: Path, name: str) -> None:
        for known in self._folder.glob(f'*{path.suffix}'):
            if (
                known.is_file()
                and not known.is_symlink()
                and filecmp.cmp(known, path, shallow=False)
            ):
                msg = f'{name} is already stored as {known.name}.'
                raise StationError(msg, status=409)


async def _load(path: Path, *, name: str) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    process = CommandProcess(['models', 'check', str(path)], log=path.with_name(_LOG))
    try:
        code = await asyncio.wait_for(process.run(facts.update), _CHECKED_WITHIN_S)
    except asyncio.TimeoutError:
        await process.stop(patience_s=0)
        msg = f'{name} is refused: it did not load within {_CHECKED_WITHIN_S:.0f} s.'
        raise StationError(msg, status=415) from None
    if code or not facts:
        reason = reason_of(code, process.last_line()).replace(str(path), name)
        raise StationError(reason, status=415)
    return facts
