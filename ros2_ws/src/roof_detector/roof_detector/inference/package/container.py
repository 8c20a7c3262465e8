# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The container of a package, a folder or a zip, read into memory within limits."""

from __future__ import annotations

import os
import re
import stat
import struct
import zipfile
import zlib
from typing import TYPE_CHECKING, BinaryIO

from roof_detector.inference.errors import BadModel
from roof_detector.inference.package.manifest import MANIFEST, SIGNATURE, most_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_MOST_ENTRIES = 16
# Weights hardly compress: a higher ratio is an attempt to fill the memory.
_MOST_RATIO = 100
_SMALL_BYTES = 1 << 20
_MOST_SIGNATURE_BYTES = 1 << 20
_MOST_MANIFEST_BYTES = 1 << 20

# APPNOTE.TXT 4.3.16: the record that ends a zip file, here without the comment that may follow.
_END = struct.Struct('<4sHHHHIIH')
_END_SIGNATURE = b'PK\x05\x06'
_END64_LOCATOR = struct.Struct('<4sIQI')
_END64_SIGNATURE = b'PK\x06\x07'
_MOST_DIRECTORY_BYTES = 1 << 16
_ENCRYPTED = 0x1
_FIXED_TIME = (1980, 1, 1, 0, 0, 0)

_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, ValueError, NotImplementedError)
_PLAIN_NAME = re.compile(r'[a-z0-9_]+(\.[a-z0-9_]+)+')


def is_package(path: Path) -> bool:
    """Return whether a path is a zip by its name, or a folder with a manifest."""
    if path.is_dir():
        return (path / MANIFEST).is_file()
    return path.suffix.lower() == '.zip'


def read_files(path: Path) -> dict[str, bytes]:
    """Read all files of a package by name; raise BadModel for a file that does not belong.

    Nothing is unpacked: names are compared with the few that a package may hold, sizes are limited
    before and while a file is read, and links are not followed.
    """
    return _read(path)


def read_manifest(path: Path) -> bytes:
    """Read the manifest of a package alone, like `read_files`."""
    return _read(path, only=MANIFEST)[MANIFEST]


def _read(path: Path, *, only: str = '') -> dict[str, bytes]:
    try:
        files = _read_folder(path, only) if path.is_dir() else _read_zip(path, only)
    except OSError as error:
        msg = f'{path} cannot be read ({error.strerror or error}).'
        raise BadModel(msg) from error
    if MANIFEST not in files:
        msg = f'{path} holds no {MANIFEST}, so it is not a model package.'
        raise BadModel(msg)
    return files


