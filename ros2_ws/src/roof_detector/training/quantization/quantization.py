# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The quantization of a checkpoint to an INT8 model whose loss is checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from roof_detector.inference.errors import ExportFailed
from roof_detector.inference.export.build import build_export
from roof_detector.inference.export.conversion import check_needs
from roof_detector.inference.export.parity import check_frames
from roof_detector.inference.export.recipe import ExportRecipe
from roof_detector.inference.export.workplace import install, workplace
from training.evaluation import LabelledSplit, evaluate
from training.quantization.calibration import PRECISION
from training.quantization.engine_int8 import write_engine
from training.quantization.loss import Loss
from training.quantization.onnx_int8 import add_onnx_facts, write_onnx
from training.quantization.openvino_int8 import add_openvino_facts, write_openvino

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt

    from roof_detector.inference.options import ExportFormat


@dataclass(frozen=True, kw_only=True)
class Kind:
    """How an INT8 model is made of an FP32 export, and where both run.

    `write` makes it of the export, which has the format `made_of`, calibrated on frames (height,
    width, 3) uint8 BGR. `add_facts` adds its loss to its metadata; None if the file cannot be
    changed any more.
    """

    made_of: ExportFormat
    write: Callable[[Path, Path, Sequence[npt.NDArray[np.uint8]]], None]
    add_facts: Callable[[Path, Mapping[str, Any]], None] | None
    device: str = 'cpu'


KINDS: dict[ExportFormat, Kind] = {
    'openvino': Kind(made_of='openvino', write=write_openvino, add_facts=add_openvino_facts),
    'onnx': Kind(made_of='onnx', write=write_onnx, add_facts=add_onnx_facts),
    'engine': Kind(made_of='onnx', write=write_engine, add_facts=None, device='cuda'),
}


_COMPARED_FRAMES = 4  # of the FP32 export with its checkpoint, before anything is quantized


class TooLossy(ExportFailed):
    """An INT8 model loses too much; `loss` says how much."""

    def __init__(self, message: str, *, loss: Loss) -> None:
        super().__init__(message)
        self.loss = loss


@dataclass(frozen=True)
class Quantized:
    """The path of an INT8 model, and its loss."""

    path: Path
    loss: Loss


def quantize(
    model_path: Path,
    kind_name: ExportFormat,
    data: LabelledSplit,
    *,
    frames: Sequence[npt.NDArray[np.uint8]],
    folder: Path,
    most_lost: float,
    threads: int | None = None,
    trust_model: bool = False,
    progress: Callable[[str], None] = lambda _: None,
) -> Quantized:
    """Make an INT8 export, and keep it only if mAP50 falls by no more than allowed.

    `kind_name` is one of `KINDS`. `frames` (height, width, 3) uint8 BGR calibrate it; `data` are
    labelled images on which it is measured beside the model it was made of, as the node runs both.
    `most_lost` is a difference of mAP50 in 0..1. Raises TooLossy, where nothing is kept, and
    InferenceError or EvaluationError.
    """
    check_frames(frames)
    kind, recipe = KINDS[kind_name], ExportRecipe(format=kind_name)
    check_needs(recipe)
    name = recipe.file_name(f'{model_path.stem}-{PRECISION}')
    target = folder / name
    with workplace(target) as workshop:
        progress('exporting')
        export = build_export(
            model_path,
            ExportRecipe(format=kind.made_of, dynamic=True),
            folder=workshop,
            frames=frames[:_COMPARED_FRAMES],
            trust_model=trust_model,
        ).path
        progress('quantizing')
        small = workshop / name
        kind.write(export, small, frames)
        progress('measuring')
        # On a GPU it is compared with the checkpoint, because the FP32 export runs on CPUs.
        whole = export if kind.device == 'cpu' else model_path
        whole_result, small_result = (
            evaluate(
                one,
                data,
                device=kind.device,
                threads=threads,
                trust_model=trust,
                resamples=0,
                progress=False,
                calibrate=False,  # of a package, which the small model has not
            )
            for one, trust in ((whole, trust_model), (small, True))  # that one was made here
        )
        loss = Loss.between(whole_result, small_result)
        if not loss.lost <= most_lost:
            msg = (
                f'{target} is refused: mAP50 falls by {loss.lost:.3f}, allowed are '
                f'{most_lost:g}. Calibrate on more images that look like the flights, or allow '
                'more with --most-lost.'
            )
            raise TooLossy(
                msg,
                loss=loss,
            )
        if kind.add_facts is not None:
            kind.add_facts(small, {'calibration_frames': len(frames), **loss.to_dict()})
        install(small, target)
    return Quantized(target, loss)
