# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The search for the image that a label file names, often by a path of another machine."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote, urlsplit

from training.dataset.labelled_set import IMAGE_SUFFIXES, UNSPLIT, images_below, split_of

if TYPE_CHECKING:
    from collections.abc import Iterable

# Label Studio puts eight hexadecimal digits before the name of an upload.
_UPLOAD = re.compile(r'^[0-9a-f]{8}-(?=.)')
_DRIVE = re.compile(r'^[A-Za-z]:/')


class ImageFinder:
    """All images below a root, found by a path's last parts.

    An image outside the root is never found, whatever a label file names.
    """

    def __init__(self, root: Path, images: Iterable[Path] | None = None) -> None:
        """Index the images below `root`."""
        self.root = root
        self.images = sorted(images) if images is not None else images_below(root)
        self._known = {image_path.as_posix(): image_path for image_path in self.images}
        self._by_name: dict[str, list[Path]] = {}
        self._by_stem: dict[str, list[Path]] = {}
        for image_path in self.images:
            self._by_name.setdefault(_plain(image_path.name), []).append(image_path)
            self._by_stem.setdefault(_plain(image_path.stem), []).append(image_path)

    def find(self, stated: str, file: Path, *, split: str | None = None) -> list[Path]:
        """Return the image of a stated path; none, or several if it may be any of them.

        Looked for are: the path from the label file or the root, else the image whose path ends
        with the most of the stated parts, in the split and the folder nearest to the label file.
        """
        wanted = stated_path(stated)
        if not wanted:
            return []
        for base in (file.parent, self.root):
            direct = self._known.get(_normal(base, wanted))
            if direct is not None:
                return [direct]
        parts = [part for part in PurePosixPath(wanted).parts if part not in ('/', '..', '.')]
        return self._nearest(self._of_name(parts[-1]), parts, file, split) if parts else []

    def _of_name(self, name: str) -> list[Path]:
        """Return the images of a file name, with or without its suffix or an upload's prefix."""
        for one in (name, _UPLOAD.sub('', name)):
            if found := self._by_name.get(_plain(one)):
                return found
        for one in (name, _UPLOAD.sub('', name)):
            has_suffix = PurePosixPath(one).suffix.lower() in IMAGE_SUFFIXES
            stem = PurePosixPath(one).stem if has_suffix else one
            if found := self._by_stem.get(_plain(stem)):
                return found
        return []

    def _nearest(
        self, found: list[Path], parts: list[str], file: Path, split: str | None
    ) -> list[Path]:
        if len(found) < 2:
            return found
        folders = [part.lower() for part in parts[:-1]]
        found = _best(found, lambda path: _shared_end(path.parent.parts, folders))
        wanted = split or split_of(file, self.root)
        if wanted != UNSPLIT:
            found = [path for path in found if split_of(path, self.root) == wanted] or found
        return _best(found, lambda path: _shared_begin(path.parent.parts, file.parent.parts))


def stated_path(stated: str) -> str:
    """Return the path in a stated name, with forward slashes: of a Windows path, URL or upload."""
    text = stated.strip().replace('\\', '/')
    if _DRIVE.match(text):
        return text[2:]
    parts = urlsplit(text) if '://' in text or text.startswith('/data/local-files') else None
    if parts is not None:
        # Label Studio serves local files as /data/local-files/?d=PATH.
        named = parse_qs(parts.query).get('d')
        return unquote(named[0] if named else parts.path)
    return text


def is_foreign(stated: str) -> bool:
    """Return whether a stated name is an absolute path or a URL."""
    text = stated.strip().replace('\\', '/')
    return text.startswith('/') or bool(_DRIVE.match(text)) or '://' in text


def _plain(name: str) -> str:
    # Tools replace blanks in uploads by underscores and escape letters as in a URL.
    return unquote(name).lower().replace(' ', '_')


def _normal(base: Path, wanted: str) -> str:
    parts: list[str] = []
    for part in (base / wanted).parts:
        if part == '..':
            del parts[-1:]
        elif part != '.':
            parts.append(part)
    return Path(*parts).as_posix() if parts else ''


def _best(found: list[Path], score: object) -> list[Path]:
    assert callable(score)
    scores = [score(path) for path in found]
    return [path for path, one in zip(found, scores, strict=True) if one == max(scores)]


def _shared_end(path: tuple[str, ...], other: list[str]) -> int:
    count = 0
    for a, b in zip(reversed(path), reversed(other), strict=False):
        if a.lower() != b:
            break
        count += 1
    return count


def _shared_begin(path: tuple[str, ...], other: tuple[str, ...]) -> int:
    count = 0
    for a, b in zip(path, other, strict=False):
        if a != b:
            break
        count += 1
    return count