def write_zip(path: Path, files: Mapping[str, bytes]) -> None:
    """Write a package durably and atomically; the same files give the same bytes.

    With one zlib, that is. Weights in half precision lose a tenth of their size, 8 bits an eighth.
    """
    unfinished = path.with_name(f'.{path.name}.{os.getpid()}.part')
    try:
        with unfinished.open('wb') as file:
            with zipfile.ZipFile(file, 'w') as archive:
                for name in sorted(files):
                    entry = zipfile.ZipInfo(name, _FIXED_TIME)
                    entry.external_attr = (stat.S_IFREG | 0o644) << 16
                    archive.writestr(entry, files[name], zipfile.ZIP_DEFLATED, 9)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def write_files(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write the files of a package into an existing folder."""
    for name, content in files.items():
        (folder / name).write_bytes(content)


def _limit(name: str) -> int:
    if name == MANIFEST:
        return _MOST_MANIFEST_BYTES
    return _MOST_SIGNATURE_BYTES if name == SIGNATURE else most_bytes(name)


def _check_name(name: str, path: Path) -> None:
    if not _PLAIN_NAME.fullmatch(name):
        msg = f'{path} holds the name {name[:100]!r}, expected plain names without folders.'
        raise BadModel(msg)
    _limit(name)


def _read_folder(folder: Path, only: str) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    with os.scandir(folder) as entries:
        for count, entry in enumerate(entries, 1):
            if count > _MOST_ENTRIES:
                msg = f'{folder} holds more than {_MOST_ENTRIES} files.'
                raise BadModel(msg)
            _check_name(entry.name, folder)
            if only not in ('', entry.name):
                continue
            # Opening a pipe would block until somebody writes into it.
            descriptor = os.open(
                entry.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            )
            with os.fdopen(descriptor, 'rb') as file:
                if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                    msg = f'{folder} holds {entry.name}, which is not a plain file.'
                    raise BadModel(msg)
                files[entry.name] = _read_bounded(file, entry.name, folder)
    return files


def _read_zip(path: Path, only: str) -> dict[str, bytes]:
    # Opening a pipe would block until somebody writes into it.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, 'rb') as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            msg = f'{path} is not a plain file.'
            raise BadModel(msg)
        _check_end(file, path)
        try:
            with zipfile.ZipFile(file) as archive:
                return _read_entries(archive, path, only)
        except _DAMAGE as error:
            msg = f'{path} is cut short or damaged ({str(error)[:200]}). Copy the package again.'
            raise BadModel(msg) from error


def _check_end(file: BinaryIO, path: Path) -> None:
    """Refuse a zip with a large directory before it is read as a whole."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(size - _END.size - _END64_LOCATOR.size, 0))
    tail = file.read()
    file.seek(0)
    if len(tail) < _END.size or tail[-_END.size :][:4] != _END_SIGNATURE:
        msg = f'{path} is not a zip file, or it is cut short or damaged. Copy the package again.'
        raise BadModel(msg)
    _, disk, first_disk, here, entries, directory_bytes, _, _ = _END.unpack(tail[-_END.size :])
    if tail[: -_END.size].startswith(_END64_SIGNATURE) or disk or first_disk or here != entries:
        msg = f'{path} is a zip file in parts or of more than 4 GB, which is not read.'
        raise BadModel(msg)
    if entries > _MOST_ENTRIES or directory_bytes > _MOST_DIRECTORY_BYTES:
        msg = f'{path} holds {entries} files, expected at most {_MOST_ENTRIES}.'
        raise BadModel(msg)


def _read_entries(archive: zipfile.ZipFile, path: Path, only: str) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    entries = archive.infolist()
    if len(entries) > _MOST_ENTRIES:
        msg = f'{path} holds {len(entries)} files, expected at most {_MOST_ENTRIES}.'
        raise BadModel(msg)
    seen: set[str] = set()
    for entry in entries:
        name = entry.filename
        _check_name(name, path)
        if name in seen:
            msg = f'{path} holds {name} twice.'
            raise BadModel(msg)
        seen.add(name)
        kind = stat.S_IFMT(entry.external_attr >> 16)
        if kind not in (0, stat.S_IFREG) or entry.flag_bits & _ENCRYPTED:
            msg = f'{path} holds {name} as a link or encrypted, expected a plain file.'
            raise BadModel(msg)
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            msg = f'{path} holds {name} packed in a way that is not read here.'
            raise BadModel(msg)
        packed = max(entry.compress_size, 1)
        if entry.file_size > _SMALL_BYTES and entry.file_size > _MOST_RATIO * packed:
            msg = f'{path} holds {name} packed to less than 1/{_MOST_RATIO} of its size.'
            raise BadModel(msg)
        if entry.file_size > _limit(name):
            raise _too_large(name, path)
        if only in ('', name):
            with archive.open(entry) as file:
                files[name] = _read_bounded(file, name, path, expected=entry.file_size)
    return files


def _read_bounded(file: object, name: str, path: Path, *, expected: int | None = None) -> bytes:
    limit = _limit(name) if expected is None else expected
    content: bytes = file.read(limit + 1)  # type: ignore[attr-defined]
    if len(content) > limit:
        raise _too_large(name, path)
    return content


def _too_large(name: str, path: Path) -> BadModel:
    return BadModel(f'{path} holds {name} with more than the {_limit(name)} bytes it may have.')
