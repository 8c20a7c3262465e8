# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The options of a model that have a closed set of values: task, backend and precision."""

from __future__ import annotations

from typing import Literal, get_args

Task = Literal['detect', 'segment']
TASKS: tuple[Task, ...] = get_args(Task)

BackendName = Literal['torch', 'onnxruntime', 'openvino', 'torchscript', 'tensorrt']
BackendOption = Literal['auto', BackendName]
BACKENDS: tuple[BackendName, ...] = get_args(BackendName)
# Backends that run a package directly, without an export made for this machine.
PackageBackend = Literal['torch', 'onnxruntime', 'openvino']
PACKAGE_BACKENDS: tuple[PackageBackend, ...] = get_args(PackageBackend)
# Backends whose exports `roof_detector models prepare` makes and checks.
CachedBackend = Literal['openvino', 'onnxruntime', 'tensorrt']
CACHED_BACKENDS: tuple[CachedBackend, ...] = get_args(CachedBackend)

Precision = Literal['f32', 'f16', 'bf16']
# auto is f16 on CUDA devices and f32 elsewhere.
PrecisionOption = Literal['auto', Precision]
PRECISIONS: tuple[PrecisionOption, ...] = get_args(PrecisionOption)

# The files that `roof_detector models export` writes, and the precisions of their weights.
ExportFormat = Literal['onnx', 'openvino', 'torchscript', 'engine']
EXPORT_FORMATS: tuple[ExportFormat, ...] = get_args(ExportFormat)
ExportPrecision = Literal['f32', 'f16']
EXPORT_PRECISIONS: tuple[ExportPrecision, ...] = get_args(ExportPrecision)

# Whether frames of several cameras run as one batch; auto measures at the start what is quicker.
BatchOption = Literal['auto', 'always', 'never']
BATCH_OPTIONS: tuple[BatchOption, ...] = get_args(BatchOption)
