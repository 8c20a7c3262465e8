# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Builds, checks and times a model's exports for this machine, before a flight."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import numpy as np
import numpy.typing as npt

from roof_detector.inference.backend_choice import (
    export_precision,
    key_of,
    resolve_device,
    why_not_here,
)
from roof_detector.inference.detector import Detector
from roof_detector.inference.errors import BadModel, ExportFailed, InferenceError, ParityFailed
from roof_detector.inference.exports.build import build_export
from roof_detector.inference.exports.export_cache import CacheEntry, ExportCache, ExportKey
from roof_detector.inference.exports.recipe import ExportRecipe
from roof_detector.inference.model_file import backend_for, hash_model

_FORMATS = {'onnxruntime': 'onnx', 'openvino': 'openvino', 'tensorrt': 'engine'}
_ROUNDS = 6
_WARM_UP_ROUNDS = 1
# The threads of the runtime whose turn it was before still spin during the first.
_PASSES_A_TURN = 4
# A busy machine gets fewer rounds: its times are noise anyway, their ratios are not.
_FEWEST_ROUNDS = 2
_ENOUGH_S = 20.0


@dataclass(frozen=True)
class PreparedBackend:
    """Hold how a backend came out: its time, or why it cannot be used; torch has no `entry`."""

    backend: str
    problem: str = ''
    entry: CacheEntry | None = None
    forward_ms: float = 0.0


@dataclass(frozen=True, eq=False)
class Preparation:
    """Hold what is prepared, where, on what frames it is checked and how it is timed.

    `frames` are pictures (height, width, 3) uint8 BGR as the camera will send them; `image_size`
    None stands for the model's own.
    """

    model_path: Path
    cache: ExportCache
    frames: Sequence[npt.NDArray[np.uint8]]
    device: str = 'auto'
    precision: str = 'auto'
    image_size: tuple[int, int] | None = None
    threads: int | None = None
    trust_model: bool = False

    def key(self, backend: str) -> ExportKey:
        """Return the key of the export for a backend."""
        device = resolve_device(self.device)
        precision = export_precision(self.precision, device)
        return key_of(self.model_path, backend, precision=precision, device=device)

    def why_not(self, backend: str) -> str:
        """Say why an export for a backend could not run here; empty where it can."""
        device = resolve_device(self.device)
        return why_not_here(backend, device, export_precision(self.precision, device))

    def open(self, backend: str, *, path: Path | None = None) -> Detector:
        """Open the checkpoint, or an export of it."""
        return Detector.open(
            path or self.model_path,
            device=self.device,
            backend=backend,
            image_size=self.image_size,
            precision=self.precision,
            trust_model=self.trust_model or path is not None,
            threads=self.threads,
        )


def prepare_exports(
    preparation: Preparation,
    backends: Sequence[str],
    *,
    again: bool = False,
    progress: Callable[[str], None] = lambda _: None,
) -> list[PreparedBackend]:
    """Build what the cache lacks, then time everything that is usable beside torch.

    A backend that cannot be had stops no other. An export that answers otherwise than its
    checkpoint is removed, and the cache remembers that it did. `again` builds all anew. Raises
    BadModel for what is no checkpoint.
    """
    if backend_for(preparation.model_path) != 'torch':
        raise BadModel(f'{preparation.model_path} is an export already, give its checkpoint.')
    outcomes = []
    for backend in backends:
        if reason := preparation.why_not(backend):
            outcomes.append(PreparedBackend(backend, reason))
            continue
        entry = None if again else _kept(preparation, backend)
        if entry is None:
            try:
                entry = _build(preparation, backend, lambda step: progress(f'{backend}: {step}'))  # noqa: B023
            except InferenceError as error:
                outcomes.append(PreparedBackend(backend, str(error)))
                continue
        outcomes.append(PreparedBackend(backend, entry.refused, entry))
    progress('timing')
    return time_prepared(preparation, outcomes)


