# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Which file holds a model, and which runtime reads it."""

from __future__ import annotations

import hashlib
from pathlib import Path

from roof_detector.inference.backends.backend import Backend
from roof_detector.inference.errors import BadModel, MissingBackend

BACKENDS = ('torch', 'onnxruntime', 'openvino', 'torchscript', 'tensorrt')
_KINDS = {
    '.pt': 'torch',
    '.onnx': 'onnxruntime',
    '.torchscript': 'torchscript',
    '.engine': 'tensorrt',
}


def backend_for(path: Path) -> str:
    """Tell the backend from the kind of file, or refuse the file."""
    if not path.exists():
        raise BadModel(f'{path} does not exist, give the path of a .pt, .onnx or OpenVINO folder.')
    if path.is_dir():
        return 'openvino'
    if path.suffix not in _KINDS:
        raise BadModel(
            f'{path} is not a model file, expected a .pt, an .onnx or the folder of an '
            'OpenVINO export, a .torchscript or an .engine.'
        )
    if not path.stat().st_size:
        raise BadModel(f'{path} is empty, copy it again.')
    return _KINDS[path.suffix]


def open_backend(
    path: Path,
    *,
    backend: str = 'auto',
    device: str = 'auto',
    precision: str = 'auto',
    trust_model: bool = False,
    threads: int | None = None,
) -> Backend:
    """Open a model file with the runtime that reads it; runtimes are imported on demand."""
    readable = backend_for(path)
    if backend not in ('auto', readable):
        known = 'a backend' if backend in BACKENDS else f'one of auto, {", ".join(BACKENDS)}'
        raise MissingBackend(
            f'Backend {backend!r} is not {known} for {path}, use auto or {readable}.'
        )
    if readable == 'torch':
        from roof_detector.inference.backends.torch_backend import TorchBackend  # noqa: PLC0415

        return TorchBackend(
            path, device=device, precision=precision, trust_model=trust_model, threads=threads
        )
    if readable == 'onnxruntime':
        from roof_detector.inference.backends.onnxruntime_backend import (  # noqa: PLC0415
            OnnxRuntimeBackend,
        )

        return OnnxRuntimeBackend(path, device=device, precision=precision, threads=threads)
    if readable == 'torchscript':
        from roof_detector.inference.backends.torchscript_backend import (  # noqa: PLC0415
            TorchScriptBackend,
        )

        return TorchScriptBackend(
            path, device=device, precision=precision, trust_model=trust_model, threads=threads
        )
    if readable == 'tensorrt':
        from roof_detector.inference.backends.tensorrt_backend import (  # noqa: PLC0415
            TensorRtBackend,
        )

        return TensorRtBackend(path, device=device, precision=precision, trust_model=trust_model)
    from roof_detector.inference.backends.openvino_backend import (  # noqa: PLC0415
        OpenVinoBackend,
    )

    return OpenVinoBackend(path, device=device, precision=precision, threads=threads)


def hash_model(path: Path) -> str:
    """Return the sha256 of a model file, or of a folder's files in order of their names."""
    digest = hashlib.sha256()
    files = sorted(one for one in path.rglob('*') if one.is_file()) if path.is_dir() else [path]
    for file in files:
        if path.is_dir():
            digest.update(file.relative_to(path).as_posix().encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()
