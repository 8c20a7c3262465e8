# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Times of a detector on a CUDA device, and its detections beside those of the CPU."""

from __future__ import annotations

import logging
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from benchmarks.bench.frames import bench_frames
from benchmarks.bench.interleaving import throughput_ratio, time_interleaved
from benchmarks.bench.predictions import UltralyticsPrediction
from benchmarks.bench.spread import spread_ms
from roof_detector.inference.backend_choice import BackendChoice
from roof_detector.inference.backends.host_output import HostOutput
from roof_detector.inference.backends.torch_backend import TorchBackend
from roof_detector.inference.detector import Detector
from roof_detector.inference.device_name import available_cores
from roof_detector.vision.matching import assign, pairwise_iou
from roof_detector.vision.thresholds import Thresholds

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from benchmarks.bench.interleaving import Frame
    from roof_detector.inference.detector import NetworkOutput
    from roof_detector.inference.options import PrecisionOption
    from roof_detector.vision.detections import Detections

_log = logging.getLogger(__name__)
_THRESHOLDS = Thresholds()
_SAME_IOU = 0.5


def time_on_device(
    model: Path,
    *,
    device: str,
    precision: PrecisionOption,
    batches: Sequence[int],
    size_wh: tuple[int, int],
    count: int,
) -> dict[str, Any]:
    """Return the times of a detector on a device, of its parts, and of others on the same frames.

    `without_graphs_ms` is the same detector with the network's kernels started one by one,
    `predict_ms` that of ultralytics in FP32, `predict_half_ms` in FP16; all are interleaved.
    """
    frames = list(bench_frames(size_wh))
    with ExitStack() as opened:
        ours = opened.enter_context(
            Detector.open(model, device=device, backend='torch', precision=precision)
        )
        kernels = opened.enter_context(_without_graphs(ours, precision=precision))
        ways: dict[str, Callable[[Frame], object]] = {
            'detect': lambda frame: ours.detect(frame, _THRESHOLDS),
            'without_graphs': lambda frame: kernels.detect(frame, _THRESHOLDS),
        }
        for name, half in (('predict', False), ('predict_half', True)):
            if not half or ours.precision == 'f16':
                theirs = UltralyticsPrediction(
                    ours, _THRESHOLDS, threads=available_cores(), half=half
                )
                theirs.warm_up(frames[0])
                ways[name] = theirs.predict
        for one in (ours, kernels):
            one.warm_up(size_wh)
        times_s = time_interleaved(ways, frames, count=count)
        return {
            'model': ours.model_path.name,
            'device': ours.device,
            'precision': ours.precision,
            'size': f'{size_wh[0]}x{size_wh[1]}',
            **{f'{name}_ms': spread_ms(taken_s) for name, taken_s in times_s.items()},
            **{
                f'throughput_to_{name}': throughput_ratio(times_s['detect'], taken_s)
                for name, taken_s in times_s.items()
                if name != 'detect'
            },
            'parts_ms': _time_parts(ours, kernels, frames, count=count),
            'batches': [_time_batch(ours, frames, size, count=count) for size in batches],
            'beside_cpu': _compare(ours, model, frames),
        }


def _without_graphs(ours: Detector, *, precision: PrecisionOption) -> Detector:
    backend = TorchBackend(ours.model_path, device=ours.device, precision=precision, graphs=False)
    return Detector(
        backend,
        model_path=ours.model_path,
        image_size=ours.image_size,
        choice=BackendChoice(backend='torch', reason='it is asked for'),
        class_facts=ours.class_facts,
    )


def _time_parts(
    ours: Detector, kernels: Detector, frames: Sequence[Frame], *, count: int
) -> dict[str, dict[str, float]]:
    """Return the times of the parts, each waited for: those of a frame overlap in a pipeline.

    `select` chooses the detections as `DeviceOutput` does, `select_on_host` on the host after a
    copy of all predictions; without masks both are the same since 2026-11-29.
    """
    of_frame = {id(frame): ours.preprocess(frame) for frame in frames}
    outputs = {id(frame): ours.infer(of_frame[id(frame)])[0] for frame in frames}
    _wait(ours)

    def preprocess(frame: Frame) -> None:
        ours.preprocess(frame)
        _wait(ours)

    def on_host(output: NetworkOutput) -> Detections:
        copied = HostOutput(output.raw.predictions, output.raw.prototypes)
        return ours.postprocess(replace(output, raw=copied), _THRESHOLDS)

    ways: dict[str, Callable[[Frame], object]] = {
        'preprocess': preprocess,
        'network': lambda frame: ours.infer(of_frame[id(frame)]),
        'network_without_graph': lambda frame: kernels.infer(of_frame[id(frame)]),
        'select': lambda frame: ours.postprocess(outputs[id(frame)], _THRESHOLDS),
        'select_on_host': lambda frame: on_host(outputs[id(frame)]),
    }
    times_s = time_interleaved(ways, frames, count=count)
    return {name: spread_ms(taken_s) for name, taken_s in times_s.items()}


def _time_batch(
    ours: Detector, frames: Sequence[Frame], size: int, *, count: int
) -> dict[str, Any]:
    """Return the times of so many images, from their pixels to their detections."""
    images = [frames[i % len(frames)] for i in range(size)]

    def detect_all(_: Frame) -> None:
        outputs = ours.infer(*(ours.preprocess(image) for image in images))
        for output in outputs:
            ours.postprocess(output, _THRESHOLDS)

    prepared = [ours.preprocess(image) for image in images]
    ways: dict[str, Callable[[Frame], object]] = {
        'network': lambda _: ours.infer(*prepared),
        'detect': detect_all,
    }
    times_s = time_interleaved(ways, frames, count=max(count // size, 10))
    return {
        'images': size,
        **{f'{name}_ms': spread_ms(taken_s) for name, taken_s in times_s.items()},
        'images_per_s': round(size / float(np.median(times_s['detect'])), 1),
    }


def _compare(ours: Detector, model: Path, frames: Sequence[Frame]) -> dict[str, Any]:
    """Return how many detections the CPU in FP32 and the device share, and how they differ."""
    shared, only_cpu, only_device = 0, 0, 0
    confidences, corners_px = [0.0], [0.0]
    with Detector.open(model, device='cpu', backend='torch', precision='f32') as plain:
        for frame in frames:
            expected, found = (one.detect(frame, _THRESHOLDS) for one in (plain, ours))
            overlap = pairwise_iou(found.boxes_xyxy, expected.boxes_xyxy)
            overlap[found.class_ids[:, None] != expected.class_ids] = 0
            targets = assign(overlap, least_iou=_SAME_IOU)
            rows = np.flatnonzero(targets >= 0)
            columns = targets[rows]
            shared += len(rows)
            only_cpu += len(expected) - len(rows)
            only_device += len(found) - len(rows)
            confidences += np.abs(found.scores[rows] - expected.scores[columns]).tolist()
            corners_px += (
                np.abs(found.boxes_xyxy[rows] - expected.boxes_xyxy[columns]).ravel().tolist()
            )
    return {
        'shared': shared,
        'only_cpu': only_cpu,
        'only_device': only_device,
        'confidence': round(max(confidences), 4),
        'corner_px': round(max(corners_px), 3),
    }


def _wait(detector: Detector) -> None:
    if detector.device != 'cpu':
        torch.cuda.synchronize(detector.device)
