# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Finds the images of results among image files: by name and content, or content alone."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from roof_detector.inputs.frame import LoadedFrame
from roof_detector.inputs.image_decoding import image_bytes
from roof_detector.inputs.input_files import readable
from roof_detector.offline.frame_images import FrameImages
from roof_detector.vision.content_identity import ContentIdentity

if TYPE_CHECKING:
    from pathlib import Path

    from roof_detector.inputs.image_files import ImageFilesInput
    from roof_detector.offline.frame_record import FrameRecord
    from roof_detector.vision.frame_findings import FrameFindings


class FileImages(FrameImages):
    """Looks for each image under its own name first, then for its content under any name.

    A file is hashed at most twice: only files of the right size can have the right content.
    """

    def __init__(self, image_files: ImageFilesInput, *, is_own: bool = False) -> None:
        super().__init__(image_files, is_own=is_own)
        self._paths = {readable(path.name): path for path in image_files.paths}
        self._of_size: dict[int, list[Path]] = defaultdict(list)
        for path in image_files.paths:
            if path.is_file():
                self._of_size[path.stat().st_size].append(path)
        self._known: dict[Path, ContentIdentity] = {}
        self._used: set[Path] = set()

    def path_of(self, record: FrameRecord) -> Path | None:
        """Return the file of a frame by name and content, None where it is gone or another."""
        own = self._paths.get(record.name)
        if own is not None and record.content in (None, self._content(own)):
            return own
        return None if record.content is None else self._with_content(record.content)

    def skip(self, record: FrameRecord) -> None:
        """Mark the file of an unreadable frame as known if its content did not change."""
        path = self._paths.get(record.name)
        if path is not None and record.content in (None, self._content(path)):
            self._used.add(path)

    def _find(self, findings: FrameFindings) -> LoadedFrame | None:
        wanted, own = findings.content, self._paths.get(findings.name)
        if own is not None:
            self._used.add(own)  # refused or not, its name is in the results
            loaded = self._load(own)
            if wanted in (None, loaded.content):
                return loaded
        other = None if wanted is None else self._with_content(wanted)
        if other is None:
            (self._missing if own is None else self._refused).append(findings.name)
            return None
        self._used.add(other)
        self._renamed.append(f'{findings.name} (now {readable(other.name)})')
        return self._load(other)

    def _added(self) -> list[str]:
        return [name for name, path in self._paths.items() if path not in self._used]

    def _with_content(self, wanted: ContentIdentity) -> Path | None:
        """Return a file with this content, None where there is none."""
        for path in self._of_size[wanted.size_bytes]:
            if self._content(path) == wanted:
                return path
        return None

    def _content(self, path: Path) -> ContentIdentity | None:
        if path not in self._known:
            try:
                self._known[path] = ContentIdentity.of_file(path)
            except OSError:
                return None
        return self._known[path]

    def _load(self, path: Path) -> LoadedFrame:
        data = image_bytes(path)
        content = self._known[path] = ContentIdentity.of(data)
        return LoadedFrame(path, content, data)
