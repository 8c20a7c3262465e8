# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The run of one model over all sets of a suite."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from roof_detector.inference.detector import Detector
from roof_detector.inference.shipped_weights import resolve_model
from roof_detector.vision.tiles import Tiling
from training.evaluation.evaluation import Options
from training.evaluation.evaluator import DEFAULT_THRESHOLDS, evaluate_detector
from training.suites.class_measures import Alarms, Touch, area_iou
from training.suites.suite import ROLES, TILES, WHOLE, Shown, Suite, SuiteSet
from training.suites.suite_images import open_images
from training.suites.suite_rows import ClassRow, SuiteResult

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from roof_detector.inference.options import BackendOption, PrecisionOption
    from training.evaluation.evaluation import Evaluation
    from training.evaluation.labelled_split import LabelledSplit

# Below that nothing is read from average precision here, and tiles have thousands of candidates.
FLOOR = 0.01


@dataclass(frozen=True, kw_only=True)
class SuiteOptions:
    """How the models run; `confidence` is that of classes for which `class_confidence` has none.

    Sets of other roles than `roles` are left out. Without `calibrate` confidences are the
    network's own.
    """

    confidence: float = DEFAULT_THRESHOLDS.confidence
    iou: float = DEFAULT_THRESHOLDS.iou
    max_detections: int = DEFAULT_THRESHOLDS.max_detections
    class_confidence: tuple[tuple[str, float], ...] = ()
    roles: tuple[str, ...] = ROLES
    resamples: int = 300
    device: str = 'auto'
    backend: BackendOption = 'auto'
    precision: PrecisionOption = 'auto'
    threads: int | None = None
    trust_model: bool = False
    calibrate: bool = True
    progress: bool = True

    def confidence_of(self, name: str) -> float:
        """Return the minimum confidence of a class."""
        return dict(self.class_confidence).get(name, self.confidence)


def run_suite(
    model: str | Path, suite: Suite, folder: Path, *, options: SuiteOptions | None = None
) -> SuiteResult:
    """Measure a model on every set that it shares a class with, in each way that a set is shown.

    Sets that are not in `folder`, and those whose classes the model does not know, are named in
    the result. Raises EvaluationError, InferenceError or InputError.
    """
    options = options or SuiteOptions()
    rows: list[ClassRow] = []
    left_out: dict[str, str] = {}
    path = resolve_model(str(model))
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix='roof_suite_')))
        detectors = _Detectors(path, options, stack)
        first = detectors.of(WHOLE)
        for one in suite.sets:
            if one.role not in options.roles:
                left_out[one.name] = f'its role is {one.role}'
            elif not set(one.classes) & set(first.names):
                left_out[one.name] = 'the model knows none of its classes'
            elif (data := open_images(one, folder, scratch)) is None:
                left_out[one.name] = f'{one.images} is not in the folder of the data'
            else:
                for shown in one.shown:
                    rows += _measure(one, data, shown, detectors.of(shown), options)
        return SuiteResult(
            model=path.stem if path.suffix == '.zip' else path.name,
            sha256=first.model_hash,
            names=first.names,
            how=f'{first.backend}, {first.precision}, {first.image_size[0]} pixels',
            suite=suite,
            rows=tuple(rows),
            left_out=left_out,
        )


class _Detectors:
    """The model, opened once for each size of its input."""

    def __init__(self, path: Path, options: SuiteOptions, stack: ExitStack) -> None:
        self._path, self._options, self._stack = path, options, stack
        self._open: dict[int | None, Detector] = {}

    def of(self, shown: Shown) -> Detector:
        """Return the detector for a way of showing."""
        size = shown if isinstance(shown, int) else None
        if size not in self._open:
            options = self._options
            self._open[size] = self._stack.enter_context(
                Detector.open(
                    self._path,
                    image_size=size,
                    device=options.device,
                    backend=options.backend,
                    precision=options.precision,
                    threads=options.threads,
                    trust_model=options.trust_model,
                    calibrate=options.calibrate,
                )
            )
        return self._open[size]


def _measure(
    one: SuiteSet, data: LabelledSplit, shown: Shown, detector: Detector, options: SuiteOptions
) -> Iterator[ClassRow]:
    evaluation = evaluate_detector(
        detector,
        data,
        options=Options(
            confidence=options.confidence,
            floor=FLOOR,
            iou=options.iou,
            max_detections=options.max_detections,
            tiling=Tiling() if shown == TILES else None,
        ),
        resamples=options.resamples if one.names else 0,
        progress=options.progress,
    )
    images = evaluation.images
    scales = [one.scale_of(image.path.name) for image in images]
    for class_id, name in enumerate(data.names):
        if name not in detector.names:
            continue
        confidence = options.confidence_of(name)
        metrics, ranking = evaluation.per_class[name], evaluation.boxes.rankings[class_id]
        yield ClassRow(
            set_name=one.name,
            role=one.role,
            shown=str(shown),
            is_first=shown == one.shown[0],
            class_name=name,
            images=len(images),
            metres_per_pixel=_shown_scale(evaluation, scales, shown, detector.image_size),
            ap50=metrics.ap50,
            ap50_interval=evaluation.map50_interval
            if len(one.names) == 1 and metrics.ap50
            else None,
            at=metrics.curve.at(confidence),
            touch=Touch.of(images, class_id, confidence=confidence),
            area_iou=area_iou(images, class_id, confidence=confidence) if name == 'rust' else None,
            alarms=Alarms.of(images, class_id, confidence=confidence, metres_per_pixel=scales),
            scores=ranking.scores,
            hits=ranking.hits[0],
            image_ids=ranking.images,
        )


def _shown_scale(
    evaluation: Evaluation,
    scales: Sequence[float | None],
    shown: Shown,
    input_wh: tuple[int, int],
) -> float | None:
    """Return the median metres on the ground that a pixel of the network's input stands for."""
    values: list[Any] = []
    for image, scale_m in zip(evaluation.images, scales, strict=True):
        if scale_m is None:
            return None
        size_wh = image.size_wh
        if shown == TILES and len(Tiling().grid(size_wh, input_wh=input_wh)):
            values.append(scale_m)
        else:
            reduction = max(side / own for side, own in zip(size_wh, input_wh, strict=True))
            values.append(scale_m * reduction)
    return float(np.median(values)) if values else None
