# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Runs an OpenVINO export."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from roof_detector.inference.backends.backend import RawOutput, run_in_batches
from roof_detector.inference.backends.host_output import HostOutput
from roof_detector.inference.backends.host_preprocessor import HostPreprocessor
from roof_detector.inference.errors import BadModel, MissingBackend
from roof_detector.inference.lanes import Lanes
from roof_detector.inference.model_facts import ModelFacts
from roof_detector.inference.onnx_check import check_onnx
from roof_detector.inference.openvino_core import openvino_core
from roof_detector.inference.options import PRECISIONS
from roof_detector.inference.plain_yaml import read_plain_yaml
from roof_detector.inference.quiet_runtimes import keep_runtimes_quiet

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from roof_detector.inference.options import BackendName, PrecisionOption

_MOST_GRAPH_BYTES = 1 << 28
_MOST_METADATA_BYTES = 1 << 20


class OpenVinoBackend:
    """Run a folder as ultralytics exports it: one .xml, one .bin and metadata.yaml.

    Or the graph of a package: `content` is its ONNX file, or with `weights` the .xml whose .bin
    they are, and `facts` what the package says.
    `numbers` are other numbers of threads for `use_threads`: the graph is compiled for each. More
    than one of `lanes` run passes of one thread each side by side instead.
    """

    name: BackendName = 'openvino'

    def __init__(
        self,
        folder: Path,
        *,
        device: str = 'auto',
        precision: PrecisionOption = 'auto',
        threads: int | None = None,
        numbers: Sequence[int] = (),
        lanes: int = 1,
        content: bytes | None = None,
        weights: bytes | None = None,
        facts: ModelFacts | None = None,
    ) -> None:
        keep_runtimes_quiet()
        try:
            import openvino  # noqa: PLC0415  (only who runs such folders needs it)
        except ImportError as error:
            msg = f'{folder} needs OpenVINO: pip install openvino.'
            raise MissingBackend(msg) from error
        core = openvino_core()
        name = 'CPU' if device in ('auto', 'cpu') else device.upper()
        if name.split('.')[0] not in {one.split('.')[0] for one in core.available_devices}:
            msg = (
                f'Device {device!r} is asked for, but OpenVINO finds only '
                f'{", ".join(core.available_devices)}. Use device cpu.'
            )
            raise MissingBackend(msg)
        if precision not in PRECISIONS:
            msg = (
                f'Precision {precision!r} is asked for, but OpenVINO computes with one of '
                f'{", ".join(PRECISIONS)}.'
            )
            raise MissingBackend(msg)
        # Latency: one frame at a time. f32 unless something else is asked for: where a CPU
        # has AMX or AVX-512 BF16 OpenVINO takes bf16 on its own, which moves boxes of models that
        # sample by computed coordinates by a third of a pixel.
        config: dict[str, Any] = {'PERFORMANCE_HINT': 'LATENCY'}
        if name == 'CPU':
            config['INFERENCE_PRECISION_HINT'] = 'f32' if precision == 'auto' else precision
            if lanes > 1:
                config |= {'PERFORMANCE_HINT': 'THROUGHPUT', 'NUM_STREAMS': lanes}
                threads = lanes
        graph = folder if content else _only_file(folder, '*.xml')
        if content and weights is None:
            check_onnx(content, path=folder, folder=None)
        try:
            model = core.read_model(content, weights) if content else core.read_model(graph)
            shape = model.input().get_partial_shape()
            model = _with_pixels(model)
            compiled = {
                number: core.compile_model(
                    model, name, {**config, **_threads_config(name, number)}
                )
                for number in {threads, *numbers}
            }
        except RuntimeError as error:
            msg = (
                f'{graph} is not a model that OpenVINO {openvino.__version__} can run, or it is '
                f'cut short or damaged ({str(error).strip().splitlines()[-1]}). '
                'Copy it or export it again.'
            )
            raise BadModel(msg) from error
        self.device = name.lower()
        fixed = all(side.is_static for side in list(shape)[2:])
        self._batch = shape[0].get_length() if shape[0].is_static else None
        if facts is None:
            metadata = _read_metadata(folder)
            if fixed:
                metadata['imgsz'] = [side.get_length() for side in list(shape)[2:]]
            facts = ModelFacts.read(metadata, path=folder, fixed=fixed)
        self.preprocessor = HostPreprocessor()
        self.facts = facts
        self.precision = _precision_of(compiled[threads], self.facts)
        self._requests: dict[int | None, Any] = {
            number: one.create_infer_request() for number, one in compiled.items()
        }
        self._request: Any = self._requests[threads]
        self.lanes: Lanes | None = None
        if lanes > 1:
            requests = [compiled[threads].create_infer_request() for _ in range(lanes)]
            self.lanes = Lanes([partial(self._infer_in, request) for request in requests])

    def infer(self, batch: npt.NDArray[np.uint8]) -> Sequence[RawOutput]:
        """Run the network on letterboxed images (n, height, width, 3) uint8 BGR."""
        return self._infer_in(self._request, batch)

    def _infer_in(self, request: Any, batch: npt.NDArray[np.uint8]) -> Sequence[RawOutput]:
        if self._batch not in (None, len(batch)):
            return run_in_batches(batch, self._batch, partial(self._infer_in, request))
        result = request.infer([np.ascontiguousarray(batch)], share_inputs=True)
        return HostOutput.of_batch([np.array(result[i]) for i in range(len(result))])

    def use_threads(self, threads: int) -> None:
        """Run with so many threads, one of `numbers`, from the next pass on."""
        self._request = self._requests[threads]

    def close(self) -> None:
        """Free the compiled models."""
        if self.lanes is not None:
            self.lanes.close()
            self.lanes = None
        self._request = None
        self._requests.clear()


