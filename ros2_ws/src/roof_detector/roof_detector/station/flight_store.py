# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The recorded flights in the recorder's folder."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Any

from roof_detector.bags.errors import BagError
from roof_detector.bags.folder_lock import is_locked
from roof_detector.bags.mcap_scan import is_complete
from roof_detector.bags.metadata import NAME, read_metadata
from roof_detector.bags.provenance import STARTED_AT
from roof_detector.bags.reader import BagReader
from roof_detector.bags.retention_policy import is_kept
from roof_detector.station.errors import StationError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class FlightState(Enum):
    """Whether a flight is being recorded, was cut off, or is complete."""

    RECORDING = 'recording'
    CUT_OFF = 'cut_off'
    COMPLETE = 'complete'


@dataclass(frozen=True, kw_only=True)
class RecordedFlight:
    """A recorded bag.

    `duration_s` is None if it is unknown, as during the recording. `damage` describes what cannot
    be read, such as damaged chunks; None if it was not checked since the bag changed.
    """

    path: Path
    began_at_s: float
    duration_s: float | None
    size_bytes: int
    state: FlightState
    is_kept: bool
    damage: tuple[str, ...] | None = None

    @property
    def name(self) -> str:
        """Return the name of the folder."""
        return self.path.name


class FlightStore:
    """The flights of a folder, which can be listed, checked and deleted; nothing outside it."""

    def __init__(self, folder: Callable[[], Path]) -> None:
        self._folder = folder
        self._metadata: dict[Path, tuple[float, dict[str, Any]]] = {}
        self._damage: dict[Path, tuple[int, tuple[str, ...]]] = {}  # with the size of the bag

    @property
    def folder(self) -> Path:
        """Return the present folder of the recorder."""
        return self._folder()

    def flights(self) -> tuple[RecordedFlight, ...]:
        """Return the flights, newest first."""
        found = []
        for path in self.folder.iterdir() if self.folder.is_dir() else ():
            try:
                is_flight = path.is_dir() and not path.is_symlink() and any(path.glob('*.mcap'))
                if is_flight:
                    found.append(self._flight_at(path))
            except OSError:
                continue  # the recorder has just deleted it to make room
        return tuple(sorted(found, key=lambda flight: flight.began_at_s, reverse=True))

    def flight(self, name: str) -> RecordedFlight:
        """Return the flight with this name; raise StationError if there is none."""
        found = next((flight for flight in self.flights() if flight.name == name), None)
        if found is None:
            msg = f'There is no flight {name!r} in {self.folder}.'
            raise StationError(msg, status=404)
        return found

    def check(self, name: str) -> tuple[str, ...]:
        """Read a flight completely and return what is damaged; `flights` shows it from then on.

        Reading takes as long as the bag is large: do not call this in the page's event loop.
        """
        flight = self._finished_flight(name)
        try:
            with BagReader(flight.path) as bag:
                for _ in bag.messages():
                    pass
                damage = bag.damage
        except BagError as error:
            damage = (str(error),)
        self._damage[flight.path] = flight.size_bytes, damage
        return damage

    def delete(self, name: str) -> None:
        """Delete a flight with its folder; raise StationError if that is not allowed."""
        flight = self._finished_flight(name)
        try:
            shutil.rmtree(flight.path)
        except OSError as error:
            msg = f'{name} cannot be deleted ({error.strerror}); check the permissions of it.'
            raise StationError(msg) from error

    def _finished_flight(self, name: str) -> RecordedFlight:
        flight = self.flight(name)
        if flight.state is FlightState.RECORDING:
            msg = f'{name} is being recorded; stop the recording first.'
            raise StationError(msg, status=409)
        return flight

    def _flight_at(self, path: Path) -> RecordedFlight:
        files = [file for file in path.iterdir() if file.is_file() and not file.is_symlink()]
        bags = [file for file in files if file.suffix == '.mcap']
        metadata = self._read(path)
        if is_locked(path):
            state = FlightState.RECORDING
        else:
            is_whole = bool(metadata) and all(is_complete(file) for file in bags)
            state = FlightState.COMPLETE if is_whole else FlightState.CUT_OFF
        started_at = (metadata.get('custom_data') or {}).get(STARTED_AT)
        duration_s = metadata.get('duration', {}).get('nanoseconds', 0) / 1e9
        size_bytes = sum(file.stat().st_size for file in files)
        checked_bytes, damage = self._damage.get(path, (-1, ()))
        return RecordedFlight(
            path=path,
            began_at_s=_seconds(started_at) or path.stat().st_ctime,
            duration_s=duration_s if state is FlightState.COMPLETE else None,
            size_bytes=size_bytes,
            state=state,
            is_kept=is_kept(path),
            damage=damage if checked_bytes == size_bytes else None,
        )

    def _read(self, path: Path) -> dict[str, Any]:
        """Return the metadata of a bag, {} if it has none; read again only after a change."""
        file = path / NAME
        changed_at_s = file.stat().st_mtime if file.is_file() else 0.0
        known_at_s, metadata = self._metadata.get(path, (-1.0, {}))
        if changed_at_s != known_at_s:
            try:
                metadata = read_metadata(path)
            except BagError:
                metadata = {}
            self._metadata[path] = changed_at_s, metadata
        return metadata


def _seconds(moment: str | None) -> float | None:
    try:
        return datetime.fromisoformat(moment).timestamp() if moment else None
    except ValueError:
        return None
