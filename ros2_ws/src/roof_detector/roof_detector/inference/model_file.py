# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The lookup of the backend that opens a model file."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Literal

from roof_detector.inference.errors import BadModel, MissingBackend
from roof_detector.inference.options import BACKENDS, PACKAGE_BACKENDS
from roof_detector.inference.package.checkpoint_package import package_of
from roof_detector.inference.package.container import is_package
from roof_detector.inference.package.manifest import INT8_GRAPH, INT8_WEIGHTS, ONNX

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from roof_detector.inference.backends.backend import Backend
    from roof_detector.inference.backends.onnxruntime_backend import OnnxRuntimeBackend
    from roof_detector.inference.backends.openvino_backend import OpenVinoBackend
    from roof_detector.inference.options import (
        BackendName,
        BackendOption,
        PackageBackend,
        PrecisionOption,
    )
    from roof_detector.inference.package.model_package import ModelPackage

_KINDS: dict[str, BackendName] = {
    '.zip': 'torch',
    '.pt': 'torch',
    '.onnx': 'onnxruntime',
    '.torchscript': 'torchscript',
    '.engine': 'tensorrt',
}


def backend_for(path: Path) -> BackendName:
    """Return the backend for a kind of file; torch for a file that others run too.

    Several backends run packages, and checkpoints, which become packages.
    """
    if not path.exists():
        msg = (
            f'{path} does not exist, give the path of a model package, .pt, .onnx or OpenVINO '
            'folder.'
        )
        raise BadModel(msg)
    if path.is_dir():
        return 'torch' if is_package(path) else 'openvino'
    if path.suffix not in _KINDS:
        msg = (
            f'{path} is not a model file, expected a .pt, an .onnx or the folder of an '
            'OpenVINO export, a model package (.zip or folder), a .torchscript or an .engine.'
        )
        raise BadModel(msg)
    if not path.stat().st_size:
        msg = f'{path} is empty, copy it again.'
        raise BadModel(msg)
    return _KINDS[path.suffix]


def open_backend(
    path: Path,
    *,
    backend: BackendOption = 'auto',
    device: str = 'auto',
    precision: PrecisionOption = 'auto',
    trust_model: bool = False,
    threads: int | None = None,
    numbers: Sequence[int] = (),
    lanes: int = 1,
    package: ModelPackage | None = None,
    int8: bool = False,
) -> Backend:
    """Open a model file with its backend; runtimes are imported on demand.

    `numbers` are other numbers of threads than `threads` to change to by `use_threads`,
    `lanes` how many passes run side by side where a backend can.
    `package` is the one that `path` is, or was imported into, if the caller has opened it; with
    `int8` its INT8 model runs.
    """
    readable = backend_for(path)
    runs_packages = readable == 'torch' and backend in PACKAGE_BACKENDS
    if backend not in ('auto', readable) and not runs_packages:
        known = 'a backend' if backend in BACKENDS else f'one of auto, {", ".join(BACKENDS)}'
        others = ', '.join(PACKAGE_BACKENDS) if readable == 'torch' else readable
        msg = f'Backend {backend!r} is not {known} for {path}, use auto or {others}.'
        raise MissingBackend(msg)
    match readable:
        case 'torch':
            return _open_package(
                package or package_of(path, trust=trust_model),
                path,
                backend=backend if backend in PACKAGE_BACKENDS else 'torch',
                device=device,
                precision=precision,
                threads=threads,
                numbers=numbers,
                lanes=lanes,
                int8=int8,
            )
        case 'onnxruntime' | 'openvino':
            return _graph_backend(readable)(
                path,
                device=device,
                precision=precision,
                threads=threads,
                numbers=numbers,
                lanes=lanes,
            )
        case 'torchscript':
            from roof_detector.inference.backends.torchscript_backend import (  # noqa: PLC0415
                TorchScriptBackend,
            )

            return TorchScriptBackend(
                path, device=device, precision=precision, trust_model=trust_model, threads=threads
            )
        case 'tensorrt':
            from roof_detector.inference.backends.tensorrt_backend import (  # noqa: PLC0415
                TensorRtBackend,
            )

            return TensorRtBackend(
                path, device=device, precision=precision, trust_model=trust_model
            )


def _open_package(
    package: ModelPackage,
    path: Path,
    *,
    backend: PackageBackend,
    device: str,
    precision: PrecisionOption,
    threads: int | None,
    numbers: Sequence[int],
    lanes: int,
    int8: bool,
) -> Backend:
    match backend:
        case 'torch':
            from roof_detector.inference.backends.torch_backend import (  # noqa: PLC0415
                TorchBackend,
                read_package,
            )

            return TorchBackend(
                path,
                device=device,
                precision=precision,
                model=read_package(package),
                threads=threads,
            )
        case 'onnxruntime' | 'openvino':
            graph = package.int8_graph(backend) if int8 else ONNX
            if graph is None:
                msg = f'{path} has no INT8 model that {backend} runs. Use OpenVINO, or FP32.'
                raise BadModel(msg)
            open_graph: Callable[..., Backend] = _graph_backend(backend)
            if graph == INT8_GRAPH:
                open_graph = partial(open_graph, weights=package.files[INT8_WEIGHTS])
            return open_graph(
                path,
                device=device,
                precision=precision,
                threads=threads,
                numbers=numbers,
                lanes=lanes,
                content=package.files[graph],
                facts=package.facts,
            )


def _graph_backend(
    runtime: Literal['onnxruntime', 'openvino'],
) -> type[OnnxRuntimeBackend | OpenVinoBackend]:
    """Import one of the two runtimes that open a graph, from the same arguments."""
    if runtime == 'onnxruntime':
        from roof_detector.inference.backends.onnxruntime_backend import (  # noqa: PLC0415
            OnnxRuntimeBackend,
        )

        return OnnxRuntimeBackend
    from roof_detector.inference.backends.openvino_backend import (  # noqa: PLC0415
        OpenVinoBackend,
    )

    return OpenVinoBackend
