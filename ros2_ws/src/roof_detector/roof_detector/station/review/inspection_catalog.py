# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The inspections that the station finds in its folders."""

from __future__ import annotations

import re
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from roof_detector.findings.errors import FindingsError
from roof_detector.findings.inspection_path import inspections_in, numbered_path
from roof_detector.findings.live_inspection import LIVE_SOURCE
from roof_detector.findings.store_reader import open_reader
from roof_detector.station.errors import StationError

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

# The names of folders, in which no path leads out.
_NAME = re.compile(r'[^/\\\x00-\x1f.][^/\\\x00-\x1f]{0,199}')
# The inspector numbers a file whose name is taken.
_NUMBER_MARK = '~'
LIVE_WITHIN_S = 30.0


@dataclass(frozen=True)
class ListedInspection:
    """The file of an inspection, and from which of the station's folders it is.

    `roots` are the folders below which its images are read.
    """

    group: str
    name: str
    path: Path
    roots: tuple[Path, ...]

    @property
    def address(self) -> str:
        """Return the address of its page."""
        return f'/review/{self.group}/{quote(self.name, safe="")}'

    @property
    def changed_at_s(self) -> float:
        """Return when a program last wrote to it."""
        return max((one.st_mtime for one in _stats(self.path)), default=0.0)

    @property
    def is_fresh(self) -> bool:
        """Return whether a program wrote to it in the last seconds."""
        return time.time() - self.changed_at_s <= LIVE_WITHIN_S

    @property
    def signature(self) -> tuple[tuple[int, int, int], ...]:
        """Return what differs after every change, for as little as it costs to look."""
        return tuple((one.st_ino, one.st_mtime_ns, one.st_size) for one in _stats(self.path))


class InspectionCatalog:
    """Finds `inspection.gpkg` in the folders of the groups, one level below each.

    A further one in the same folder, such as `inspection_2.gpkg`, is called FOLDER~2.

    An inspection that was uploaded is in the group `received`: only images beside it are shown,
    whatever paths it names. Those of the others are read below the station's own folder, the
    recorder's, and `image_folders`.
    """

    def __init__(
        self,
        groups: Mapping[str, Callable[[], Path]],
        *,
        image_roots: Callable[[], tuple[Path, ...]],
    ) -> None:
        self._groups = groups
        self._image_roots = image_roots
        self._live: dict[Path, bool] = {}

    def listed(self) -> list[ListedInspection]:
        """Return the inspections, the one that changed last first."""
        found = [one for group in self._groups for one in self._on(group)]
        return sorted(found, key=lambda one: -one.changed_at_s)

    def find(self, group: str, name: str) -> ListedInspection:
        """Return an inspection; raise StationError if there is none."""
        root = self._groups.get(group)
        if root is not None and _NAME.fullmatch(name):
            folder, _, number = name.partition(_NUMBER_MARK)
            path = numbered_path(root() / folder, int(number) if number.isdecimal() else 1)
            found = self._at(group, path)
            if found is not None and found.name == name:
                return found
        msg = f'There is no inspection {name!r} here; it was moved, renamed or deleted.'
        raise StationError(msg, status=404)

    def live(self) -> ListedInspection | None:
        """Return the inspection that the inspector is writing, None if there is none."""
        for one in self.listed():
            if not one.is_fresh:
                return None
            if self._is_of_a_flight(one):
                return one
        return None

    def _is_of_a_flight(self, one: ListedInspection) -> bool:
        """Return whether the inspector node wrote it, not `inspect` or a person's decision."""
        if one.path not in self._live:
            try:
                with open_reader(one.path) as reader:
                    self._live[one.path] = is_of_a_flight(reader.provenance())
            except FindingsError:
                return False
        return self._live[one.path]

    def _on(self, group: str) -> Iterator[ListedInspection]:
        root = self._groups[group]()
        for folder in root.iterdir() if root.is_dir() else ():
            if not _NAME.fullmatch(folder.name):
                continue
            with suppress(OSError):
                for path in inspections_in(folder):
                    if (found := self._at(group, path)) is not None:
                        yield found

    def _at(self, group: str, path: Path) -> ListedInspection | None:
        folder = path.parent
        try:
            if folder.is_symlink() or path.is_symlink() or not path.is_file():
                return None
        except OSError:
            return None
        number = path.stem.removeprefix('inspection').removeprefix('_')
        name = f'{folder.name}{_NUMBER_MARK}{number}' if number else folder.name
        roots = (folder,) if group == 'received' else (folder, *self._image_roots())
        return ListedInspection(group, name, path, roots)


def is_of_a_flight(provenance: Mapping[str, Any]) -> bool:
    """Return whether the inspector node made an inspection during a flight."""
    inputs = provenance.get('inputs')
    return isinstance(inputs, list) and any(
        isinstance(one, dict) and one.get('source') == LIVE_SOURCE for one in inputs
    )


def _stats(path: Path) -> list[os.stat_result]:
    found = []
    for one in (path, path.with_name(f'{path.name}-wal')):
        with suppress(OSError):
            found.append(one.stat())
    return found
