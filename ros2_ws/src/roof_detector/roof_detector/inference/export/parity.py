# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The parity check: whether an export gives the same results as its checkpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from roof_detector.inference.errors import ExportFailed
from roof_detector.inference.export.parity_report import FrameParity, ParityLimits, ParityReport
from roof_detector.vision.mask_logits import mask_logits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from roof_detector.inference.backends.backend import RawOutput
    from roof_detector.inference.detector import Detector, NetworkOutput, PreprocessedImage

# Boxes are compared at the checkpoint's highest confidences, in every frame, whatever it shows: a
# network that detects nothing in a frame still has its best candidates there.
BOXES_COMPARED = 100


def check_frames(frames: Sequence[npt.NDArray[np.uint8]]) -> None:
    """Raise ExportFailed if there is no frame to compare on."""
    if not frames:
        msg = 'No frames were given, an export is checked on at least one.'
        raise ExportFailed(msg)


def compare(
    reference: Detector,
    exported: Detector,
    frames: Sequence[npt.NDArray[np.uint8]],
    *,
    batch: int = 1,
    limits: ParityLimits | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> ParityReport:
    """Run both on frames (height, width, 3) uint8 BGR and compare the networks' outputs.

    The frames are preprocessed once, as the export needs them. With `batch`, that many go through
    the export at once, and one by one through the reference.
    """
    check_frames(frames)
    if (reference.names, reference.task) != (exported.names, exported.task):
        msg = (
            f'{exported.model_path} says {exported.task} of {", ".join(exported.names)}, but its '
            f'checkpoint {reference.task} of {", ".join(reference.names)}.'
        )
        raise ExportFailed(msg)
    rows: list[FrameParity] = []
    for group in _groups([exported.preprocess(frame) for frame in frames], batch):
        answers = exported.infer(*group)
        for prepared, found in zip(group, answers, strict=True):
            progress(f'frame {len(rows) + 1} of {len(frames)}')
            (expected,) = reference.infer(prepared)
            rows.append(_compare_frame(len(rows), expected, found, len(reference.names)))
    return ParityReport(tuple(rows), limits or ParityLimits())


def _groups(prepared: list[PreprocessedImage], batch: int) -> Iterator[list[PreprocessedImage]]:
    """Yield groups of up to `batch` neighbours of one input size."""
    group: list[PreprocessedImage] = []
    for one in prepared:
        other = group and group[0].geometry.input_wh != one.geometry.input_wh
        if other or len(group) == batch:
            yield group
            group = []
        group.append(one)
    yield group


def _compare_frame(
    frame: int, expected: NetworkOutput, found: NetworkOutput, classes: int
) -> FrameParity:
    predictions, others = expected.raw.predictions, found.raw.predictions
    if predictions.shape != others.shape:
        msg = (
            f'The export answers with an array of {others.shape}, its checkpoint with one of '
            f'{predictions.shape}.'
        )
        raise ExportFailed(msg)
    confidences = predictions[4 : 4 + classes].max(axis=0)
    best = np.argsort(-confidences, kind='stable')[:BOXES_COMPARED]
    difference = np.abs(predictions - others)
    return FrameParity(
        frame=frame,
        size_wh=expected.geometry.source_wh,
        best_confidence=float(confidences.max()),
        box_px=float(_corners_difference(predictions[:4, best], others[:4, best])),
        confidence=float(difference[4 : 4 + classes].max()),
        mask_share=_mask_share(expected.raw, found.raw, best, classes),
    )


def _corners_difference(
    first_cxcywh: npt.NDArray[np.float32], second_cxcywh: npt.NDArray[np.float32]
) -> float:
    """Return the greatest distance between the same edges of the same boxes (4, n)."""
    centre, extent = first_cxcywh[:2] - second_cxcywh[:2], first_cxcywh[2:] - second_cxcywh[2:]
    corners = np.concatenate([centre - extent / 2, centre + extent / 2])
    return float(np.abs(corners).max())


def _mask_share(
    expected: RawOutput, found: RawOutput, best: npt.NDArray[np.intp], classes: int
) -> float:
    """Return the share of the masks' prototype pixels that only one output's masks cover."""
    if expected.prototypes is None or found.prototypes is None:
        return 0.0
    first = mask_logits(expected.predictions[4 + classes :, best].T, expected.prototypes) > 0
    second = mask_logits(found.predictions[4 + classes :, best].T, found.prototypes) > 0
    return float((first ^ second).sum() / max(int((first | second).sum()), 1))
