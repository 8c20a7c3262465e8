# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Check that the model loads, and measure its speed."""

from __future__ import annotations

from time import perf_counter

import numpy as np

from roof_detector.doctor.finding import Finding, fail, ok, warn

_SUBJECT = 'model'
_INSTALL = 'make setup'
_FRAMES = 3
# Below this, a drone at walking pace moves by more than the overlap of two images per result.
_SLOW_HZ = 2.0


def check_model(model: str) -> list[Finding]:
    """Load the model as the detector does and run it on some frames of noise."""
    try:
        from roof_detector.inference.detector import Detector  # noqa: PLC0415
        from roof_detector.inference.errors import InferenceError  # noqa: PLC0415
        from roof_detector.inference.export.export_cache import ExportCache  # noqa: PLC0415
        from roof_detector.inference.shipped_weights import (  # noqa: PLC0415
            resolve_model,
            shipped_models,
        )
        from roof_detector.vision.thresholds import Thresholds  # noqa: PLC0415
    except ImportError as error:
        return [fail(_SUBJECT, f'The inference library is incomplete ({error}).', _INSTALL)]
    path = resolve_model(model)
    shipped = ', '.join(shipped_models()) or 'none'
    if not path.exists():
        return [
            fail(
                _SUBJECT,
                f'{model!r} is neither a file nor a shipped model (shipped: {shipped}).',
                'roof_detector doctor --model PATH, and the same path as parameter model',
            )
        ]
    try:
        detector = Detector.open(path, cache=ExportCache.usual())
        detector.warm_up()
        # The content of an image does not affect the time, so noise will do.
        noise = np.random.default_rng(0).integers(0, 256, (720, 1280, 3), dtype=np.uint8)
        started = perf_counter()
        for _ in range(_FRAMES):
            detector.detect(noise, Thresholds())
        frame_s = (perf_counter() - started) / _FRAMES
    except InferenceError as error:
        return [
            fail(_SUBJECT, str(error), f'roof_detector doctor --model {shipped.split(",")[0]}')
        ]
    summary = (
        f'{path} ({detector.task}, {detector.backend} on {detector.device}): '
        f'{frame_s * 1e3:.0f} ms a frame; finds {_names(detector.names)}. '
        f'Backend {detector.choice.sentence}'
    )
    detector.close()
    if frame_s > 1 / _SLOW_HZ:
        return [
            warn(
                _SUBJECT,
                f'{summary} That is less than {_SLOW_HZ:.0f} results/s.',
                f'roof_detector models prepare {model}  # and end other programs',
            )
        ]
    return [ok(_SUBJECT, summary)]


def _names(names: tuple[str, ...], *, most: int = 8) -> str:
    more = len(names) - most
    return ', '.join(names[:most]) + (f' and {more} more' if more > 0 else '')
