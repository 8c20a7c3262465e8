# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The timing of a model's exports on this machine, beside torch and by number of threads."""

from __future__ import annotations

import contextlib
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from roof_detector.inference.export.preparation import Preparation, PreparedBackend
from roof_detector.inference.export.thread_choice import fewest_threads

if TYPE_CHECKING:
    from collections.abc import Sequence

    from roof_detector.inference.detector import Detector

_ROUNDS = 6
_WARM_UP_ROUNDS = 1
# The threads of the previous runtime still spin during the first pass.
_PASSES_A_TURN = 4
# A busy machine gets fewer rounds: its times are noisy anyway, their ratios are not.
_FEWEST_ROUNDS = 2
_ENOUGH_S = 20.0


def time_prepared(
    preparation: Preparation, outcomes: Sequence[PreparedBackend]
) -> list[PreparedBackend]:
    """Time the usable exports and torch, interleaved, and keep the medians.

    Exports are timed with several numbers of threads, unless one is given; torch has one number
    for the whole process and uses all cores.
    """
    cache = preparation.cache
    torch_way = ('torch', preparation.threads or 0)
    with contextlib.ExitStack() as stack:
        detectors = {torch_way: stack.enter_context(preparation.open('torch'))}
        for one in outcomes:
            if one.entry is not None and not one.problem:
                path = cache.path(one.entry)
                for threads in preparation.threads_tried():
                    detectors[one.backend, threads] = stack.enter_context(
                        preparation.open(one.backend, path=path, threads=threads)
                    )
        times_ms = _time_in_turn(detectors, preparation.frames[0])
        width, height = detectors[torch_way].preprocess(preparation.frames[0]).geometry.input_wh
    torch_ms = times_ms[torch_way]
    timed = [PreparedBackend(backend='torch', forward_ms=torch_ms, threads=torch_way[1])]
    for one in outcomes:
        if one.entry is None or one.problem:
            timed.append(one)
            continue
        own_ms = {
            threads: taken_ms
            for (backend, threads), taken_ms in times_ms.items()
            if backend == one.backend
        }
        threads = fewest_threads(own_ms)
        entry = cache.keep_times(
            one.entry,
            forward_ms=own_ms[threads],
            torch_ms=torch_ms,
            measured=f'{width}x{height} pixels, {_name_threads(threads)}',
            threads=threads,
        )
        timed.append(
            PreparedBackend(
                backend=one.backend,
                problem='',
                entry=entry,
                forward_ms=entry.forward_ms,
                threads=threads,
            )
        )
    return timed


def _name_threads(threads: int) -> str:
    if not threads:
        return 'all cores'
    return f'{threads} thread{"s" if threads > 1 else ""}'


def _time_in_turn(
    detectors: dict[tuple[str, int], Detector], frame_bgr: npt.NDArray[np.uint8]
) -> dict[tuple[str, int], float]:
    """Return the median milliseconds of each forward pass; interleaving spreads disturbances."""
    prepared = {way: one.preprocess(frame_bgr) for way, one in detectors.items()}
    times_s: dict[tuple[str, int], list[float]] = {way: [] for way in detectors}
    started_s = perf_counter()
    for round_number in range(_WARM_UP_ROUNDS + _ROUNDS):
        late = perf_counter() - started_s > _ENOUGH_S
        if late and round_number >= _WARM_UP_ROUNDS + _FEWEST_ROUNDS:
            break
        for way, detector in detectors.items():
            answers = [detector.infer(prepared[way])[0] for _ in range(_PASSES_A_TURN)]
            if round_number >= _WARM_UP_ROUNDS:
                times_s[way] += [answer.forward_s for answer in answers[1:]]
    return {way: float(np.median(taken)) * 1e3 for way, taken in times_s.items()}
