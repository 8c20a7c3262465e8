# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Finds the recording that has the images of a flight whose findings were made while it lasted."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from roof_detector.bags.errors import BagError
from roof_detector.bags.folder_lock import is_locked
from roof_detector.bags.reader import BagReader

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_SLACK_NS = 5_000_000_000  # from the stamp of an image to the moment at which it was recorded


@dataclass(frozen=True)
class _Span:
    start_ns: int
    end_ns: int
    image_topics: tuple[str, ...]


class FlightBags:
    """The bags of the recorder in some folders, looked into once as long as they do not change."""

    def __init__(self, roots: Sequence[Path]) -> None:
        self._roots = tuple(roots)
        self._spans: dict[tuple[Path, int], _Span | None] = {}

    def find(self, topic: str, stamp_ns: int) -> tuple[Path, str] | None:
        """Return bag and topic of a camera's image, or of the annotated one; None without one.

        A bag that is still being written is left out: its end is not on the disk yet.
        """
        for folder in self._folders():
            span = self._span(folder)
            if span is None or not (
                span.start_ns - _SLACK_NS <= stamp_ns <= span.end_ns + _SLACK_NS
            ):
                continue
            own = [one for one in (topic, f'{topic}/compressed') if one in span.image_topics]
            annotated = [one for one in span.image_topics if 'annotated' in one]
            if own or len(annotated) == 1:
                return folder, (own or annotated)[0]
        return None

    def _folders(self) -> Iterator[Path]:
        for root in self._roots:
            try:
                inner = sorted(root.iterdir())
            except OSError:
                continue
            for folder in (root, *inner):
                if folder.is_dir() and not folder.is_symlink() and any(folder.glob('*.mcap')):
                    yield folder

    def _span(self, folder: Path) -> _Span | None:
        try:
            key = folder, max(one.stat().st_mtime_ns for one in folder.glob('*.mcap'))
            if key not in self._spans and not is_locked(folder):
                self._spans[key] = _read_span(folder)
            return self._spans.get(key)
        except (OSError, ValueError):  # the recorder has just deleted it to make room
            return None


def _read_span(folder: Path) -> _Span | None:
    try:
        with closing(BagReader(folder)) as bag:
            topics = tuple(one.name for one in bag.image_topics() if one.message_count)
            return _Span(bag.start_ns, bag.end_ns, topics)
    except BagError:
        return None