def _threads_config(device: str, threads: int | None) -> dict[str, Any]:
    """Return what limits a pass to so many threads, on cores that the system chooses.

    OpenVINO would bind them to the first cores, in every process to the same ones.
    """
    if threads is None or device != 'CPU':
        return {}
    return {'INFERENCE_NUM_THREADS': threads, 'ENABLE_CPU_PINNING': False}


def _with_pixels(model: Any) -> Any:
    """Return the network with pixels for input, (n, height, width, 3) uint8 BGR.

    What makes planes of RGB in 0..1 of them is then part of the graph, and costs a half.
    """
    from openvino import Layout, Type  # noqa: PLC0415
    from openvino.preprocess import ColorFormat, PrePostProcessor  # noqa: PLC0415

    processor = PrePostProcessor(model)
    source = processor.input()
    source.tensor().set_element_type(Type.u8).set_layout(Layout('NHWC'))
    source.tensor().set_color_format(ColorFormat.BGR)
    source.model().set_layout(Layout('NCHW'))
    steps = source.preprocess().convert_color(ColorFormat.RGB)
    steps.convert_element_type(Type.f32).scale(255.0)
    return processor.build()


def _precision_of(compiled: Any, facts: ModelFacts) -> str:
    """Return what the network is computed with: INT8 stands in the graph, all else is a hint."""
    if facts.provenance is not None and facts.provenance.precision == 'int8':
        return 'int8'
    return str(compiled.get_property('INFERENCE_PRECISION_HINT').get_type_name())


def _only_file(folder: Path, pattern: str) -> Path:
    found = sorted(folder.glob(pattern))
    if len(found) != 1:
        msg = (
            f'{folder} holds {len(found)} files {pattern}, expected one: the folder that '
            'ultralytics exports with format=openvino.'
        )
        raise BadModel(msg)
    (graph,) = found
    # OpenVINO takes the weights of the file with the same stem and .bin.
    for file in (graph, graph.with_suffix('.bin')):
        if file.is_symlink():
            msg = f'{file} is a link, expected the file itself. Copy the whole folder.'
            raise BadModel(msg)
    if graph.stat().st_size > _MOST_GRAPH_BYTES:
        msg = f'{graph} has more than the {_MOST_GRAPH_BYTES} bytes of a graph.'
        raise BadModel(msg)
    return graph


def _read_metadata(folder: Path) -> dict[str, Any]:
    file = folder / 'metadata.yaml'
    try:
        with file.open('rb') as opened:
            content = opened.read(_MOST_METADATA_BYTES + 1)
        if len(content) > _MOST_METADATA_BYTES:
            msg = f'{file} has more than {_MOST_METADATA_BYTES} bytes.'
            raise BadModel(msg)
        # ultralytics writes a value that it holds twice once, and refers to it.
        metadata = read_plain_yaml(content, name=str(file), most_aliases=4)
    except (OSError, BadModel) as error:
        msg = (
            f'{folder} has no readable metadata.yaml, which ultralytics exports beside the '
            f'model and which names its classes ({type(error).__name__}).'
        )
        raise BadModel(msg) from error
    return metadata if isinstance(metadata, dict) else {}
