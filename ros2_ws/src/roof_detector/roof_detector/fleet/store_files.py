# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The files below a folder or the address of an object store, each written at once."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import fsspec

from roof_detector.bags.disk import sync_folder
from roof_detector.fleet.errors import FleetError

if TYPE_CHECKING:
    from collections.abc import Iterator

PART = '.part'


class StoreFiles:
    """Reads and writes files by their path below a root, such as `a/b.parquet`.

    A file appears with all its bytes or not at all, and a killed writer leaves the one before it:
    on disks it is renamed, and object stores write objects so. Raises FleetError.
    """

    def __init__(self, address: str | Path) -> None:
        self.address = str(address)
        text = self.address if '://' in self.address else str(Path(self.address).absolute())
        try:
            # Other processes write to the same store, so that no listing is remembered.
            self.filesystem, root = fsspec.core.url_to_fs(text, use_listings_cache=False)
        except (ImportError, ValueError) as error:
            msg = (
                f'{address} cannot be opened ({error}). Give a folder, or an address such as '
                's3://bucket/folder.'
            )
            raise FleetError(msg) from error
        self.root = root.rstrip('/')

    @property
    def folder(self) -> Path | None:
        """Return the folder on this computer's disks, None for an object store."""
        is_local = 'file' in self.filesystem.protocol or 'local' in self.filesystem.protocol
        return Path(self.root) if is_local else None

    def path(self, name: str) -> str:
        """Return a path of the file system, for libraries that take it with one."""
        return f'{self.root}/{name}' if name else self.root

    def exists(self, name: str) -> bool:
        """Return whether there is a file or a folder."""
        with self._errors(name):
            return bool(self.filesystem.exists(self.path(name)))

    def read(self, name: str) -> bytes | None:
        """Return the content of a file, None where there is none."""
        with self._errors(name):
            try:
                return bytes(self.filesystem.cat_file(self.path(name)))
            except FileNotFoundError:
                return None

    def write(self, name: str, data: bytes) -> None:
        """Write a file, unless it has this content already."""
        with self._errors(name):
            if self.folder is None:
                self.filesystem.pipe_file(self.path(name), data)
                return
            target = self.folder / name
            if target.is_file() and target.read_bytes() == data:
                return
            target.parent.mkdir(parents=True, exist_ok=True)
            # Hidden, so that a reader of the folder of a table in the meantime leaves it out.
            part = target.with_name(f'.{target.name}.{uuid4().hex[:8]}{PART}')
            try:
                with part.open('wb') as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                part.replace(target)
            finally:
                part.unlink(missing_ok=True)
            sync_folder(target.parent)

    def create(self, name: str, data: bytes) -> bool:
        """Write a file of an object store unless there is one; return whether it was written.

        Of several that try at once the store lets one do it.
        """
        with self._errors(name):
            try:
                self.filesystem.pipe_file(self.path(name), data, mode='create')
            except FileExistsError:
                return False
        return True

    def remove(self, name: str) -> None:
        """Remove a file or a folder with all in it, if it is there."""
        with self._errors(name):
            if self.filesystem.exists(self.path(name)):
                self.filesystem.rm(self.path(name), recursive=True)

    def clear_parts(self) -> None:
        """Remove what killed writers left on disks; call it while nothing writes."""
        if self.folder is not None:
            for part in self.folder.rglob(f'.*{PART}'):
                part.unlink(missing_ok=True)

    def below(self, name: str) -> list[str]:
        """Return the paths of all finished files below a folder, in order; none without it."""
        with self._errors(name):
            try:
                found = self.filesystem.find(self.path(name))
            except FileNotFoundError:
                return []
        begin = len(self.root) + 1
        return sorted(path[begin:] for path in found if not path.endswith(PART))

    def is_folder(self) -> bool:
        """Return whether the address is a folder and not a file."""
        with self._errors(''):
            return bool(self.filesystem.isdir(self.root))

    def listed(self, *, deep: bool = True) -> list[tuple[str, int, str]]:
        """Return path, size and version of each file in the root, and below it, in order."""
        with self._errors(''):
            found = self.filesystem.find(self.root, maxdepth=None if deep else 1, detail=True)
        begin = len(self.root) + 1
        listed = []
        for path, facts in found.items():
            version = facts.get('ETag') or facts.get('mtime') or facts.get('LastModified') or ''
            listed.append((path[begin:], int(facts.get('size') or 0), str(version).strip('"')))
        return sorted(listed)

    def upload(self, folder: Path, name: str) -> None:
        """Write all files of a folder of this computer, each at once."""
        for path in sorted(one for one in folder.rglob('*') if one.is_file()):
            target = f'{name}/{path.relative_to(folder).as_posix()}'
            if self.folder is not None:
                self.write(target, path.read_bytes())
                continue
            with self._errors(target):
                self.filesystem.put_file(str(path), self.path(target))

    def fetch(self, name: str, target: Path) -> None:
        """Copy one file to this computer, where it appears when it is whole."""
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f'{target.name}.{uuid4().hex[:8]}{PART}')
        try:
            with self._errors(name):
                self.filesystem.get_file(self.path(name), str(part))
                part.replace(target)
        finally:
            part.unlink(missing_ok=True)

    @contextmanager
    def _errors(self, name: str) -> Iterator[None]:
        try:
            yield
        except FleetError:
            raise
        except Exception as error:  # each library of an object store has its own
            words = ' '.join(str(error).split()) or type(error).__name__
            msg = (
                f'{self.address}/{name} cannot be used ({words}). Check the address, the network '
                'and your permissions.'
            )
            raise FleetError(msg) from error
