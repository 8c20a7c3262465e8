# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The evaluation of one model on one data set."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from roof_detector.inference.detector import Detector
from roof_detector.inference.shipped_weights import resolve_model
from roof_detector.vision.thresholds import Thresholds
from training.evaluation.bootstrap import resample_map50
from training.evaluation.calibration import Calibration
from training.evaluation.confusion import Confusion
from training.evaluation.evaluation import EvaluatedModel, Evaluation, Options
from training.evaluation.image_run import run_images
from training.evaluation.labelled_split import LabelledSplit, open_split
from training.evaluation.metrics import measure
from training.evaluation.speed import Speed, machine_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from roof_detector.inference.options import BackendOption, PrecisionOption
    from roof_detector.vision.tiles import Tiling

# the lowest confidence that average precision considers, as in ultralytics' validation
FLOOR = 0.001
DEFAULT_THRESHOLDS = Thresholds()  # the node's defaults


def evaluate(
    model: str | Path,
    data: str | Path | LabelledSplit,
    *,
    names: Sequence[str] = (),
    split: str = 'val',
    image_size: int | tuple[int, int] | None = None,
    device: str = 'auto',
    backend: BackendOption = 'auto',
    threads: int | None = None,
    precision: PrecisionOption = 'auto',
    trust_model: bool = False,
    confidence: float = DEFAULT_THRESHOLDS.confidence,
    iou: float = DEFAULT_THRESHOLDS.iou,
    max_detections: int = DEFAULT_THRESHOLDS.max_detections,
    least_precision: float = 0.0,
    resamples: int = 1000,
    skip_faulty: bool = False,
    progress: bool = True,
    tiling: Tiling | None = None,
    calibrate: bool = True,
) -> Evaluation:
    """Evaluate one model, as the node runs it, on one split of a YOLO data set.

    `model` is a file or the name of a shipped model; `data`, `names`, `split` and `skip_faulty`
    are the arguments of `open_split`. Classes are compared by name. With `tiling` all tiles of
    every image are inferred too, as offline. Without `calibrate` confidences are the network's
    own. Raises EvaluationError,
    InferenceError or InputError.
    """
    with contextlib.ExitStack() as stack:
        if not isinstance(data, LabelledSplit):
            opening = open_split(data, split=split, names=names, skip_faulty=skip_faulty)
            data = stack.enter_context(opening)
        detector = stack.enter_context(
            Detector.open(
                resolve_model(str(model)),
                device=device,
                backend=backend,
                image_size=image_size,
                precision=precision,
                trust_model=trust_model,
                threads=threads,
                calibrate=calibrate,
            )
        )
        return evaluate_detector(
            detector,
            data,
            options=Options(
                confidence=confidence,
                floor=FLOOR,
                iou=iou,
                max_detections=max_detections,
                least_precision=least_precision,
                tiling=tiling,
            ),
            resamples=resamples,
            progress=progress,
        )


def evaluate_detector(
    detector: Detector,
    data: LabelledSplit,
    *,
    options: Options,
    resamples: int = 1000,
    progress: bool = True,
) -> Evaluation:
    """Evaluate an open detector on one split."""
    run = run_images(
        detector,
        data,
        confidence=options.floor,
        iou=options.iou,
        max_detections=options.max_detections,
        progress=progress,
        tiling=options.tiling,
    )
    boxes, masks = (
        measure(
            run.images,
            data.names,
            masks=of_masks,
            confidence=options.confidence,
            floor=options.floor,
            least_precision=options.least_precision,
        )
        if run.has_masks or not of_masks
        else None
        for of_masks in (False, True)
    )
    assert boxes is not None
    return Evaluation(
        model=EvaluatedModel.of(detector),
        data=data,
        options=options,
        boxes=boxes,
        masks=masks,
        confusion=Confusion.of(run.images, data.names, confidence=options.confidence),
        calibration=Calibration.of(boxes.rankings, confidence=options.confidence),
        speed=Speed.of(run.times, machine=machine_of(detector, threads=detector.threads)),
        notes=run.notes,
        images=run.images,
        map50_samples=resample_map50(boxes.rankings, resamples=resamples),
    )
