# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The cost of a model of the zoo: weights, operations, and time on this machine's CPU."""

from __future__ import annotations

import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from ultralytics.models import YOLO

from roof_detector.blocks.model_files import model_files
from roof_detector.inference.openvino_core import openvino_core
from training.research.flop_count import FlopCount, count_flops

STOCK = 'YOLO11'

Runner = Callable[[], object]


@dataclass(frozen=True, kw_only=True)
class ModelName:
    """A model by variant (of the zoo or stock), scale and task."""

    variant: str
    task: str
    scale: str

    @property
    def file_name(self) -> str:
        """Return the file name from which ultralytics builds the model."""
        variant = '' if self.variant == STOCK else f'-{self.variant}'
        return f'yolo11{self.scale}{variant}{"-seg" if self.task == "segment" else ""}.yaml'


@dataclass(frozen=True, kw_only=True)
class ModelCost:
    """The cost of a model that needs no clock."""

    name: ModelName
    parameters: int
    flops: FlopCount


def variants() -> tuple[str, ...]:
    """Return the stock model and all variants of the zoo."""
    stems = (path.stem for path in model_files())
    own = (stem.removeprefix('yolo11-') for stem in stems if not stem.endswith('-seg'))
    return (STOCK, *own)


def model_cost(name: ModelName, *, image_size: int) -> ModelCost:
    """Count the cost of a model of the zoo, for 80 classes."""
    parameters, flops = network_cost(_network(name), image_size=image_size)
    return ModelCost(name=name, parameters=parameters, flops=flops)


def network_cost(network: Any, *, image_size: int) -> tuple[int, FlopCount]:
    """Count a network's weights in training and its operations at inference.

    The operations are those of the fused network on one square image, without NMS. The network is
    fused in place.
    """
    parameters = sum(weights.numel() for weights in network.parameters())
    fused = network.fuse(verbose=False)
    fused.model[-1].export = True
    image = torch.zeros(1, 3, image_size, image_size)
    with torch.no_grad():
        fused(image)  # creates the anchors, which are cached and not counted
    return parameters, count_flops(lambda: fused(image))


def time_models(
    names: Sequence[ModelName],
    *,
    backends: Sequence[str],
    image_size: int,
    repeats: int,
    threads: int,
) -> dict[tuple[ModelName, str], float]:
    """Return the median milliseconds of each model with each backend.

    ONNX Runtime and OpenVINO read the same ONNX file. All models are loaded first and run
    interleaved, one image each, so that other load affects all of them alike: ratios are more
    reliable than times.
    """
    torch.set_num_threads(threads)
    folder = Path(tempfile.mkdtemp(prefix='roof_detector_models_'))
    try:
        runners = {
            (name, backend): _runner(name, backend, folder, image_size, threads)
            for name in names
            for backend in backends
        }
        taken: dict[tuple[ModelName, str], list[float]] = {key: [] for key in runners}
        for round_number in range(repeats + 1):
            for key, run in runners.items():
                start = time.perf_counter()
                run()
                if round_number > 0:  # the first round warms up
                    taken[key].append((time.perf_counter() - start) * 1e3)
        return {key: statistics.median(times) for key, times in taken.items()}
    finally:
        shutil.rmtree(folder)


def _network(name: ModelName) -> Any:
    model: Any = YOLO(name.file_name, task=name.task).model
    return model.eval()


def _runner(name: ModelName, backend: str, folder: Path, image_size: int, threads: int) -> Runner:
    image = torch.rand(1, 3, image_size, image_size)
    if backend == 'torch':
        return _torch_runner(_network(name), image)
    exported = folder / f'{Path(name.file_name).stem}.onnx'
    if not exported.exists():
        checkpoint = exported.with_suffix('.pt')
        torch.save({'model': _network(name)}, checkpoint)
        YOLO(checkpoint).export(format='onnx', imgsz=image_size, verbose=False)
    if backend == 'onnx':
        return _onnx_runner(exported, image, threads)
    return _openvino_runner(exported, image, threads)


def _torch_runner(model: Any, image: torch.Tensor) -> Runner:
    fused = model.fuse(verbose=False)

    def run() -> object:
        with torch.inference_mode():
            return fused(image)

    return run


def _onnx_runner(path: Path, image: torch.Tensor, threads: int) -> Runner:
    import onnxruntime  # noqa: PLC0415

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(str(path), options, providers=['CPUExecutionProvider'])
    feed = {session.get_inputs()[0].name: image.numpy()}
    return lambda: session.run(None, feed)


def _openvino_runner(path: Path, image: torch.Tensor, threads: int) -> Runner:
    # Half precision, the default on some CPUs, moves sampled coordinates by pixels.
    hints = {
        'PERFORMANCE_HINT': 'LATENCY',
        'INFERENCE_PRECISION_HINT': 'f32',
        'INFERENCE_NUM_THREADS': threads,
    }
    compiled = openvino_core().compile_model(path, 'CPU', hints)
    feed = [image.numpy()]
    return lambda: compiled(feed)
