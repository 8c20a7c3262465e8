# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The number of CPU threads of a network, adapted to a machine that does other work as well."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from math import inf
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

# More threads have to be this much faster to be taken, and less than that to be given up: each
# occupies a core that the camera, DDS and the recorder could use.
_TAKE_MORE = 1.2
_GIVE_UP = 1.08
# A trial takes turns between two numbers, for the load of a machine changes all the time. The
# first pass of a turn finds the caches and threads of the turn before and does not count.
_TURNS = 6
_PASSES_A_TURN = 4
# A candidate this much slower is given up after so many passes.
_HOPELESS = 2.0
_ENOUGH_PASSES = 3
# Passes that tell how long one usually takes, and how much that has to change for a new trial.
_USUAL_PASSES = 8
_CHANGE = 1.3
# Cores that other processes have to take, or free, for a new trial.
_CHANGE_OF_OTHERS = 0.35
# Between trials: after a change, and of a number that has proved best again and again.
_SOONEST_S = 2.0
_LATEST_S = 60.0


def adaptive_numbers(cores: int) -> tuple[int, ...]:
    """Return the numbers of threads to choose from, in ascending order: one, half, all cores.

    Three at most, for OpenVINO and ONNX Runtime hold a compiled network for each.
    """
    return tuple(sorted({1, max(cores // 2, 1), cores}))


@dataclass
class _Trial:
    """Passes of two numbers of threads in turns, with the seconds of each."""

    candidate: int
    present: int
    times_s: dict[int, list[float]] = field(default_factory=dict)
    passes: int = 0

    @property
    def threads(self) -> int:
        """Return the number of the next pass; the candidate begins."""
        return (self.candidate, self.present)[self.passes // _PASSES_A_TURN % 2]

    def note(self, forward_s: float) -> None:
        """Take the seconds of a pass with `threads`."""
        if self.passes % _PASSES_A_TURN:
            self.times_s.setdefault(self.threads, []).append(forward_s)
        self.passes += 1

    def is_over(self, usual_s: float) -> bool:
        """Return whether all turns are done, or the candidate is hopeless."""
        return self.passes >= _TURNS * _PASSES_A_TURN or (
            self.passes == _ENOUGH_PASSES
            and min(self.times_s[self.candidate]) > _HOPELESS * usual_s
        )


class ThreadAdaptation:
    """Chooses between numbers of threads by the time that passes take with each of them.

    Pure: it hears of every pass (`note`) and says with how many `threads` the next one runs. A
    number is tried against its neighbour, on real frames and in turns of a few passes: at the
    start, when passes take longer or shorter than they did, when other processes take or free
    cores, and otherwise every 2 to 60 s. `reason` says how the last trial ended.
    """

    def __init__(self, numbers: Sequence[int], *, start: int | None = None) -> None:
        self.numbers = tuple(sorted(set(numbers)))
        self.present = start if start in self.numbers else self.numbers[-1]
        self.reason = 'not tried yet'
        self.switches = 0
        self._usual_s: deque[float] = deque(maxlen=_USUAL_PASSES)
        self._trial: _Trial | None = None
        # What a pass took and others occupied when the present number was found best.
        self._decided_s = 0.0
        self._decided_others = 0.0
        self._decided_at_s = -inf
        self._wait_s = 0.0
        self._upwards = False

    @property
    def threads(self) -> int:
        """Return the number of threads for the next pass."""
        return self.present if self._trial is None else self._trial.threads

    @property
    def is_trying(self) -> bool:
        """Return whether a trial is on."""
        return self._trial is not None

    def note(self, forward_s: float, *, others: float | None, now_s: float) -> None:
        """Take the seconds of a pass with `threads`.

        `others` is how many cores other processes occupy, None where that is unknown; `now_s` is
        on any clock that never goes back.
        """
        if self._trial is None:
            self._usual_s.append(forward_s)
            self._begin(others=others or 0.0, now_s=now_s)
            return
        trial = self._trial
        trial.note(forward_s)
        if trial.is_over(median(self._usual_s)):
            self._decide(trial, others=others or 0.0, now_s=now_s)

    def _begin(self, *, others: float, now_s: float) -> None:
        """Begin a trial if it is time for one."""
        if len(self.numbers) == 1 or len(self._usual_s) < _USUAL_PASSES:
            return
        if not self._decided_s:  # the trial before changed the number, or there was none
            self._decided_s, self._decided_others = median(self._usual_s), others
        ratio = median(self._usual_s) / max(self._decided_s, 1e-9)
        moved = others - self._decided_others
        changed = not 1 / _CHANGE < ratio < _CHANGE or abs(moved) > _CHANGE_OF_OTHERS
        waited_s = now_s - self._decided_at_s
        if waited_s < (min(_SOONEST_S, self._wait_s) if changed else self._wait_s):
            return
        if changed:
            self._wait_s = _SOONEST_S
        if abs(moved) > _CHANGE_OF_OTHERS:
            self._upwards = moved < 0
        self._trial = _Trial(self._candidate(), self.present)

    def _candidate(self) -> int:
        """Return the neighbour to try, the other one next time."""
        at = self.numbers.index(self.present)
        upwards = (self._upwards or at == 0) and at + 1 < len(self.numbers)
        self._upwards = not upwards
        return self.numbers[at + 1 if upwards else at - 1]

    def _decide(self, trial: _Trial, *, others: float, now_s: float) -> None:
        own_s = median(trial.times_s.get(trial.present) or self._usual_s)
        other_s = median(trial.times_s[trial.candidate])
        if trial.candidate > trial.present:
            is_better = own_s > _TAKE_MORE * other_s
        else:
            is_better = other_s < _GIVE_UP * own_s
        self._trial = None
        self.reason = (
            f'{_name(trial.candidate)} took {other_s / max(own_s, 1e-9):.2f} of the time of '
            f'{_name(trial.present)} while others occupied {others:.1f} cores'
        )
        self._decided_at_s, self._decided_others = now_s, others
        if is_better:
            self.present = trial.candidate
            self.switches += 1
            self._wait_s, self._decided_s = max(self._wait_s, 2 * _SOONEST_S), 0.0
            self._upwards = trial.candidate > trial.present
            self._usual_s.clear()
            return
        self._decided_s = own_s
        self._wait_s = min(max(2 * self._wait_s, _SOONEST_S), _LATEST_S)


def _name(threads: int) -> str:
    return f'{threads} thread{"s" if threads > 1 else ""}'
