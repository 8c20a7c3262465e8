# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Compare Detector.detect with ultralytics' own prediction, frame by frame in turn.

Both run the same file on the same frames with the same runtime. Frames alternate between them, so
that a busy machine slows both alike: the ratio holds better than the milliseconds. On processors
with AMX ultralytics' OpenVINO backend computes in bf16 where ours computes in f32: set
ONEDNN_MAX_CPU_ISA=AVX512_CORE to compare equal arithmetic. Run with
PYTHONPATH=ros2_ws/src/roof_detector:

    python benchmarks/detect_against_ultralytics.py model.pt model.onnx model_openvino_model
"""

from __future__ import annotations

import argparse
import json
import platform
from collections.abc import Callable
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import torch

from roof_detector.inference.detector import Detector
from roof_detector.inference.quiet_ultralytics import import_quietly
from roof_detector.vision.thresholds import Thresholds

WARM_UP_FRAMES = 3


def main() -> None:
    """Measure each model file given and print a table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n', maxsplit=1)[0])
    parser.add_argument('models', nargs='+', type=Path, help='.pt, .onnx or OpenVINO folder')
    parser.add_argument('--frames', type=int, default=60, help='frames per model')
    parser.add_argument('--size', default='1280x720', help='frame size, width x height')
    parser.add_argument('--threads', type=int, default=2, help='threads of the runtime')
    parser.add_argument(
        '--cpu-time',
        action='store_true',
        help='count processor time, for a busy machine; with --threads 1',
    )
    parser.add_argument('--json', action='store_true', help='print JSON instead of a table')
    options = parser.parse_args()
    width, height = map(int, options.size.split('x'))
    clock = process_time if options.cpu_time else perf_counter
    frames = paint_frames(8, (width, height))
    results = [
        compare(model, frames, count=options.frames, threads=options.threads, clock=clock)
        for model in options.models
    ]
    if options.json:
        machine = {'machine': platform.machine(), 'python': platform.python_version()}
        print(json.dumps({**machine, 'size': options.size, 'results': results}, indent=2))
        return
    for row in results:
        print('  '.join(f'{key} {value}' for key, value in row.items()))


def compare(
    model: Path,
    frames: list[npt.NDArray[np.uint8]],
    *,
    count: int,
    threads: int,
    clock: Callable[[], float],
) -> dict[str, Any]:
    """Return medians in milliseconds and the ratio of throughputs for one model file."""
    thresholds = Thresholds()
    with Detector.open(model, device='cpu', threads=threads) as detector:
        yolo = import_quietly().YOLO(model, task=detector.task)
        stages: list[tuple[float, float, float]] = []

        def ours(frame: npt.NDArray[np.uint8]) -> None:
            detector.detect(frame, thresholds)
            times = detector.times
            stages.append((times.letterbox_s, times.forward_s, times.suppression_s))

        def theirs(frame: npt.NDArray[np.uint8]) -> None:
            yolo.predict(
                frame,
                conf=thresholds.confidence,
                iou=thresholds.iou,
                imgsz=detector.image_size[::-1],
                device='cpu',
                verbose=False,
            )

        theirs(frames[0])
        torch.set_num_threads(threads)  # its first prediction sets one less than there are cores
        times_s = time_in_turn((ours, theirs), frames, count=count, clock=clock)
        medians_ms = np.median(times_s, axis=0) * 1e3
        letterbox_ms, forward_ms, suppression_ms = np.median(stages[WARM_UP_FRAMES:], axis=0) * 1e3
        return {
            'backend': detector.backend,
            'detect_ms': round(float(medians_ms[0]), 2),
            'predict_ms': round(float(medians_ms[1]), 2),
            'ratio': round(float(np.median(times_s[:, 1] / times_s[:, 0])), 2),
            'letterbox_ms': round(float(letterbox_ms), 2),
            'forward_ms': round(float(forward_ms), 2),
            'suppression_ms': round(float(suppression_ms), 2),
        }


def time_in_turn(
    ways: tuple[Callable[[npt.NDArray[np.uint8]], None], ...],
    frames: list[npt.NDArray[np.uint8]],
    *,
    count: int,
    clock: Callable[[], float],
) -> npt.NDArray[np.float64]:
    """Return seconds (count, ways), each frame going through every way in turn."""
    times_s = np.zeros((WARM_UP_FRAMES + count, len(ways)))
    for i in range(len(times_s)):
        for j, way in enumerate(ways):
            started_s = clock()
            way(frames[i % len(frames)])
            times_s[i, j] = clock() - started_s
    return times_s[WARM_UP_FRAMES:]


def paint_frames(count: int, size_wh: tuple[int, int]) -> list[npt.NDArray[np.uint8]]:
    """Paint frames of smooth noise: the time of a network does not depend on what it sees."""
    random = np.random.default_rng(0)
    coarse = random.integers(0, 256, (count, 45, 80, 3), dtype=np.uint8)
    return [cv2.resize(one, size_wh).astype(np.uint8) for one in coarse]


if __name__ == '__main__':
    main()
