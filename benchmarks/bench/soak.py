# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Endurance test: what grows while a detector runs and subscribers come and go."""

from __future__ import annotations

import logging
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import TYPE_CHECKING, Any

import numpy as np
from rcl_interfaces.srv import SetParametersAtomically
from rclpy.parameter import Parameter

from benchmarks.bench.errors import BenchError
from benchmarks.bench.process_meter import sample_process
from benchmarks.bench.spread import slope_per_hour, spread_ms

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rclpy.task import Future

    from benchmarks.bench.contender import Contender
    from benchmarks.bench.graph import BareForward
    from benchmarks.bench.graph_stand import GraphStand, Load

_log = logging.getLogger(__name__)
CHANGE_PERIOD_S = 7.0
CHURN_PERIOD_S = 11.0
# Memory pools, caches and the percentiles' window fill in the first tenth, at least this long.
_SETTLING_S = 60.0
_RESPONSE_WITHIN_S = 20.0
# Of each sample period, so that the node has the CPU for itself most of the time.
_BARE_S = 0.25


class Soak:
    """Load a detector for minutes, change its parameters, subscribe and go, and take samples.

    Every `CHANGE_PERIOD_S` its thresholds change; every `CHURN_PERIOD_S` someone begins or ends
    to watch its annotated images. With each sample the bare forward pass is timed in this process:
    where it becomes slower as the node does, the machine did.
    """

    def __init__(
        self,
        stand: GraphStand,
        contender: Contender,
        load: Load,
        *,
        bare: BareForward,
    ) -> None:
        self._stand = stand
        self._bare = bare
        # In a thread beside the listener, which must note the arrival of a result at once.
        self._beside = ThreadPoolExecutor(1, 'bare_forward')
        self._listener = stand.listener
        self._contender = contender
        self._load = load
        self._changes = count()
        self._churns = count()
        self._answers: list[Future] = []
        self._client = self._listener.node.create_client(
            SetParametersAtomically, f'/{contender.name}/detector/set_parameters_atomically'
        )

    def run(self, *, seconds: float, sample_period_s: float) -> dict[str, Any]:
        """Return the samples and their summary; raise BenchError if the node has ended."""
        self._stand.start(self._contender)
        publisher = self._stand.begin(self._contender, self._load)
        self._stand.settle(self._contender)
        if not self._client.wait_for_service(timeout_sec=_RESPONSE_WITHIN_S):
            msg = f'{self._client.srv_name} did not appear within {_RESPONSE_WITHIN_S:g} s.'
            raise BenchError(msg)
        with self._beside:
            samples = self._watch(seconds=seconds, sample_period_s=sample_period_s)
        self._stand.nodes.stop(publisher)
        answered = [answer for answer in self._answers if answer.done()]
        refused = sum(not answer.result().result.successful for answer in answered)
        self._listener.node.destroy_client(self._client)
        self._stand.nodes.stop(self._contender.name)
        return {
            'load': self._load.describe(),
            'seconds': seconds,
            'parameter_changes': len(self._answers),
            'parameter_changes_unanswered': len(self._answers) - len(answered),
            'parameter_changes_refused': refused,
            'subscriber_changes': next(self._churns),
            **summarise(samples),
            'samples': samples,
        }

    def _watch(self, *, seconds: float, sample_period_s: float) -> list[dict[str, Any]]:
        samples: list[dict[str, Any]] = []
        started_s = time.monotonic()
        due_s = {self._sample: sample_period_s, self._change: CHANGE_PERIOD_S}
        due_s[self._churn] = CHURN_PERIOD_S
        periods_s = dict(due_s)
        self._cpu_s = sample_process(self._stand.nodes.pid(self._contender.name)).cpu_s
        self._listener.forget()
        while (now_s := time.monotonic() - started_s) < seconds:
            for act, moment_s in due_s.items():
                if now_s >= moment_s:
                    due_s[act] += periods_s[act]
                    sample = act(now_s)
                    if sample is not None:
                        samples.append(sample)
            next_s = min(*due_s.values(), seconds)
            self._listener.spin(for_s=max(next_s - (time.monotonic() - started_s), 0.001))
        self._listener.watch_images(None)
        until_s = time.monotonic() + _RESPONSE_WITHIN_S
        while time.monotonic() < until_s and not all(one.done() for one in self._answers):
            self._listener.spin(for_s=0.1)
        return [
            {**sample, 'bare_forward_ms': sample['bare_forward_ms'].result()} for sample in samples
        ]

    def _sample(self, now_s: float) -> dict[str, Any]:
        self._stand.nodes.check(self._contender.name)
        process = sample_process(self._stand.nodes.pid(self._contender.name))
        ages_s, images = self._listener.ages_s, self._listener.images
        self._listener.forget()
        cpu_s, self._cpu_s = process.cpu_s - self._cpu_s, process.cpu_s
        _log.info('%.0f s: %.0f MB, %d results', now_s, process.memory_mb, len(ages_s))
        return {
            'at_s': round(now_s, 1),
            'memory_mb': process.memory_mb,
            'threads': process.threads,
            'handles': process.handles,
            'results': len(ages_s),
            'annotated_images': images,
            'age_ms': spread_ms(ages_s),
            'cpu_ms_per_result': round(cpu_s / len(ages_s) * 1e3, 1) if ages_s else None,
            'bare_forward_ms': self._beside.submit(
                self._bare.measure, self._load.size_wh, seconds=_BARE_S
            ),
        }

    def _change(self, _: float) -> None:
        turn = next(self._changes)
        parameters = [
            Parameter('confidence', value=0.2 + 0.01 * (turn % 10)).to_parameter_msg(),
            Parameter('iou', value=0.4 + 0.01 * (turn % 20)).to_parameter_msg(),
        ]
        request = SetParametersAtomically.Request(parameters=parameters)
        self._answers.append(self._client.call_async(request))

    def _churn(self, _: float) -> None:
        watches = next(self._churns) % 2 == 0
        topic = f'/{self._contender.name}/detector/image_annotated'
        self._listener.watch_images(topic if watches else None)


