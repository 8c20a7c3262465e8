# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The run of one model over all labelled images, as the node would run it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np
from tqdm import tqdm

from roof_detector.inference.tiled import infer_tiles
from roof_detector.inputs.image_decoding import read_image
from roof_detector.vision.detections import Detections
from roof_detector.vision.thresholds import Thresholds
from training.evaluation.errors import EvaluationError
from training.evaluation.ground_truth import GroundTruth
from training.evaluation.image_comparison import ImageComparison

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from roof_detector.inference.detector import Detector
    from roof_detector.inference.stage_times import StageTimes
    from roof_detector.vision.tiles import Tiling
    from training.evaluation.labelled_split import LabelledSplit


@dataclass(frozen=True, eq=False)
class ImageRun:
    """Each image with its predictions, the stage times, and notes for a reader."""

    images: tuple[ImageComparison, ...]
    times: tuple[StageTimes, ...]
    notes: tuple[str, ...]

    @property
    def has_masks(self) -> bool:
        """Return whether every image has masks on both sides, and any target at all."""
        labelled = any(len(one.true) for one in self.images)
        return labelled and all(one.masks is not None for one in self.images)


def run_images(
    detector: Detector,
    labelled: LabelledSplit,
    *,
    confidence: float,
    iou: float,
    max_detections: int,
    progress: bool,
    tiling: Tiling | None = None,
) -> ImageRun:
    """Detect and compare, with classes matched by name; with `tiling` in all tiles as well.

    Raises EvaluationError if model and data share no class, InputError for an image that cannot be
    read.
    """
    shared = tuple(name for name in labelled.names if name in detector.names)
    if not shared:
        msg = (
            f'{detector.model_path} knows {", ".join(detector.names)}, but {labelled.source} '
            f'names {", ".join(labelled.names)}: they share no class. Name the classes of the '
            'data as the model does, with --names.'
        )
        raise EvaluationError(msg)
    thresholds = Thresholds(
        confidence=confidence, iou=iou, max_detections=max_detections, classes=shared
    )
    class_ids = np.array(
        [labelled.names.index(name) if name in shared else -1 for name in detector.names]
    )
    compared: list[ImageComparison] = []
    times: list[StageTimes] = []
    title = f'{detector.model_path.name} at {detector.image_size[0]}'
    for sample in tqdm(labelled.samples, desc=title, unit='image', disable=not progress):
        image_bgr = read_image(sample.image_path)
        size_wh = image_bgr.shape[1], image_bgr.shape[0]
        if not times:
            detector.warm_up(size_wh)
        own, spent = _detect(detector, image_bgr, thresholds, tiling)
        times.append(spent)
        found = Detections(
            boxes_xyxy=own.boxes_xyxy,
            scores=own.scores,
            class_ids=class_ids[own.class_ids],
            masks=own.masks,
        )
        true = GroundTruth.of(sample.instances, size_wh=size_wh)
        with_masks = detector.task == 'segment' and true.outlined
        compared.append(
            ImageComparison.compare(
                sample.image_path, found=found, true=true, masks=with_masks, size_wh=size_wh
            )
        )
    notes = (
        *labelled.notes,
        *_notes_on_names(detector.names, labelled.names),
        *_notes_on_labels(compared, masks_asked=detector.task == 'segment'),
    )
    return ImageRun(tuple(compared), tuple(times), notes)


def _detect(
    detector: Detector,
    image_bgr: npt.NDArray[np.uint8],
    thresholds: Thresholds,
    tiling: Tiling | None,
) -> tuple[Detections, StageTimes]:
    """Return what a flight would find: in the whole image, and merged with that of its tiles."""
    whole = detector.detect(image_bgr, thresholds)
    times = detector.times
    if tiling is None:
        return whole, times
    size_wh = image_bgr.shape[1], image_bgr.shape[0]
    grid = tiling.grid(size_wh, input_wh=detector.image_size)
    started_s = perf_counter()
    found = infer_tiles(
        detector, image_bgr, whole, thresholds, grid=grid, positions=range(len(grid))
    )
    return found, replace(times, forward_s=times.forward_s + perf_counter() - started_s)


def _notes_on_names(own: tuple[str, ...], wanted: tuple[str, ...]) -> list[str]:
    notes = []
    if extra := [name for name in own if name not in wanted]:
        notes.append(
            f'What the model found of {", ".join(extra)} is left out: the data does not name it.'
        )
    if unknown := [name for name in wanted if name not in own]:
        notes.append(
            f'The model does not know {", ".join(unknown)}: where the data has it, its average '
            'precision counts as 0.'
        )
    return notes


def _notes_on_labels(compared: Sequence[ImageComparison], *, masks_asked: bool) -> list[str]:
    notes = []
    if repeated := sum(image.true.repeated for image in compared):
        notes.append(f'{repeated} labels stand twice in their image and count once.')
    boxes_only = sum(not parts for image in compared for parts in image.true.outlines)
    if masks_asked and boxes_only:
        notes.append(f'Masks are not measured: {boxes_only} labels are boxes without an outline.')
    return notes
