# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The cache of exports that were made and checked on this machine before take-off."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from roof_detector.inference.errors import BadModel
from roof_detector.inference.export.workplace import install, workplace
from roof_detector.inference.model_hash import hash_model
from roof_detector.inference.pass_cost import PassCost

if TYPE_CHECKING:
    from collections.abc import Iterator

    from roof_detector.inference.options import CachedBackend, Precision

_ENTRY_FILE = 'entry.json'


@dataclass(frozen=True, kw_only=True)
class ExportKey:
    """The identity of an export: if any of this changes, it must be made and checked again.

    `device` is the model of the CPU or GPU; `versions` are pairs of package and version.
    """

    model_sha256: str
    backend: CachedBackend
    precision: Precision
    device: str
    versions: tuple[tuple[str, str], ...]

    @property
    def folder_name(self) -> str:
        """Return a name that no other key has."""
        digest = hashlib.sha256(json.dumps(asdict(self)).encode()).hexdigest()
        return f'{self.backend}-{self.precision}-{digest[:16]}'

    def difference(self, made: ExportKey) -> str:
        """Return how an export's key differs from this one."""
        if made.model_sha256 != self.model_sha256:
            return 'its export was made of other contents of this file'
        if made.device != self.device:
            return f'its export was made on {made.device}, this is {self.device}'
        here = dict(self.versions)
        changed = [
            f'{name} {version}, here is {here.get(name, "none")}'
            for name, version in made.versions
            if here.get(name) != version
        ]
        return f'its export was made with {"; ".join(changed)}'


@dataclass(frozen=True, kw_only=True)
class CacheEntry:
    """What is known about an export; a refused one has a reason and no file.

    `forward_ms` and `torch_ms` are medians of one interleaved run, 0 before they were measured;
    `measured` describes the measurement. `threads` is the number that `forward_ms` was reached
    with, 0 if the runtime chose. `cost` and `torch_cost` hold latency and CPU time alone and
    beside a busy process, None before they were measured.
    """

    key: ExportKey
    source: str
    export: str
    export_sha256: str
    refused: str = ''
    forward_ms: float = 0.0
    torch_ms: float = 0.0
    measured: str = ''
    threads: int = 0
    cost: PassCost | None = None
    torch_cost: PassCost | None = None

    @property
    def torch_share(self) -> float | None:
        """Return the export's share of torch's cost or time; None before it was measured."""
        if self.cost is not None and self.torch_cost is not None:
            return self.cost.weighed_ms() / self.torch_cost.weighed_ms()
        return self.forward_ms / self.torch_ms if self.torch_ms else None

    @classmethod
    def read(cls, folder: Path) -> CacheEntry:
        """Read an entry; raise ValueError, KeyError, TypeError or OSError if it is damaged."""
        values: dict[str, Any] = json.loads((folder / _ENTRY_FILE).read_text(encoding='utf-8'))
        key = values.pop('key')
        versions = tuple((str(name), str(one)) for name, one in key.pop('versions'))
        for name in ('cost', 'torch_cost'):
            if values.get(name) is not None:
                values[name] = PassCost(**values[name])
        return cls(key=ExportKey(**key, versions=versions), **values)

    def write(self, folder: Path) -> None:
        """Write the entry atomically."""
        unfinished = folder / f'{_ENTRY_FILE}.{os.getpid()}.part'
        unfinished.write_text(json.dumps(asdict(self), indent=1), encoding='utf-8')
        unfinished.replace(folder / _ENTRY_FILE)


class ExportCache:
    """A folder of exports, with one subfolder per entry.

    Write access to it controls what the model detects: it must belong to the user who flies.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def usual(cls) -> ExportCache:
        """Return the user's own cache, in the folder of the XDG base directory specification."""
        base = os.environ.get('XDG_CACHE_HOME') or Path('~/.cache').expanduser()
        return cls(Path(base) / 'roof_detector' / 'exports')

    @classmethod
    def at(cls, text: str | Path | None) -> ExportCache:
        """Return the cache in a folder that a person named, or the usual one."""
        return cls(Path(text).expanduser()) if text else cls.usual()

    def find(self, key: ExportKey) -> CacheEntry | None:
        """Return the entry of a key, None if there is no readable one."""
        try:
            entry = CacheEntry.read(self.folder / key.folder_name)
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return entry if entry.key == key else None

    def path(self, entry: CacheEntry) -> Path:
        """Return the path of an entry's export; raise BadModel if it has changed."""
        path = self.folder / entry.key.folder_name / entry.export
        if not path.exists() or hash_model(path) != entry.export_sha256:
            msg = f'{path} is not the file that was made and checked here.'
            raise BadModel(msg)
        return path

    @contextlib.contextmanager
    def making(self, key: ExportKey) -> Iterator[Path]:
        """Yield an empty folder; its content becomes the entry at the end, complete or not at all.

        Nothing is kept if the block raises or the process is killed.
        """
        target = self.folder / key.folder_name
        with workplace(target) as workshop:
            unfinished = workshop / 'entry'
            unfinished.mkdir()
            yield unfinished
            install(unfinished, target)

    def keep_times(
        self,
        entry: CacheEntry,
        *,
        forward_ms: float,
        torch_ms: float,
        measured: str,
        threads: int = 0,
        cost: PassCost | None = None,
        torch_cost: PassCost | None = None,
    ) -> CacheEntry:
        """Store the speed of an export beside torch, and its number of threads."""
        timed = replace(
            entry,
            forward_ms=forward_ms,
            torch_ms=torch_ms,
            measured=measured,
            threads=threads,
            cost=cost,
            torch_cost=torch_cost,
        )
        timed.write(self.folder / entry.key.folder_name)
        return timed

    def why_absent(self, key: ExportKey, *, source: str) -> str:
        """Return why there is no export for a key: none was made, or one of something else."""
        made = [
            entry.key
            for entry in self._entries()
            if (entry.key.backend, entry.key.precision) == (key.backend, key.precision)
            and (entry.key.model_sha256 == key.model_sha256 or entry.source == source)
        ]
        # The nearest one: of the same contents, on the same device.
        made.sort(key=lambda one: (one.model_sha256 != key.model_sha256, one.device != key.device))
        if made:
            return key.difference(made[0])
        return f'no {key.precision} export of it in {self.folder}'

    def _entries(self) -> Iterator[CacheEntry]:
        for folder in sorted(self.folder.glob('[!.]*/')):
            with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
                yield CacheEntry.read(folder)
