# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Frames a second of `roof_detector detect` on a video, beside `yolo predict` of ultralytics.

Three ways in turns, so that other work on the machine meets all of them: one frame after another
on all cores, passes of one thread each side by side (what `detect` does), and ultralytics with the
same weights, input, thresholds, runtime and precision on the same video. Opening models is not
counted; reading, decoding and writing results are. `ratios` are medians of the rounds.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
import time
from contextlib import closing
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import av

from benchmarks.bench.machine import describe_run
from benchmarks.bench.result_file import write_result
from roof_detector.inference.detector import Detector
from roof_detector.inference.device_name import available_cores
from roof_detector.inference.export.build import build_export
from roof_detector.inference.export.recipe import ExportRecipe
from roof_detector.inference.quiet_ultralytics import import_quietly
from roof_detector.inference.shipped_weights import resolve_model
from roof_detector.offline.batch import detect_all
from roof_detector.offline.settings import DetectSettings, OutputSettings
from roof_detector.simulation.flight.sample_frames import sample_frames
from roof_detector.vision.thresholds import Thresholds

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray

THRESHOLDS = Thresholds()
# ultralytics lets OpenVINO compute in BF16 where the CPU can, and ONNX Runtime in FP32.
FORMATS = {'openvino': ('openvino', 'bf16'), 'onnxruntime': ('onnx', 'f32')}


def main() -> None:
    """Measure and write the result file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--backend', choices=FORMATS, default='openvino')
    parser.add_argument('--model', default='roof_anomalies')
    parser.add_argument('--frames', type=int, default=120)
    parser.add_argument('--rounds', type=int, default=5)
    parser.add_argument(
        '--output', type=Path, default=Path('benchmarks/results/offline_throughput.json')
    )
    options = parser.parse_args()
    described = describe_run()
    with tempfile.TemporaryDirectory() as folder:
        rounds = measure(options, Path(folder))
    names = ['one_after_another', 'side_by_side', 'yolo_predict']
    rates = {name: median(one[name] for one in rounds) for name in names}
    ratios = {
        f'side_by_side / {name}': round(
            median(one['side_by_side'] / one[name] for one in rounds), 2
        )
        for name in ('one_after_another', 'yolo_predict')
    }
    result = {
        'backend': options.backend,
        'precision': FORMATS[options.backend][1],
        'frames': options.frames,
        'lanes': available_cores(),
        'cpu_ms_per_frame': {
            name: round(median(one[f'{name}_cpu_ms'] for one in rounds), 1) for name in names
        },
        'frames_per_s': {name: round(rate, 2) for name, rate in rates.items()},
        'ratios': ratios,
        'rounds': rounds,
    }
    write_result(options.output, 'offline_throughput', described, result)
    print(json.dumps(result, indent=1))


def measure(options: argparse.Namespace, folder: Path) -> list[dict[str, float]]:
    """Return the frames a second of each way in each round."""
    images = sample_frames(12)
    video = write_video(folder / 'flight.mp4', images, frames=options.frames)
    ways = {
        'one_after_another': ours(options, video, folder, lanes=1),
        'side_by_side': ours(options, video, folder, lanes=available_cores()),
        'yolo_predict': ultralytics(options, video, folder, images),
    }
    rounds = []
    for number in range(options.rounds + 1):
        taken: dict[str, float] = {}
        for name, run in ways.items():
            started_s, cpu_s = time.perf_counter(), time.process_time()
            run()
            taken[name] = round(options.frames / (time.perf_counter() - started_s), 3)
            cpu_s = time.process_time() - cpu_s
            taken[f'{name}_cpu_ms'] = round(cpu_s / options.frames * 1e3, 2)
        if number:  # the first one warms up
            rounds.append(taken)
    return rounds


def ours(
    options: argparse.Namespace, video: Path, folder: Path, *, lanes: int
) -> Callable[[], None]:
    """Return a run of `detect` over the video, with an open detector."""
    detector = Detector.open(
        resolve_model(options.model),
        device='cpu',
        backend=options.backend,
        precision=FORMATS[options.backend][1],
        threads=None if lanes > 1 else available_cores(),
        lanes=lanes,
    )
    detector.warm_up()
    settings = DetectSettings(THRESHOLDS, OutputSettings())

    def run() -> None:
        output = folder / 'out'
        for outcome in detect_all(
            [str(video)], output, detector=detector, settings=settings, progress='none'
        ):
            assert not outcome.failure, outcome.failure
        shutil.rmtree(output)

    return run


def ultralytics(
    options: argparse.Namespace, video: Path, folder: Path, images: Sequence[NDArray[np.uint8]]
) -> Callable[[], None]:
    """Return a run of `yolo predict save_txt` over the video, with a loaded model."""
    export = build_export(
        resolve_model(options.model),
        ExportRecipe(format=FORMATS[options.backend][0], dynamic=True),  # type: ignore[arg-type]
        folder=folder,
        frames=images[:2],
    )
    yolo: Any = import_quietly().YOLO(export.path, task='detect')

    def run() -> None:
        for _ in yolo.predict(
            str(video),
            stream=True,
            conf=THRESHOLDS.confidence,
            iou=THRESHOLDS.iou,
            device='cpu',
            save_txt=True,
            project=str(folder / 'yolo'),
            exist_ok=True,
            verbose=False,
        ):
            pass
        shutil.rmtree(folder / 'yolo')

    return run


def write_video(path: Path, images: Sequence[NDArray[np.uint8]], *, frames: int) -> Path:
    """Write the images again and again as H.264, 30 frames a second."""
    height, width = images[0].shape[:2]
    with closing(av.open(str(path), 'w')) as container:
        stream = container.add_stream('libx264', rate=30)
        stream.width, stream.height, stream.pix_fmt = width, height, 'yuv420p'
        for number in range(frames):
            frame = av.VideoFrame.from_ndarray(images[number % len(images)], format='bgr24')
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


if __name__ == '__main__':
    main()
