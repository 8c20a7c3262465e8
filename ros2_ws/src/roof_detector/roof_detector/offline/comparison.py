# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Compares two detections over one flight, frame by frame."""

from __future__ import annotations

import heapq
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from roof_detector.inputs.image_decoding import IMAGE_SUFFIXES
from roof_detector.inputs.input_files import listed
from roof_detector.offline.errors import ReplayError
from roof_detector.vision.agreement import Agreement, agree

if TYPE_CHECKING:
    from collections.abc import Iterator

    from roof_detector.offline.result_bag import ResultBag
    from roof_detector.vision.frame_findings import FrameFindings


@dataclass(kw_only=True)
class ClassAgreement:
    """The sums of one class over all frames; `confidence_gain` is B's minus A's confidence."""

    both: int = 0
    only_a: int = 0
    only_b: int = 0
    iou_sum: float = 0.0
    confidence_gain_sum: float = 0.0

    @property
    def mean_iou(self) -> float | None:
        """Return the mean IoU of pairs, None without a pair."""
        return self.iou_sum / self.both if self.both else None

    @property
    def mean_confidence_gain(self) -> float | None:
        """Return by how much B is more confident of pairs, None without a pair."""
        return self.confidence_gain_sum / self.both if self.both else None


@dataclass(frozen=True, eq=False, order=False)
class Difference:
    """A frame in which the two runs differ."""

    a: FrameFindings
    b: FrameFindings
    agreement: Agreement


@dataclass(kw_only=True)
class Comparison:
    """What two runs have in common, and the frames that differ most, in descending order.

    `alike` counts the frames in which neither run has a detection alone; `apart` names the frames
    of A alone, of B alone, and those that are not of one image.
    """

    classes: dict[str, ClassAgreement] = field(default_factory=lambda: defaultdict(ClassAgreement))
    compared: int = 0
    alike: int = 0
    only_in_a: int = 0
    only_in_b: int = 0
    different_images: int = 0
    apart: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    differences: list[Difference] = field(default_factory=list)

    def warnings(self) -> list[str]:
        """Return what is wrong with the frames of the runs, a sentence each."""
        sentences = []
        if self.only_in_a or self.only_in_b:
            sentences.append(
                f'The runs do not hold the same frames: {self.only_in_a} are in A alone and '
                f'{self.only_in_b} in B alone; the {self.compared} in both were compared.'
            )
            sentences += [
                f'In {run} alone: {listed(self.apart[run])}.'
                for run in ('A', 'B')
                if self.apart[run]
            ]
        if self.different_images:
            sentences.append(
                f'{self.different_images} frames have another size, name or content in A and B '
                'and were not compared: the runs are not over the same input. They are '
                f'{listed(self.apart["unlike"])}.'
            )
        return sentences


def compare(a: ResultBag, b: ResultBag, *, min_iou: float = 0.5, worst: int = 12) -> Comparison:
    """Compare the frames of two runs; raise ReplayError if they have none in common."""
    result = Comparison()
    heap: list[tuple[float, int, Difference]] = []
    for one, other in _by_file(a, b) if _is_of_files(a) and _is_of_files(b) else _by_stamp(a, b):
        if one is None or other is None:
            result.only_in_a += other is None
            result.only_in_b += one is None
            alone = one or other
            assert alone is not None
            result.apart['A' if other is None else 'B'].append(alone.name)
            continue
        if not _is_one_image(one, other):
            result.different_images += 1
            result.apart['unlike'].append(one.name)
            continue
        agreement = agree(
            one.detections,
            other.detections,
            first_names=one.class_names,
            second_names=other.class_names,
            least_iou=min_iou,
        )
        result.compared += 1
        _add(result.classes, one, other, agreement)
        result.alike += not (len(agreement.only_first) or len(agreement.only_second))
        if not agreement.disagreement:
            continue
        entry = (agreement.disagreement, -result.compared, Difference(one, other, agreement))
        (heapq.heappush if len(heap) < worst else heapq.heappushpop)(heap, entry)
    if not result.compared:
        msg = (
            f'{a.path} and {b.path} have no frame in common ({result.only_in_a} are in A alone, '
            f'{result.only_in_b} in B alone, {result.different_images} have another size, name or '
            'content). '
            'Compare two runs over the same flight.'
        )
        raise ReplayError(msg)
    result.differences = [difference for _, _, difference in sorted(heap, reverse=True)]
    return result


