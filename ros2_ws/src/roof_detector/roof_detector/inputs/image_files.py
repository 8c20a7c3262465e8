# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The images of a folder, or one image file."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING

from roof_detector.inputs.errors import InputError
from roof_detector.inputs.file_kind import COMPANION_SUFFIXES, Group, kind_of_file
from roof_detector.inputs.frame import Frame
from roof_detector.inputs.image_decoding import (
    IMAGE_SUFFIXES,
    decode_file,
    image_bytes,
    is_image_file,
)
from roof_detector.inputs.input import DEFAULT_FRAME_ID, RecordedInput, frame_time_ns
from roof_detector.inputs.input_files import readable
from roof_detector.inputs.photo_moment import photo_moment
from roof_detector.inputs.raster_kinds import is_raster
from roof_detector.inputs.raw_photos import RAW_SUFFIXES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from roof_detector.vision.moment import Moment

_IMAGES = (Group.IMAGE, Group.RAW)
# A survey drone takes about that many images per second; a folder keeps no rate of its own.
DEFAULT_RATE_HZ = 2.0


class ImageFilesInput(RecordedInput):
    """The images of a folder in natural order, or one image file.

    Played, an image that cannot be read is counted and skipped, and the others follow without a
    gap. Recorded once, every file keeps its number and time, whether the ones before it can be
    read or not. Without `has_rasters`, orthophotos in the folder are left to inputs of their own.
    Raises InputError where there is no image, or where a whole pass could read none.
    """

    def __init__(
        self,
        path: Path,
        *,
        rate_hz: float | None = None,
        loop: bool = False,
        has_rasters: bool = True,
    ) -> None:
        self._rate = DEFAULT_RATE_HZ if rate_hz is None else rate_hz
        super().__init__(path, rate_hz=self._rate, loop=loop)
        self.stem = path.name if path.is_dir() else path.stem
        files = images_in(path) if path.is_dir() else [path]
        files = [one for one in files if has_rasters or not is_raster(one)]
        once = without_links_beside(files)
        self._links = len(files) - len(once)
        self.paths = tuple(without_raw_twins(once))
        self._twins = len(once) - len(self.paths)
        self._videos = _videos_in(path) if path.is_dir() else 0

    @property
    def frame_count(self) -> int:
        """Return the number of images, readable or not."""
        return len(self.paths)

    def __iter__(self) -> Iterator[Frame]:
        index = 0
        if self._videos:
            note = (
                f'{self.path} holds {self._videos} videos too, which are not played with its '
                'images; name each by itself.'
            )
            self._health = replace(self._health, warning=note)
        for loop_number in count():
            if loop_number and not self._loop:
                return
            index_before = index
            for path in self.paths:
                if self._stopped:
                    return
                try:
                    decoded = decode_file(image_bytes(path), path)
                except InputError as error:
                    self._count_unreadable(str(error))
                    continue
                due_ns = frame_time_ns(index, rate_hz=self._rate)
                self._count_delivered()
                if decoded.notes and not self._health.warning:
                    note = f'{path.name} {"; ".join(decoded.notes)}.'
                    self._health = replace(self._health, warning=note)
                yield Frame(
                    index=index,
                    name=path.name,
                    stamp_ns=due_ns,
                    image=decoded.image_bgr,
                    due_ns=due_ns,
                )
                index += 1
            if index == index_before:
                msg = f'None of {len(self.paths)} images can be read. {self._health.warning}'
                raise InputError(msg)

    def notes(self) -> tuple[str, ...]:
        """Return how many files are not read, because another one shows the same."""
        notes = []
        if self._twins:
            notes.append(
                f'{self._twins} raw photos of {self.path} lie beside an image of the same name, '
                'which is looked at instead: each photo counts once.'
            )
        if self._links:
            notes.append(
                f'{self._links} links of {self.path} lead to images beside them, which count once.'
            )
        return tuple(notes)

    def recorded(self) -> Iterator[Frame]:
        """Yield each image file once, unread.

        Where all tell when they were taken in UTC, that is their stamp; stamps are apart by a
        nanosecond at least. Otherwise they count at the rate, as the times of the log always do.
        """
        moments = [photo_moment(path) for path in self.paths]
        stamps = self._taken_ns(moments)
        for index, (path, moment) in enumerate(zip(self.paths, moments, strict=True)):
            time_ns = frame_time_ns(index, rate_hz=self._rate)
            yield Frame(
                index=index,
                name=readable(path.name),
                stamp_ns=stamps[index] if stamps else time_ns,
                image=path,
                log_time_ns=time_ns,
                frame_id=DEFAULT_FRAME_ID,
                moment=moment,
            )

    def _taken_ns(self, moments: Sequence[Moment | None]) -> list[int]:
        """Return a stamp for each file from the times of day in their tags, none if one lacks it.

        A file that is no image, which is reported where it is read, has the one before it.
        """
        stamps: list[int] = []
        used: set[int] = set()
        for path, moment in zip(self.paths, moments, strict=True):
            taken_ns = None if moment is None else moment.utc_ns
            if taken_ns is None:
                if moment is not None or not stamps or kind_of_file(path).group in _IMAGES:
                    return []
                taken_ns = stamps[-1]
            while taken_ns in used:
                taken_ns += 1
            used.add(taken_ns)
            stamps.append(taken_ns)
        return stamps


