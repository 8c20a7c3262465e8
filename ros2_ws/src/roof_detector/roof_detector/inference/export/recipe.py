# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The description of an export: format, input size, precision and batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from roof_detector.inference.errors import ExportFailed
from roof_detector.inference.options import EXPORT_FORMATS, EXPORT_PRECISIONS
from roof_detector.vision.letterbox import fits_stride

if TYPE_CHECKING:
    from roof_detector.inference.options import ExportFormat, ExportPrecision

# The file name suffix of each format, after the checkpoint's stem.
SUFFIXES: dict[ExportFormat, str] = {
    'onnx': '.onnx',
    'openvino': '_openvino_model',
    'torchscript': '.torchscript',
    'engine': '.engine',
}


@dataclass(frozen=True, kw_only=True)
class ExportRecipe:
    """The properties of an export.

    `image_size` is width and height of the input, None for the checkpoint's own. The export
    accepts images of that size, `batch` at once, and no others, unless it is `dynamic`.
    """

    format: ExportFormat
    image_size: tuple[int, int] | None = None
    precision: ExportPrecision = 'f32'
    batch: int = 1
    dynamic: bool = False

    def __post_init__(self) -> None:
        for name, known in (('format', EXPORT_FORMATS), ('precision', EXPORT_PRECISIONS)):
            if getattr(self, name) not in known:
                msg = f'{name} is {getattr(self, name)!r}, expected one of {", ".join(known)}.'
                raise ExportFailed(msg)
        if self.batch < 1:
            msg = f'batch is {self.batch}, expected 1 or more images at once.'
            raise ExportFailed(msg)
        if (self.format, self.precision) == ('torchscript', 'f16'):
            msg = (
                'TorchScript in FP16 runs on CUDA only, and here it is run on the CPU. '
                'Choose precision f32.'
            )
            raise ExportFailed(msg)

    def file_name(self, stem: str) -> str:
        """Return the file name of the export of a checkpoint with this stem."""
        precision = '' if self.precision == 'f32' else f'-{self.precision}'
        return f'{stem}{precision}{SUFFIXES[self.format]}'

    def size_for(self, own_size: tuple[int, int], *, stride: int) -> tuple[int, int]:
        """Return width and height of the input; raise ExportFailed if the stride forbids it."""
        size = self.image_size or own_size
        if not fits_stride(size, stride):
            msg = (
                f'image_size is {size[0]}x{size[1]} (width x height), expected positive '
                f'multiples of the stride {stride}.'
            )
            raise ExportFailed(msg)
        return size
