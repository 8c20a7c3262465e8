# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Times of a network and of a detector on one backend, without ROS."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from benchmarks.bench.frames import bench_frames
from benchmarks.bench.interleaving import Frame, throughput_ratio, time_interleaved
from benchmarks.bench.predictions import UltralyticsPrediction
from benchmarks.bench.spread import spread_ms
from roof_detector.inference.detector import Detector
from roof_detector.inference.device_name import available_cores
from roof_detector.vision.thresholds import Thresholds

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from roof_detector.inference.options import PrecisionOption


def time_forward(
    models: Sequence[Path],
    *,
    size_wh: tuple[int, int],
    count: int,
    threads: int,
    precision: PrecisionOption = 'auto',
) -> list[dict[str, Any]]:
    """Return the bare forward pass of each model file: normalised pixels in, predictions out.

    All files are open at once and run interleaved.
    """
    frames = list(bench_frames(size_wh))
    threads = threads or available_cores()
    detectors = [Detector.open(path, precision=precision, threads=threads) for path in models]
    prepared = [{id(frame): one.preprocess(frame) for frame in frames} for one in detectors]
    ways = {
        str(i): (lambda frame, one=one, fitted=fitted: one.infer(fitted[id(frame)]))
        for i, (one, fitted) in enumerate(zip(detectors, prepared, strict=True))
    }
    times_s = time_interleaved(ways, frames, count=count)
    rows = [
        {
            **_facts(one, size_wh),
            'input': _input_size(one, size_wh),
            'forward_ms': spread_ms(times_s[str(i)]),
        }
        for i, one in enumerate(detectors)
    ]
    for one in detectors:
        one.close()
    return rows


def time_detect(
    model: Path,
    *,
    size_wh: tuple[int, int],
    count: int,
    threads: int,
    precision: PrecisionOption = 'auto',
) -> dict[str, Any]:
    """Return the times of the stages of `Detector.detect`, and of `YOLO.predict` with its file."""
    frames = list(bench_frames(size_wh))
    thresholds = Thresholds()
    stages_s: dict[str, list[float]] = defaultdict(list)
    threads = threads or available_cores()
    with Detector.open(model, precision=precision, threads=threads) as detector:
        theirs = UltralyticsPrediction(detector, thresholds, threads=threads)
        theirs.warm_up(frames[0])

        def detect(frame: Frame) -> None:
            detector.detect(frame, thresholds)
            times = detector.times
            stages_s['letterbox'].append(times.letterbox_s)
            stages_s['forward'].append(times.forward_s)
            stages_s['suppression'].append(times.suppression_s)

        times_s = time_interleaved({'ours': detect, 'theirs': theirs.predict}, frames, count=count)
        return {
            **_facts(detector, size_wh),
            'input': _input_size(detector, size_wh),
            'found': [len(detector.detect(frame, thresholds)) for frame in frames],
            'found_by_predict': [len(theirs.predict(frame)[0].boxes) for frame in frames],
            'detect_ms': spread_ms(times_s['ours']),
            'predict_ms': spread_ms(times_s['theirs']),
            'stages_ms': {name: spread_ms(taken_s[-count:]) for name, taken_s in stages_s.items()},
            'throughput_to_predict': throughput_ratio(times_s['ours'], times_s['theirs']),
        }


def _facts(detector: Detector, size_wh: tuple[int, int]) -> dict[str, str]:
    return {
        'model': detector.model_path.name,
        'backend': detector.backend,
        'precision': detector.precision,
        'device': detector.device,
        'size': f'{size_wh[0]}x{size_wh[1]}',
    }


def _input_size(detector: Detector, size_wh: tuple[int, int]) -> str:
    width, height = detector.preprocess(bench_frames(size_wh)[0]).geometry.input_wh
    return f'{width}x{height}'
