# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The files of an input, known by name, size and SHA-256."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from roof_detector.vision.content_identity import ContentIdentity

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

_NAMED = 20


def readable(text: str) -> str:
    """Return a text as valid Unicode, with escapes for those bytes of a file name that are not."""
    return text.encode('utf-8', errors='backslashreplace').decode()


@dataclass(frozen=True, order=True)
class InputFile:
    """A file of an input; `name` is its path below the input's folder, or its own name."""

    name: str
    size_bytes: int
    sha256: str

    @classmethod
    def of(cls, path: Path, *, name: str = '') -> InputFile:
        """Read a file once and hash it; raise OSError."""
        content = ContentIdentity.of_file(path)
        return cls(name or readable(path.name), content.size_bytes, content.sha256)

    def as_dict(self) -> dict[str, str | int]:
        """Return the values for JSON."""
        return {'name': self.name, 'size_bytes': self.size_bytes, 'sha256': self.sha256}


def input_files(path: Path) -> tuple[InputFile, ...]:
    """Return the identity of a file, or of all files below a folder, hidden ones left out."""
    if not path.is_dir():
        return (InputFile.of(path),)
    files = [
        (readable(file.relative_to(path).as_posix()), file)
        for file in path.rglob('*')
        if file.is_file() and not file.name.startswith('.')
    ]
    return tuple(InputFile.of(file, name=name) for name, file in sorted(files))


def files_text(files: Iterable[InputFile]) -> str:
    """Return files as JSON, for the manifest of a result bag."""
    return json.dumps([file.as_dict() for file in files])


def read_files(entries: Iterable[Mapping[str, str | int]]) -> tuple[InputFile, ...]:
    """Return the files from the values of `as_dict`."""
    return tuple(
        InputFile(str(entry['name']), int(entry['size_bytes']), str(entry['sha256']))
        for entry in entries
    )


def changes(before: Sequence[InputFile], now: Sequence[InputFile]) -> str:
    """Describe how files differ in a few words, '' where they are the same."""
    old, new = ({file.name: file for file in files} for files in (before, now))
    found = {
        'changed': [name for name in old if name in new and old[name] != new[name]],
        'missing': [name for name in old if name not in new],
        'added': [name for name in new if name not in old],
    }
    return '; '.join(f'{word}: {listed(names)}' for word, names in found.items() if names)


def listed(names: Sequence[str]) -> str:
    """Return names with commas between them; of many, the first and the number of the others."""
    more = len(names) - _NAMED
    words = ', '.join(names[:_NAMED])
    return f'{words} and {more} more' if more > 0 else words
