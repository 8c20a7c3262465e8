# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A model package written again with an INT8 model beside its own."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from roof_detector.inference.device_name import is_x86
from roof_detector.inference.errors import BadModel
from roof_detector.inference.model_file import open_backend
from roof_detector.inference.package.container import is_package, read_files, write_zip
from roof_detector.inference.package.int8_facts import Int8Facts
from roof_detector.inference.package.manifest import INT8, INT8_GRAPH, INT8_WEIGHTS
from roof_detector.inference.package.model_package import ModelPackage
from roof_detector.inference.package.scale import with_int8
from roof_detector.inference.shipped_weights import resolve_model

if TYPE_CHECKING:
    from roof_detector.inference.package.int8_facts import ImageOrigin
    from training.quantization.quantization import Quantized


def write_int8_package(model: str, made: Quantized, output: Path, *, on: ImageOrigin) -> str:
    """Write the package of a model with its INT8 model in it; return what was stated, as text.

    A signature is lost: it was of the manifest before. Raises BadModel for what is no package,
    and where the INT8 model does not give the package's golden answers with a runtime that would
    run it: OpenVINO on x86 and for its own format, ONNX Runtime elsewhere.
    """
    path = resolve_model(model)
    if not is_package(path) or output.suffix != '.zip':
        msg = f'{path} and {output} have to be model packages, the latter a .zip.'
        raise BadModel(msg)
    loss = made.loss
    facts = Int8Facts(map50=loss.map50, images=loss.images, objects=loss.instances, measured_on=on)
    output.parent.mkdir(parents=True, exist_ok=True)
    files = with_int8(read_files(path), _files_of(made.path), facts)
    with TemporaryDirectory(prefix='roof_detector_') as folder:
        tried = Path(folder, output.name)
        write_zip(tried, files)
        _answer_golden_images(ModelPackage.open(tried))
    write_zip(output, files)
    verdict = facts.refusal or 'the parameter int8 runs it'
    return f'{output}: {facts.sentence}; {verdict}'


def _files_of(model: Path) -> dict[str, bytes]:
    """Return the files of an INT8 model by their names in a package."""
    if not model.is_dir():
        return {INT8: model.read_bytes()}
    (graph,) = model.glob('*.xml')
    return {INT8_GRAPH: graph.read_bytes(), INT8_WEIGHTS: graph.with_suffix('.bin').read_bytes()}


def _answer_golden_images(package: ModelPackage) -> None:
    """Raise BadModel where the INT8 model fails the self-test with what would run it."""
    backend = open_backend(
        package.path,
        backend='onnxruntime'
        if package.int8_graph('onnxruntime') and not is_x86()
        else 'openvino',
        device='cpu',
        package=package,
        int8=True,
    )
    try:
        package.self_test(backend, int8=True)
    finally:
        backend.close()
