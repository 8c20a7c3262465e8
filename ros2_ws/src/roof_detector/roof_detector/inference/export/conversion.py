# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The conversion by ultralytics' exporters, offline, silent and from a safely loaded network."""

from __future__ import annotations

import contextlib
import logging
import uuid
import warnings
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import roof_detector
from roof_detector.inference.errors import ExportFailed, MissingBackend
from roof_detector.inference.provenance import METADATA_KEY, Provenance
from roof_detector.inference.quiet_runtimes import keep_runtimes_quiet
from roof_detector.inference.quiet_ultralytics import import_quietly

if TYPE_CHECKING:
    from collections.abc import Iterator

    from roof_detector.inference.export.recipe import ExportRecipe
    from roof_detector.inference.model_facts import ModelFacts
    from roof_detector.inference.options import ExportFormat

# The packages that each format needs besides torch: import name and how to install it.
NEEDS: dict[ExportFormat, tuple[str, ...]] = {
    'onnx': ('onnx', 'onnxslim', 'onnxruntime'),
    'openvino': ('openvino',),
    'torchscript': (),
    'engine': ('tensorrt', 'onnx', 'onnxslim'),
}
LICENCE = 'AGPL-3.0-only'  # of ultralytics, whose network every export contains


@dataclass(frozen=True, eq=False, kw_only=True)
class Network:
    """A checkpoint's network in FP32, and what is known about it."""

    module: Any
    facts: ModelFacts
    path: Path
    sha256: str


def check_needs(recipe: ExportRecipe) -> None:
    """Raise MissingBackend if this machine lacks a package that a format needs."""
    absent = [name for name in NEEDS[recipe.format] if find_spec(name) is None]
    if absent:
        msg = (
            f'The format {recipe.format} is made with {", ".join(absent)}, not installed here: '
            f'pip install {" ".join(absent)}.'
        )
        raise MissingBackend(msg)
    if recipe.format == 'engine' and not import_quietly('torch').cuda.is_available():
        msg = (
            'A TensorRT engine is made on the CUDA device that will run it, and torch finds none '
            'here. Export on that machine.'
        )
        raise MissingBackend(msg)


def convert(network: Network, recipe: ExportRecipe, folder: Path) -> Path:
    """Write the export into an empty folder, with metadata, and return its path.

    Raises ExportFailed.
    """
    facts = network.facts
    width, height = recipe.size_for(facts.image_size, stride=facts.stride)
    module = network.module
    module.task = facts.task
    module.names = dict(enumerate(facts.names))
    module.args = {'data': ''}
    # The converter replaces the suffix wherever it occurs in the whole path: it must be unique.
    module.pt_path = str(folder / f'model.{uuid.uuid4().hex}')
    keep_runtimes_quiet()
    exporter_module = import_quietly('ultralytics.engine.exporter')
    with _quiet():
        try:
            exporter = exporter_module.Exporter(
                overrides={
                    'mode': 'export',
                    'format': recipe.format,
                    'imgsz': [height, width],
                    'batch': recipe.batch,
                    'dynamic': recipe.dynamic,
                    'quantize': 16 if recipe.precision == 'f16' else None,
                    'device': '0' if recipe.format == 'engine' else 'cpu',
                    'verbose': False,
                }
            )
            exporter.callbacks['on_export_start'].append(
                lambda one: one.metadata.update(_metadata(network, recipe))
            )
            return Path(exporter(module))
        except Exception as error:  # each converter has errors of its own
            first_line = str(error).strip().split('\n', maxsplit=1)[0]
            msg = (
                f'{network.path} cannot be exported to {recipe.format}: '
                f'{type(error).__name__}: {first_line}'
            )
            raise ExportFailed(msg) from error


def _metadata(network: Network, recipe: ExportRecipe) -> dict[str, Any]:
    """Return the metadata that we add to ultralytics', or correct in it."""
    provenance = Provenance(
        source=network.path.name,
        source_sha256=network.sha256,
        precision=recipe.precision,
        licence=LICENCE,
        versions=tuple(_versions(recipe)),
    )
    return {
        METADATA_KEY: provenance.as_metadata(),
        'license': LICENCE,
        'author': 'roof_detector',
    }


def _versions(recipe: ExportRecipe) -> Iterator[tuple[str, str]]:
    yield 'roof_detector', roof_detector.__version__
    for name in ('torch', 'ultralytics', *NEEDS[recipe.format]):
        with contextlib.suppress(PackageNotFoundError):
            yield name, version(name)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Suppress what converters log and warn about; errors are still raised."""
    logger = logging.getLogger('ultralytics')
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            yield
    finally:
        logger.setLevel(level)