def natural_key(name: str) -> list[tuple[int, int | str]]:
    """Return a key that sorts `frame_2` before `frame_10`."""
    parts = re.split(r'(\d+)', name.casefold())
    return [(0, int(part)) if part.isdecimal() else (1, part) for part in parts if part]


def _videos_in(folder: Path) -> int:
    """Return how many videos lie in a folder, those aside that cameras write beside others."""
    return sum(
        one.is_file()
        and not one.name.startswith('.')
        and one.suffix.lower() not in COMPANION_SUFFIXES
        and kind_of_file(one).group is Group.VIDEO
        for one in folder.iterdir()
    )


def without_raw_twins(paths: Iterable[Path]) -> list[Path]:
    """Return image files without the raw photos that have another image of their name beside."""
    paths = list(paths)
    developed = {
        (path.parent, path.stem.casefold())
        for path in paths
        if path.suffix.lower() not in RAW_SUFFIXES
    }
    return [
        path
        for path in paths
        if path.suffix.lower() not in RAW_SUFFIXES
        or (path.parent, path.stem.casefold()) not in developed
    ]


def without_links_beside(paths: Sequence[Path]) -> list[Path]:
    """Return image files without the links to others of them."""
    files = {path.resolve() for path in paths if not path.is_symlink()}
    return [path for path in paths if not (path.is_symlink() and path.resolve() in files)]


def leads_out(path: Path, folder: Path) -> bool:
    """Return whether a file is a link out of a folder, to nowhere or in a circle."""
    if not path.is_symlink() or path.is_dir():
        return False
    try:
        return not path.resolve(strict=True).is_relative_to(folder.resolve())
    except (OSError, RuntimeError):
        return True


def images_in(folder: Path) -> list[Path]:
    """Return the images of a folder in natural order, or raise InputError if there are none.

    Links out of the folder are not followed: the one who filled it may have had other rights.
    """
    found = [path for path in folder.iterdir() if is_image_file(path)]
    files = [path for path in found if not leads_out(path, folder)]
    if found and not files:
        msg = (
            f'The folder {folder} holds {len(found)} links to images elsewhere, which are not '
            'followed. Copy the images, or give the folder that they are in.'
        )
        raise InputError(msg)
    if not files:
        below = sorted({path.parent for path in folder.rglob('*') if is_image_file(path)})
        hint = f' There are some in {below[0]}.' if below else ''
        msg = (
            f'The folder {folder} holds no image ({", ".join(IMAGE_SUFFIXES)}).{hint} '
            'Give a folder of images, a video or a bag.'
        )
        raise InputError(msg)
    return sorted(files, key=lambda path: natural_key(path.name))
