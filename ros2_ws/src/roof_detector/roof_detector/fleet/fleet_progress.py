# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Shows the progress of a fleet's run: of the whole, and of each flight."""

from __future__ import annotations

from dataclasses import dataclass

from tqdm import tqdm

from roof_detector.offline.progress import ProgressKind, print_event


@dataclass
class _FlightPieces:
    done: int
    pieces: int


class FleetProgress:
    """A bar of pieces with the count of flights on a terminal, lines of JSON, or nothing."""

    def __init__(self, kind: ProgressKind = 'bar') -> None:
        self._kind = kind
        self._flights: dict[str, _FlightPieces] = {}
        self._done = self._of = self._pieces_done = self._pieces = 0
        self._bar = tqdm(
            desc='fleet',
            total=0,
            unit=' pieces',
            disable=None if kind == 'bar' else True,
            dynamic_ncols=True,
        )

    def begin(self, flights: int) -> None:
        """Tell how many flights there are."""
        self._of = flights
        self._show('')

    def flight_begun(self, name: str, pieces: int) -> None:
        """Tell how many pieces a flight has."""
        self._flights[name] = _FlightPieces(0, pieces)
        self._pieces += pieces
        self._bar.total = self._pieces
        self._show(name)

    def piece_done(self, name: str) -> None:
        """Count a piece of a flight."""
        self._flights[name].done += 1
        self._pieces_done += 1
        self._bar.update()
        self._show(name)

    def flight_done(self, name: str) -> None:
        """Count a flight."""
        self._done += 1
        self._show(name)

    def close(self) -> None:
        """End the display."""
        self._bar.close()

    def _show(self, name: str) -> None:
        flight = self._flights.get(name)
        self._bar.set_postfix_str(
            f'{self._done}/{self._of} flights'
            + ('' if flight is None else f', {name} {flight.done}/{flight.pieces}')
        )
        if self._kind == 'json':
            print_event(
                'fleet',
                flight=name,
                done=None if flight is None else flight.done,
                pieces=None if flight is None else flight.pieces,
                flights_done=self._done,
                flights=self._of,
                pieces_done=self._pieces_done,
                all_pieces=self._pieces,
            )
