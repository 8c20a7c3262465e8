# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The recordings on a drone's memory card, or in any folder of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from roof_detector.inputs.file_kind import (
    COMPANION_SUFFIXES,
    UNFINISHED_SUFFIXES,
    Group,
    is_companion,
    kind_of_file,
)
from roof_detector.inputs.image_decoding import is_image_file
from roof_detector.inputs.image_files import leads_out, natural_key
from roof_detector.inputs.open_input import BAG_SUFFIXES, is_bag
from roof_detector.inputs.raster_kinds import is_raster

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

VIDEO_SUFFIXES = (
    *('.mp4', '.mov', '.m4v', '.avi', '.mkv', '.webm', '.wmv', '.flv', '.3gp'),
    *('.mts', '.m2ts', '.ts', '.mpg', '.mpeg'),
)
RESULTS_MARK = 'run.json'  # a folder of results has it


@dataclass(frozen=True)
class CardRecording:
    """A recording in a folder: its path, and its name relative to the folder, with `/`.

    The path is a folder for the images that lie directly in it.
    """

    path: Path
    name: str


@dataclass(frozen=True, kw_only=True)
class Card:
    """The recordings in a folder and below it, and the files that are none.

    `beside` are the files that cameras write beside their recordings, `ignored` those that are
    neither, `links` those that lead out of the folder, and `closed` the folders that cannot be
    read.
    """

    folder: Path
    recordings: tuple[CardRecording, ...]
    ignored: tuple[Path, ...] = ()
    beside: tuple[Path, ...] = ()
    links: tuple[Path, ...] = ()
    closed: tuple[Path, ...] = ()

    @classmethod
    def read(cls, folder: Path) -> Card:
        """Look through a folder and all below it; hidden files and folders do not count.

        A file whose name says nothing is recognised by its content.
        """
        recordings: list[CardRecording] = []
        ignored: list[Path] = []
        beside: list[Path] = []
        links: list[Path] = []
        closed: list[Path] = []
        for place, content in _folders(folder, closed):
            name = '/'.join(place.relative_to(folder).parts)
            if is_bag(place):
                recordings.append(CardRecording(place, name))
                continue
            outward = {one for one in content if leads_out(one, folder)}
            links += sorted(outward)
            files = [one for one in content if one not in outward and one.is_file()]
            rasters = [one for one in files if is_raster(one)]
            images = [one for one in files if is_image_file(one) and one not in rasters]
            others = [one for one in files if is_video_file(one)]
            others += [one for one in files if one.suffix.lower() in BAG_SUFFIXES]
            others += rasters
            if images:
                recordings.append(CardRecording(place, name))
            recordings += [
                CardRecording(one, f'{name}/{one.stem}'.removeprefix('/')) for one in others
            ]
            known = {*images, *others}
            for one in files:
                if one not in known:
                    (beside if is_companion(one) else ignored).append(one)
        return cls(
            folder=folder,
            recordings=_named_apart(recordings),
            ignored=tuple(ignored),
            beside=tuple(beside),
            links=tuple(links),
            closed=tuple(closed),
        )

    @property
    def is_single(self) -> bool:
        """Return whether the images of the folder itself are its only recording."""
        return [one.path for one in self.recordings] == [self.folder]

    def notes(self) -> tuple[str, ...]:
        """Return a sentence each about the files that are no recordings, none where all are."""
        notes = []
        if self.beside:
            notes.append(
                f'{len(self.beside)} files of {self.folder} belong to its recordings and are not '
                f'looked at as such ({_by_suffix(self.beside)}).'
            )
        if self.ignored:
            notes.append(
                f'{len(self.ignored)} files of {self.folder} are neither images, videos nor bags '
                f'and were not looked at ({_by_suffix(self.ignored)}), such as '
                f'{self.ignored[0].name}.'
            )
        if self.links:
            notes.append(
                f'{len(self.links)} links lead out of {self.folder} and were not followed, such '
                f'as {self.links[0].name}.'
            )
        if self.closed:
            notes.append(
                f'{len(self.closed)} folders of {self.folder} cannot be read, such as '
                f'{self.closed[0].name}: check their permissions.'
            )
        return tuple(notes)


def _by_suffix(paths: tuple[Path, ...]) -> str:
    kinds = Counter(one.suffix.lower() or 'without a suffix' for one in paths)
    return ', '.join(f'{count} {kind}' for kind, count in sorted(kinds.items()))


def is_video_file(path: Path) -> bool:
    """Return whether a file is a video by its content, or by its name where that tells nothing."""
    suffix = path.suffix.lower()
    if suffix in (*COMPANION_SUFFIXES, *UNFINISHED_SUFFIXES, *BAG_SUFFIXES):
        return False
    group = kind_of_file(path).group
    if group is Group.VIDEO:
        return True
    return suffix in VIDEO_SUFFIXES and group not in (Group.IMAGE, Group.RAW)


def _named_apart(recordings: list[CardRecording]) -> tuple[CardRecording, ...]:
    """Give each recording a name that is neither another's nor a folder around another's."""
    names = [one.name.casefold() for one in recordings]
    apart: list[CardRecording] = []
    taken: set[str] = set()
    for one in recordings:
        begin = f'{one.name.casefold()}/'
        holds_others = bool(one.name) and any(other.startswith(begin) for other in names)
        if one.path.is_dir() and (holds_others or (not one.name and len(names) > 1)):
            one = replace(one, name=f'{one.name}/images'.removeprefix('/'))  # noqa: PLW2901
        # Two names that differ in their case alone are one on Windows and macOS.
        name, number = one.name, 1
        while name.casefold() in taken:
            number += 1
            name = f'{one.name}_{number}'
        taken.add(name.casefold())
        apart.append(replace(one, name=name))
    return tuple(apart)


def _folders(folder: Path, closed: list[Path]) -> Iterator[tuple[Path, list[Path]]]:
    """Yield a folder and those below it in natural order, each with what is visible in it.

    Nothing is in results of this program, below a bag or behind a link. Folders that cannot be
    read are added to `closed`; only of the first one that is an error.
    """
    pending = [folder]
    while pending:
        place = pending.pop()
        try:
            if (place / RESULTS_MARK).is_file():
                continue
            content = _visible(place)
            below = [] if is_bag(place) else content
        except OSError:
            if place == folder:
                raise
            closed.append(place)
            continue
        yield place, content
        pending += reversed([one for one in below if one.is_dir() and not one.is_symlink()])


def _visible(folder: Path) -> list[Path]:
    found = [one for one in folder.iterdir() if not one.name.startswith('.')]
    return sorted(found, key=lambda one: natural_key(one.name))
