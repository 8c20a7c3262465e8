# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Matches photos to the exposures in a log, by their number and their times."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from roof_detector.telemetry.errors import TelemetryError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

# EXIF counts whole seconds, which may be cut or rounded, and a shutter follows its trigger.
_WITHIN_S = 1.2
_BIN_S = 0.25
_MOST_DIFFERENCES = 4_000_000
_LEAST_MATCHED, _LEAST_SHARE = 3, 0.5
_RIVAL_SHARE = 0.9
_HINT_WITHIN_S = 60.0
_CANDIDATES = 40


@dataclass(frozen=True, eq=False)
class ExposureMatch:
    """The exposure of each photo by its number, None for one that is not in the log.

    `sigma_s` is the standard deviation of a photo's time where exposures follow each other so
    quickly that another of them could be meant, else 0. `by` says what the match rests on.
    """

    exposures: tuple[int | None, ...]
    by: str
    sigma_s: float = 0.0


def match_exposures(
    photos_s: Sequence[float | None],
    exposures_s: NDArray[np.float64],
    *,
    is_same_clock: bool = False,
) -> ExposureMatch:
    """Return the exposure of each photo, given in the order in which they were taken.

    `photos_s` are seconds of the camera's clock, None where a photo does not tell it; the clock's
    offset from the log's is found. As many photos as exposures belong together one by one, if
    their intervals agree. `is_same_clock` says that both should tell the time of day in UTC,
    which decides between offsets that fit alike. Raises TelemetryError where nothing fits.
    """
    count, known = len(photos_s), [one for one in photos_s if one is not None]
    if len(known) < count or np.ptp(known) == 0:
        if count == len(exposures_s):
            return ExposureMatch(tuple(range(count)), 'by their number alone')
        msg = (
            f'the log holds {len(exposures_s)} exposures and there are {count} photos, whose own '
            'times do not tell which belong together; leave only those of the flight in the folder'
        )
        raise TelemetryError(msg)
    times = np.array(known, np.float64)
    if count == len(exposures_s):
        apart = exposures_s - times
        if np.abs(apart - np.median(apart)).max() <= 2 * _WITHIN_S:
            return ExposureMatch(
                tuple(range(count)),
                f'by their number and times; {_clocks(float(np.median(apart)))}',
            )
    return _by_times(times, exposures_s, is_same_clock=is_same_clock)


def _by_times(
    times: NDArray[np.float64], exposures_s: NDArray[np.float64], *, is_same_clock: bool
) -> ExposureMatch:
    found = [
        (_paired(times + offset, exposures_s), offset)
        for offset in _offsets(times, exposures_s, is_same_clock=is_same_clock)
    ]
    matched = [sum(one is not None for one in pairs) for pairs, _ in found]
    best = int(np.argmax(matched))
    least = max(_LEAST_MATCHED, _LEAST_SHARE * min(len(times), len(exposures_s)))
    if matched[best] < least:
        msg = (
            f'only {matched[best]} of {len(times)} photos fit the times of the '
            f'{len(exposures_s)} exposures in the log: they may be of another flight'
        )
        raise TelemetryError(msg)
    rivals = [
        number
        for number, (_, offset) in enumerate(found)
        if abs(offset - found[best][1]) > 2 * _WITHIN_S
        and matched[number] >= _RIVAL_SHARE * matched[best]
    ]
    if rivals:
        near = [
            number
            for number in (best, *rivals)
            if is_same_clock and abs(found[number][1]) <= _HINT_WITHIN_S
        ]
        if not near:
            msg = (
                f'the {len(times)} photos fit the {len(exposures_s)} exposures in the log in '
                f'several ways (such as shifted by {abs(found[rivals[0]][1] - found[best][1]):.0f}'
                ' s), because their intervals are even; leave only those of the flight in the '
                'folder, so that their numbers agree'
            )
            raise TelemetryError(msg)
        best = min(near, key=lambda number: abs(found[number][1]))
    pairs, _ = found[best]
    apart = [
        exposures_s[one] - time for time, one in zip(times, pairs, strict=True) if one is not None
    ]
    is_quick = float(np.median(np.diff(exposures_s))) < 2 * _WITHIN_S
    return ExposureMatch(
        tuple(pairs),
        f'by their times; {_clocks(float(np.median(apart)))}',
        float(np.std(apart)) if is_quick else 0.0,
    )


def _offsets(
    times: NDArray[np.float64], exposures_s: NDArray[np.float64], *, is_same_clock: bool
) -> list[float]:
    """Return the offsets at which most times fall together, those of many first."""
    step = max(1, int(np.ceil(len(times) * len(exposures_s) / _MOST_DIFFERENCES)))
    differences = (exposures_s[None, :] - times[::step, None]).ravel()
    bins = np.round(differences / _BIN_S).astype(np.int64)
    values, counts = np.unique(bins, return_counts=True)
    reach = round(_WITHIN_S / _BIN_S)
    summed = counts.copy()
    for shift in range(1, reach + 1):
        for sign in (-1, 1):
            at = np.searchsorted(values, values + sign * shift)
            is_there = (at < len(values)) & (
                values[np.minimum(at, len(values) - 1)] == values + sign * shift
            )
            summed[is_there] += counts[at[is_there]]
    chosen: list[float] = []
    for number in np.argsort(-summed, kind='stable'):
        offset = float(values[number] * _BIN_S)
        if all(abs(offset - one) > _WITHIN_S for one in chosen):
            chosen.append(offset)
        if len(chosen) >= _CANDIDATES:
            break
    return [*chosen, 0.0] if is_same_clock else chosen


def _paired(shifted: NDArray[np.float64], exposures_s: NDArray[np.float64]) -> list[int | None]:
    """Return the nearest exposure of each time in order, each exposure once."""
    pairs: list[int | None] = []
    after = 0
    for time in shifted:
        while after < len(exposures_s) and exposures_s[after] < time - _WITHIN_S:
            after += 1
        best = after
        while (
            best + 1 < len(exposures_s)
            and abs(exposures_s[best + 1] - time) < abs(exposures_s[best] - time)
            # Quick exposures are taken in turn: the nearest may belong to the next photo.
            and exposures_s[best] < time - _WITHIN_S / 2
        ):
            best += 1
        if best < len(exposures_s) and abs(exposures_s[best] - time) <= _WITHIN_S:
            pairs.append(best)
            after = best + 1
        else:
            pairs.append(None)
    return pairs


def _clocks(offset_s: float) -> str:
    ahead = 'behind' if offset_s > 0 else 'ahead of'
    return f"the camera's clock is {abs(offset_s):.1f} s {ahead} the log's"
