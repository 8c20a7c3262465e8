# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The folders and lists that a data.yaml names, wherever they were when it was written."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from training.dataset.labelled_set import SPLIT_NAMES

if TYPE_CHECKING:
    from training.dataset.fault import FaultLog


class SplitPlaces:
    """The existing places of a data.yaml's splits.

    Roboflow writes `../train/images` for `train/images`; notebooks write absolute paths such as
    `/content/roofs-1/train/images`. What exists neither as written nor without `../` is looked for
    by the end of its path, from the longest on, and that is logged as a warning.
    """

    def __init__(
        self, content: dict[Any, Any], path: Path, lines: dict[str, int], log: FaultLog
    ) -> None:
        """Keep the content of the file at `path` and the lines of its keys."""
        self._path, self._lines, self._log = path, lines, log
        self._bases = [path.parent]
        stated = content.get('path')
        base = path.parent / str(stated or '.')
        if base.is_dir():
            self._bases.insert(0, base)
        elif stated:
            text = f'path: names {stated!r}, which is not here; the folder of this file is taken.'
            log.caution('path_mapped', path, text, line=lines.get('path', 0))
        entries = [
            str(one)
            for key, value in content.items()
            if str(key).lower() in SPLIT_NAMES
            for one in (value if isinstance(value, list) else [value])
        ]
        # Then a ../ never leads to folders of the same name beside the set.
        self._is_roboflow = any(
            (base / _stripped(one)).exists()
            for one in entries
            if one.startswith('../')
            for base in self._bases
        )

    def of(self, key: str, value: Any) -> tuple[Path, ...]:
        """Return the places of one split; log what is absent: for test that is no fault."""
        found = []
        line = self._lines.get(key, 0)
        for entry in value if isinstance(value, list) else [value]:
            wanted = str(entry).replace('\\', '/')
            place = self._existing(wanted)
            if place is None and (place := self._by_end(wanted)) is not None:
                text = (
                    f'{key}: names {entry!r}, which is not here; {self._log.shown(place)} is read.'
                )
                self._log.caution('path_mapped', self._path, text, line=line)
            if place is not None:
                found.append(place.resolve())
                continue
            is_test = SPLIT_NAMES[key.lower()] == 'test'
            note = self._log.caution if is_test else self._log.fault
            remedy = 'nothing is tested' if is_test else 'correct the path'
            text = f'{key}: names {entry!r}, which does not exist; {remedy}.'
            note('split_missing', self._path, text, line=line)
        return tuple(found)

    def _existing(self, entry: str) -> Path | None:
        stripped = _stripped(entry)
        candidates = [base / stripped for base in self._bases]
        if stripped != entry and not self._is_roboflow:
            candidates += [base / entry for base in self._bases]
        return next((one for one in candidates if one.exists()), None)

    def _by_end(self, entry: str) -> Path | None:
        """Return the longest end of a path that exists; it keeps the name of a split."""
        parts = [part for part in Path(entry).parts if part not in ('/', '..', '.')]
        for begin in range(len(parts)):
            if begin and parts[begin - 1].lower() in SPLIT_NAMES:
                return None
            for base in self._bases:
                place = base.joinpath(*parts[begin:])
                if place.exists():
                    return place
        return None


def _stripped(entry: str) -> str:
    while entry.startswith('../'):
        entry = entry[3:]
    return entry
