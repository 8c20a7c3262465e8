# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Golden images of a package made from images that somebody chose."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import cv2

from roof_detector.inference.backends.onnxruntime_backend import OnnxRuntimeBackend
from roof_detector.inference.backends.torch_backend import TorchBackend
from roof_detector.inference.errors import ExportFailed
from roof_detector.inference.package.building import finish_package
from roof_detector.inference.package.golden import (
    check_golden,
    golden_as_bytes,
    record_golden,
)
from roof_detector.inference.package.manifest import (
    GOLDEN,
    GOLDEN_LIMIT,
    MANIFEST,
    ONNX,
    SIGNATURE,
    golden_name,
    most_bytes,
)
from roof_detector.inference.package.network import open_network

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import numpy.typing as npt

    from roof_detector.inference.package.golden import GoldenImage
    from roof_detector.inference.package.manifest import Manifest
    from roof_detector.inference.package.model_package import ModelPackage

# Larger ones make every start slower, and read_image refuses more than 1024.
_MOST_SIDE = 640


def with_golden_images(
    package: ModelPackage, images_bgr: Sequence[npt.NDArray[np.uint8]]
) -> tuple[dict[str, bytes], tuple[GoldenImage, ...]]:
    """Return a package's files with golden images made of these, and what they show.

    `images_bgr` are (height, width, 3) of any size; each is reduced to an input of the network, at
    most 640 pixels a side. The expected outputs are those of the package's network in torch and
    FP32, and its model.onnx must agree with them. The files have no signature, because it would
    not be valid. Raises InferenceError.
    """
    if not 1 <= len(images_bgr) <= GOLDEN_LIMIT:
        msg = (
            f'{len(images_bgr)} images were given; a package has 1 to {GOLDEN_LIMIT} golden '
            'images: give those that show what the model must find.'
        )
        raise ExportFailed(msg)
    images = {
        golden_name(number): _as_golden(image, package.manifest)
        for number, image in enumerate(images_bgr, 1)
    }
    name = Path(package.manifest.name)
    reference = TorchBackend(
        name, device='cpu', precision='f32', model=(open_network(package), package.facts)
    )
    golden = record_golden(reference, images)
    replaced = {MANIFEST, SIGNATURE, GOLDEN, *(one.image for one in package.golden)}
    files = {
        **{key: content for key, content in package.files.items() if key not in replaced},
        GOLDEN: golden_as_bytes(golden),
        **images,
    }
    exported = OnnxRuntimeBackend(name, device='cpu', content=files[ONNX])
    check_golden(exported, golden, images, where=f'{ONNX} of {package.path}')
    return finish_package(files, package.manifest), golden


def _as_golden(image_bgr: npt.NDArray[np.uint8], manifest: Manifest) -> bytes:
    """Return a PNG whose sides are multiples of the stride, with about the image's shape."""
    stride = max(manifest.strides)
    height, width = image_bgr.shape[:2]
    longest = min(*manifest.image_size_wh, _MOST_SIDE)
    scale = min(1.0, longest / max(height, width))
    size_wh = tuple(
        min(max(round(side * scale / stride), 1) * stride, _MOST_SIDE) for side in (width, height)
    )
    reduced = cv2.resize(image_bgr, size_wh, interpolation=cv2.INTER_AREA)
    is_written, content = cv2.imencode('.png', reduced, [cv2.IMWRITE_PNG_COMPRESSION, 9])
    if not is_written or len(content) > most_bytes(golden_name(1)):
        msg = f'An image of {width}x{height} pixels gives no golden image; give another one.'
        raise ExportFailed(msg)
    return content.tobytes()
