# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A data set's folder, also if it is a zip from an untrusted source."""

from __future__ import annotations

import contextlib
import shutil
import stat
import tempfile
import zipfile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from training.dataset.error import DatasetError

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_FILES = 200_000
MOST_BYTES = 20 * 2**30
# Images hardly compress and labels compress tenfold; a zip bomb compresses a thousandfold.
MOST_RATIO = 200
RATIO_FREE_BYTES = 64 * 2**20
_CHUNK = 2**20


@contextlib.contextmanager
def opened(
    path: Path, *, most_files: int = MOST_FILES, most_bytes: int = MOST_BYTES
) -> Iterator[Path]:
    """Yield a folder or file unchanged, a zip as a folder that is removed afterwards.

    Raises DatasetError for a zip that is damaged, too large, or that reaches out of its folder.
    """
    if not path.exists():
        msg = f'There is no data set {path}. Give a folder, a .zip or a data.yaml.'
        raise DatasetError(msg)
    if not path.is_file() or path.suffix.lower() != '.zip':
        yield path
        return
    with tempfile.TemporaryDirectory(prefix='roof_detector-dataset-') as folder:
        try:
            with zipfile.ZipFile(path) as archive:
                _extract(archive, path, Path(folder), most_files, most_bytes)
        except (zipfile.BadZipFile, EOFError, NotImplementedError) as error:
            msg = f'{path} is not a whole zip ({error}); export it again.'
            raise DatasetError(msg) from error
        yield Path(folder)


def _extract(
    archive: zipfile.ZipFile, path: Path, folder: Path, most_files: int, most_bytes: int
) -> None:
    entries = archive.infolist()
    if len(entries) > most_files:
        msg = (
            f'{path} holds {len(entries)} files, at most {most_files} are read; '
            'unpack it yourself if you trust it.'
        )
        raise DatasetError(msg)
    total = sum(entry.file_size for entry in entries)
    _refuse_total(total, path, most_bytes)
    if total > shutil.disk_usage(folder).free:
        msg = f'{path} does not fit {folder.parent}; set TMPDIR to a larger disk.'
        raise DatasetError(msg)
    names = set()
    for entry in entries:
        name = _safe_name(entry, path)
        if name.as_posix().lower() in names and not entry.is_dir():
            msg = f'{path} holds {name} twice; export it again.'
            raise DatasetError(msg)
        names.add(name.as_posix().lower())
    written = 0
    for entry in entries:
        if entry.is_dir():
            continue
        target = folder / _safe_name(entry, path)
        target.parent.mkdir(parents=True, exist_ok=True)
        with archive.open(entry) as source, target.open('wb') as sink:
            # A header may give wrong sizes, so the bytes that are written count.
            while chunk := source.read(_CHUNK):
                written += len(chunk)
                _refuse_total(written, path, most_bytes)
                sink.write(chunk)


def _safe_name(entry: zipfile.ZipInfo, path: Path) -> PurePosixPath:
    name = PurePosixPath(entry.filename)
    raw = entry.orig_filename
    if (
        name.is_absolute()
        or '..' in name.parts
        or '\\' in raw
        or ':' in raw
        or '\0' in raw
        or not name.parts
    ):
        msg = (
            f'{path} holds {entry.filename!r}, which would land outside its folder; '
            'it is refused as a whole.'
        )
        raise DatasetError(msg)
    if stat.S_ISLNK(entry.external_attr >> 16):
        msg = f'{path} holds a link, {entry.filename!r}; it is refused as a whole.'
        raise DatasetError(msg)
    if entry.flag_bits & 1:
        msg = f'{path} is encrypted ({entry.filename!r}); unpack it first.'
        raise DatasetError(msg)
    return name


def _refuse_total(total: int, path: Path, most_bytes: int) -> None:
    if total > most_bytes:
        msg = (
            f'{path} unpacks to more than {most_bytes} bytes, the most that is read; '
            'unpack it yourself if you trust it.'
        )
        raise DatasetError(msg)
    if total > RATIO_FREE_BYTES and total > MOST_RATIO * path.stat().st_size:
        msg = (
            f'{path} unpacks to more than {MOST_RATIO} times its size, as a zip bomb does; '
            'it is refused.'
        )
        raise DatasetError(msg)