def _add(
    classes: dict[str, ClassAgreement], a: FrameFindings, b: FrameFindings, agreement: Agreement
) -> None:
    for (i, j), iou in zip(agreement.pairs, agreement.ious, strict=True):
        entry = classes[a.class_names[a.detections.class_ids[i]]]
        entry.both += 1
        entry.iou_sum += float(iou)
        entry.confidence_gain_sum += float(b.detections.scores[j] - a.detections.scores[i])
    for i in agreement.only_first:
        classes[a.class_names[a.detections.class_ids[i]]].only_a += 1
    for j in agreement.only_second:
        classes[b.class_names[b.detections.class_ids[j]]].only_b += 1


def _by_stamp(
    a: ResultBag, b: ResultBag
) -> Iterator[tuple[FrameFindings | None, FrameFindings | None]]:
    """Yield frames of one stamp and topic in both, or a frame and None, in constant memory."""
    by_topic = len(a.image_topics) > 1 or len(b.image_topics) > 1
    left, right = _keyed(a, by_topic=by_topic), _keyed(b, by_topic=by_topic)
    one, other = next(left, None), next(right, None)
    while one is not None or other is not None:
        if other is None or (one is not None and one[0] < other[0]):
            assert one is not None
            yield one[1], None
            one = next(left, None)
        elif one is None or other[0] < one[0]:
            yield None, other[1]
            other = next(right, None)
        else:
            yield one[1], other[1]
            one, other = next(left, None), next(right, None)


def _keyed(
    bag: ResultBag, *, by_topic: bool
) -> Iterator[tuple[tuple[int, int, str], FrameFindings]]:
    """Yield readable frames with their sort keys; stamps that go back begin a round."""
    turn = last_ns = 0
    for frame in bag.frames():
        findings = frame.findings
        if findings is None:
            continue
        turn += findings.stamp_ns < last_ns
        last_ns = findings.stamp_ns
        yield (turn, findings.stamp_ns, findings.topic if by_topic else ''), findings


def _by_file(
    a: ResultBag, b: ResultBag
) -> Iterator[tuple[FrameFindings | None, FrameFindings | None]]:
    """Yield frames of one image file in both, or a frame and None; all of B is in memory.

    Files are paired by content, whatever their name; where a run has no hash, by name.
    """
    others = {frame.findings.name: frame.findings for frame in b.frames() if frame.findings}
    of_content = {one.content: one.name for one in others.values() if one.content is not None}
    for frame in a.frames():
        one = frame.findings
        if one is None:
            continue
        name = one.name
        other = others.get(name)
        is_same = other is not None and _is_one_image(one, other)
        if not is_same and one.content is not None:
            name = of_content.get(one.content, name)
        yield one, others.pop(name, None)
    for other in others.values():
        yield None, other


def _is_of_files(bag: ResultBag) -> bool:
    """Return whether the first readable frame is an image file."""
    first = next((frame.findings for frame in bag.frames() if frame.findings), None)
    return first is not None and _is_file(first)


def _is_file(findings: FrameFindings) -> bool:
    return Path(findings.name).suffix.lower() in IMAGE_SUFFIXES


def _is_one_image(a: FrameFindings, b: FrameFindings) -> bool:
    if a.size_wh != b.size_wh:
        return False
    # The same camera's raw and compressed messages differ, and are of one image.
    if a.topic == b.topic and a.content is not None and b.content is not None:
        return a.content == b.content
    return a.name == b.name or not (_is_file(a) or _is_file(b))
