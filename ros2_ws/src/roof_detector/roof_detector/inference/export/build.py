# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The build of one export, from checkpoint to checked file."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING

from roof_detector.inference.backends.torch_backend import read_model
from roof_detector.inference.detector import Detector
from roof_detector.inference.errors import BadModel, ExportFailed, ParityFailed
from roof_detector.inference.export.conversion import Network, check_needs, convert
from roof_detector.inference.export.parity import check_frames, compare
from roof_detector.inference.export.parity_report import ParityLimits, ParityReport
from roof_detector.inference.export.workplace import install, workplace
from roof_detector.inference.model_file import backend_for
from roof_detector.inference.model_hash import hash_model

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt

    from roof_detector.inference.export.recipe import ExportRecipe


@dataclass(frozen=True, kw_only=True)
class BuiltExport:
    """A finished export, and how it compared with its checkpoint."""

    path: Path
    size_bytes: int
    duration_s: float
    parity: ParityReport


def build_export(
    model_path: Path,
    recipe: ExportRecipe,
    *,
    folder: Path,
    frames: Sequence[npt.NDArray[np.uint8]],
    trust_model: bool = False,
    keep_refused: bool = False,
    progress: Callable[[str], None] = lambda _: None,
) -> BuiltExport:
    """Export a checkpoint into `folder`, if the result agrees with the checkpoint.

    Both run on the CPU, on `frames` (height, width, 3) uint8 BGR. At any moment the export's name
    belongs to nothing, to the former export, or to the complete new one. `progress` receives each
    step. Raises ParityFailed, where `keep_refused` leaves the export under a name that says so,
    and InferenceError for all other failures.
    """
    started_s = perf_counter()
    if backend_for(model_path) != 'torch':
        msg = f'{model_path} is an export already, give the checkpoint it was made of.'
        raise BadModel(msg)
    check_frames(frames)
    check_needs(recipe)
    module, facts = read_model(model_path, trust=trust_model)
    recipe.size_for(facts.image_size, stride=facts.stride)
    network = Network(
        module=module.float(), facts=facts, path=model_path, sha256=hash_model(model_path)
    )
    target = folder / recipe.file_name(model_path.stem)
    try:
        with workplace(target) as workshop:
            progress('writing')
            built = convert(network, recipe, workshop)
            report = _check(
                model_path,
                built,
                recipe,
                frames=frames,
                trust_model=trust_model,
                progress=progress,
            )
            if not report.holds and keep_refused:
                kept = folder / recipe.file_name(f'{model_path.stem}-refused')
                install(built, kept)
                msg = f'{_refusal(target)} It is kept as {kept}.'
                raise ParityFailed(msg, report=report)
            if not report.holds:
                msg = f'{_refusal(target)} It was removed.'
                raise ParityFailed(msg, report=report)
            install(built, target)
    except OSError as error:
        msg = (
            f'{target} cannot be written ({error.strerror or error}). Free some space or choose '
            'another folder.'
        )
        raise ExportFailed(msg) from error
    files = [target, *target.rglob('*')]
    size_bytes = sum(file.stat().st_size for file in files if file.is_file())
    return BuiltExport(
        path=target, size_bytes=size_bytes, duration_s=perf_counter() - started_s, parity=report
    )


def _check(
    model_path: Path,
    built: Path,
    recipe: ExportRecipe,
    *,
    frames: Sequence[npt.NDArray[np.uint8]],
    trust_model: bool,
    progress: Callable[[str], None],
) -> ParityReport:
    device = 'cuda' if recipe.format == 'engine' else 'cpu'
    # What this process made a moment ago needs no further trust.
    with (
        Detector.open(
            model_path, device='cpu', backend='torch', trust_model=trust_model, calibrate=False
        ) as reference,
        Detector.open(built, device=device, trust_model=True) as exported,
    ):
        limits = ParityLimits.for_precision(recipe.precision)
        return compare(
            reference, exported, frames, batch=recipe.batch, limits=limits, progress=progress
        )


def _refusal(target: Path) -> str:
    return f'{target} answers otherwise than its checkpoint and is refused.'
