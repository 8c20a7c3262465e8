# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The timing of a model's exports on this machine, beside torch and by number of threads."""

from __future__ import annotations

import contextlib
from time import perf_counter, process_time
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from roof_detector.inference.export.busy_machine import Intake, busy_neighbour
from roof_detector.inference.export.preparation import Preparation, PreparedBackend
from roof_detector.inference.export.thread_choice import fewest_threads
from roof_detector.inference.pass_cost import PassCost
from roof_detector.vision.letterbox import Letterbox

if TYPE_CHECKING:
    from collections.abc import Sequence

    from roof_detector.inference.detector import Detector
    from roof_detector.inference.options import BackendName

_ROUNDS = 4
_WARM_UP_ROUNDS = 1
# The first pass of a turn finds the caches and threads of the turn before, and does not count.
_PASSES_A_TURN = 4
# A busy machine gets fewer rounds: its times are noisy anyway, their ratios are not.
_FEWEST_ROUNDS = 2
_ENOUGH_S = 20.0

# A backend with a number of threads, 0 for the runtime's own.
_Way = tuple['BackendName', int]
# Median milliseconds by the clock and of the CPU.
_Times = dict[_Way, tuple[float, float]]


def time_prepared(
    preparation: Preparation, outcomes: Sequence[PreparedBackend]
) -> list[PreparedBackend]:
    """Time the usable exports and torch, interleaved, alone and beside a busy process.

    What is timed is what flies: the input that the frames have in flight, several numbers of
    threads unless one is given, and a thread that takes in 30 images a second meanwhile.
    """
    cache = preparation.cache
    image_bgr = preparation.frames[0]
    with contextlib.ExitStack() as stack:
        torch_detector = stack.enter_context(preparation.open('torch'))
        detectors: dict[_Way, Detector] = {
            ('torch', threads): torch_detector for threads in preparation.threads_tried()
        }
        for one in outcomes:
            if one.entry is not None and not one.problem:
                path = cache.path(one.entry)
                for threads in preparation.threads_tried():
                    detectors[one.backend, threads] = stack.enter_context(
                        preparation.open(one.backend, path=path, threads=threads)
                    )
        alone = _time_in_turn(detectors, image_bgr)
        with busy_neighbour():
            beside = _time_in_turn(detectors, image_bgr)
        width, height = torch_detector.preprocess(image_bgr).geometry.input_wh
        if threads := max(preparation.threads_tried()):  # of the whole process
            torch_detector.use_threads(threads)
    torch_cost = _cost('torch', alone, beside)
    timed = [
        PreparedBackend(
            backend='torch',
            forward_ms=torch_cost.alone_ms,
            threads=torch_cost.alone_threads,
            cost=torch_cost,
        )
    ]
    for one in outcomes:
        if one.entry is None or one.problem:
            timed.append(one)
            continue
        cost = _cost(one.backend, alone, beside)
        entry = cache.keep_times(
            one.entry,
            forward_ms=cost.alone_ms,
            torch_ms=torch_cost.alone_ms,
            measured=f'{width}x{height} pixels, {_name_threads(cost)}',
            threads=cost.alone_threads,
            cost=cost,
            torch_cost=torch_cost,
        )
        timed.append(
            PreparedBackend(
                backend=one.backend,
                entry=entry,
                forward_ms=cost.alone_ms,
                threads=cost.alone_threads,
                cost=cost,
            )
        )
    return timed


def _cost(backend: BackendName, alone: _Times, beside: _Times) -> PassCost:
    """Return what a backend costs with the threads that are best alone, and best beside others."""
    best = [
        fewest_threads(
            {threads: wall for (name, threads), (wall, _) in one.items() if name == backend}
        )
        for one in (alone, beside)
    ]
    return PassCost(*alone[backend, best[0]], best[0], *beside[backend, best[1]], best[1])


def _name_threads(cost: PassCost) -> str:
    if not cost.alone_threads:
        return 'all cores'
    text = f'{cost.alone_threads} thread{"s" if cost.alone_threads > 1 else ""}'
    if cost.beside_threads == cost.alone_threads:
        return text
    return f'{text}, {cost.beside_threads} beside a busy process'


def _time_in_turn(detectors: dict[_Way, Detector], image_bgr: npt.NDArray[np.uint8]) -> _Times:
    """Return the median milliseconds of each forward pass; interleaving spreads disturbances."""
    prepared = {way: one.preprocess(image_bgr) for way, one in detectors.items()}
    times_s: dict[_Way, list[tuple[float, float]]] = {way: [] for way in detectors}
    size_wh = image_bgr.shape[1], image_bgr.shape[0]
    started_s = perf_counter()
    with Intake(image_bgr, Letterbox.fit(size_wh)) as intake:
        for round_number in range(_WARM_UP_ROUNDS + _ROUNDS):
            late = perf_counter() - started_s > _ENOUGH_S
            if late and round_number >= _WARM_UP_ROUNDS + _FEWEST_ROUNDS:
                break
            for way, detector in detectors.items():
                if way[0] == 'torch' and way[1]:
                    detector.use_threads(way[1])
                for pass_number in range(_PASSES_A_TURN):
                    began_s = process_time() - intake.cpu_s
                    forward_s = detector.infer(prepared[way])[0].forward_s
                    cpu_s = process_time() - intake.cpu_s - began_s
                    if pass_number and round_number >= _WARM_UP_ROUNDS:
                        times_s[way].append((forward_s, cpu_s))
    return {
        way: (float(wall_s) * 1e3, max(float(cpu_s), 1e-6) * 1e3)
        for way, taken in times_s.items()
        for wall_s, cpu_s in [np.median(taken, axis=0)]
    }