def time_prepared(
    preparation: Preparation, outcomes: Sequence[PreparedBackend]
) -> list[PreparedBackend]:
    """Time the usable ones and torch, some passes each in turn, and keep the medians."""
    cache = preparation.cache
    with contextlib.ExitStack() as stack:
        detectors = {'torch': stack.enter_context(preparation.open('torch'))}
        for one in outcomes:
            if one.entry is not None and not one.problem:
                path = cache.path(one.entry)
                detectors[one.backend] = stack.enter_context(
                    preparation.open(one.backend, path=path)
                )
        times_ms = _time_in_turn(detectors, preparation.frames[0])
        width, height = detectors['torch'].prepare(preparation.frames[0]).geometry.input_wh
    threads = preparation.threads or 'all'
    measured = f'{width}x{height} pixels, {threads} threads'
    timed = [PreparedBackend('torch', forward_ms=times_ms['torch'])]
    for one in outcomes:
        if one.entry is None or one.problem:
            timed.append(one)
            continue
        entry = cache.keep_times(
            one.entry,
            forward_ms=times_ms[one.backend],
            torch_ms=times_ms['torch'],
            measured=measured,
        )
        timed.append(PreparedBackend(one.backend, '', entry, entry.forward_ms))
    return timed


def _kept(preparation: Preparation, backend: str) -> CacheEntry | None:
    entry = preparation.cache.find(preparation.key(backend))
    if entry is None or entry.refused:
        return None
    try:
        preparation.cache.path(entry)
    except BadModel:
        return None
    return entry


def _build(preparation: Preparation, backend: str, progress: Callable[[str], None]) -> CacheEntry:
    key, source = preparation.key(backend), preparation.model_path.name
    try:
        with preparation.cache.making(key) as folder:
            try:
                built = build_export(
                    preparation.model_path,
                    ExportRecipe(
                        _FORMATS[backend],
                        image_size=preparation.image_size,
                        # What computes in bf16 rounds weights of 32 bits itself.
                        precision='f16' if key.precision == 'f16' else 'f32',
                        # A camera of any shape then sees what it would with the checkpoint.
                        dynamic=True,
                    ),
                    folder=folder,
                    frames=preparation.frames,
                    trust_model=preparation.trust_model,
                    progress=progress,
                )
                entry = CacheEntry(key, source, built.path.name, hash_model(built.path))
            except ParityFailed as error:
                worst = error.report.worst
                refused = (
                    f'parity failed: boxes off by {worst.box_px:.2g} px, scores by '
                    f'{worst.score:.2g}'
                )
                entry = CacheEntry(key, source, '', '', refused=refused)
            entry.write(folder)
    except OSError as error:
        raise ExportFailed(
            f'{preparation.cache.folder} cannot be written ({error.strerror or error}). Free some '
            'space or choose another folder with --cache.'
        ) from error
    return entry


def _time_in_turn(
    detectors: dict[str, Detector], frame_bgr: npt.NDArray[np.uint8]
) -> dict[str, float]:
    """Return the median milliseconds of each forward pass; whatever disturbs meets all alike."""
    prepared = {name: one.prepare(frame_bgr) for name, one in detectors.items()}
    times_s: dict[str, list[float]] = {name: [] for name in detectors}
    started_s = perf_counter()
    for round_number in range(_WARM_UP_ROUNDS + _ROUNDS):
        late = perf_counter() - started_s > _ENOUGH_S
        if late and round_number >= _WARM_UP_ROUNDS + _FEWEST_ROUNDS:
            break
        for name, detector in detectors.items():
            answers = [detector.forward(prepared[name])[0] for _ in range(_PASSES_A_TURN)]
            if round_number >= _WARM_UP_ROUNDS:
                times_s[name] += [answer.forward_s for answer in answers[1:]]
    return {name: float(np.median(taken)) * 1e3 for name, taken in times_s.items()}
