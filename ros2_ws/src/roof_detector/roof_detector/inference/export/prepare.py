# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The preparation run: it builds, checks and times a model's exports before a flight."""

from __future__ import annotations

from typing import TYPE_CHECKING

from roof_detector.inference.errors import BadModel, ExportFailed, InferenceError, ParityFailed
from roof_detector.inference.export.build import build_export
from roof_detector.inference.export.export_cache import CacheEntry
from roof_detector.inference.export.preparation import Preparation, PreparedBackend
from roof_detector.inference.export.recipe import ExportRecipe
from roof_detector.inference.export.timing import time_prepared
from roof_detector.inference.model_file import backend_for
from roof_detector.inference.model_hash import hash_model

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from roof_detector.inference.options import CachedBackend, ExportFormat

_FORMATS: dict[CachedBackend, ExportFormat] = {
    'onnxruntime': 'onnx',
    'openvino': 'openvino',
    'tensorrt': 'engine',
}


def prepare_exports(
    preparation: Preparation,
    backends: Sequence[CachedBackend],
    *,
    again: bool = False,
    progress: Callable[[str], None] = lambda _: None,
) -> list[PreparedBackend]:
    """Build what the cache lacks, then time every usable backend beside torch.

    A backend that is not available stops no other. An export that differs from its checkpoint is
    removed, and the cache remembers that. `again` rebuilds all. Raises BadModel for a file that is
    not a checkpoint.
    """
    if backend_for(preparation.model_path) != 'torch':
        msg = f'{preparation.model_path} is an export already, give its checkpoint.'
        raise BadModel(msg)
    outcomes = []
    for backend in backends:
        if reason := preparation.why_not(backend):
            outcomes.append(PreparedBackend(backend=backend, problem=reason))
            continue
        entry = None if again else _kept(preparation, backend)
        if entry is None:
            try:
                entry = _build(preparation, backend, lambda step: progress(f'{backend}: {step}'))  # noqa: B023
            except InferenceError as error:
                outcomes.append(PreparedBackend(backend=backend, problem=str(error)))
                continue
        outcomes.append(PreparedBackend(backend=backend, problem=entry.refused, entry=entry))
    progress('timing')
    return time_prepared(preparation, outcomes)


def _kept(preparation: Preparation, backend: CachedBackend) -> CacheEntry | None:
    entry = preparation.cache.find(preparation.key(backend))
    if entry is None or entry.refused:
        return None
    try:
        preparation.cache.path(entry)
    except BadModel:
        return None
    return entry


def _build(
    preparation: Preparation, backend: CachedBackend, progress: Callable[[str], None]
) -> CacheEntry:
    key, source = preparation.key(backend), preparation.model_path.name
    try:
        with preparation.cache.making(key) as folder:
            try:
                built = build_export(
                    preparation.model_path,
                    ExportRecipe(
                        format=_FORMATS[backend],
                        image_size=preparation.image_size,
                        # A runtime that computes in BF16 rounds FP32 weights itself.
                        precision='f16' if key.precision == 'f16' else 'f32',
                        # A camera of any shape then sees the same as with the checkpoint.
                        dynamic=True,
                    ),
                    folder=folder,
                    frames=preparation.frames,
                    trust_model=preparation.trust_model,
                    progress=progress,
                )
                entry = CacheEntry(
                    key=key,
                    source=source,
                    export=built.path.name,
                    export_sha256=hash_model(built.path),
                )
            except ParityFailed as error:
                worst = error.report.worst
                refused = (
                    f'parity failed: boxes off by {worst.box_px:.2g} px, confidences by '
                    f'{worst.confidence:.2g}'
                )
                entry = CacheEntry(
                    key=key, source=source, export='', export_sha256='', refused=refused
                )
            entry.write(folder)
    except OSError as error:
        msg = (
            f'{preparation.cache.folder} cannot be written ({error.strerror or error}). Free some '
            'space or choose another folder with --cache.'
        )
        raise ExportFailed(msg) from error
    return entry