def summarise(samples: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the growth per hour after the settling time, and the extremes of other values."""
    if sum(one['results'] > 0 for one in samples) < 2:
        msg = f'Results came in fewer than 2 of {len(samples)} samples: soak for longer.'
        raise BenchError(msg)
    settling_s = min(_SETTLING_S, samples[-1]['at_s'] / 10)
    settled = [one for one in samples if one['at_s'] >= settling_s]
    moments_s = [one['at_s'] for one in settled]
    memory_mb = [one['memory_mb'] for one in settled]
    aged = [one for one in settled if one['results']]
    ages_ms = [one['age_ms']['p50'] for one in aged]
    return {
        'results': sum(one['results'] for one in samples),
        'samples_without_result': sum(not one['results'] for one in samples),
        'memory_mb_per_hour': round(slope_per_hour(moments_s, memory_mb), 2),
        'memory_mb': {**_thirds(memory_mb), 'most': max(memory_mb)},
        'age_p50_ms_per_hour': round(slope_per_hour([one['at_s'] for one in aged], ages_ms), 2),
        'age_p50_ms': _thirds(ages_ms),
        'cpu_ms_per_result': _thirds([one['cpu_ms_per_result'] for one in aged]),
        'bare_forward_ms': _thirds([one['bare_forward_ms']['p50'] for one in settled]),
        **{name: _extremes([one[name] for one in settled]) for name in ('threads', 'handles')},
    }


def _thirds(values: Sequence[float]) -> dict[str, float]:
    third = max(len(values) // 3, 1)
    return {
        'first_third': round(float(np.median(values[:third])), 2),
        'last_third': round(float(np.median(values[-third:])), 2),
    }


def _extremes(values: Sequence[int]) -> dict[str, int]:
    return {'least': min(values), 'most': max(values)}
