# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Virtual flights over the orthophoto of Kampala: each roof of a town once.

The window of a camera moves over the orthophoto on two crossing flights, each with an error of the
GPS of its own. Detections are the true outlines, and those of the shipped model `roofs`:

    python -m benchmarks.findings_kampala --data ../shared/data/kampala \
        --output benchmarks/results/findings_kampala.json
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from benchmarks.bench.machine import describe_run
from benchmarks.bench.result_file import write_result
from benchmarks.findings_telemetry import ORIGIN, Errors, Telemetry
from roof_detector.findings.ground_view import frame_sightings
from roof_detector.findings.register import Register
from roof_detector.findings.roof_finding import FindingState
from roof_detector.findings.sightings import FrameReference
from roof_detector.georeference.pose import CameraPose
from roof_detector.inference.detector import Detector
from roof_detector.simulation import PinholeCamera
from roof_detector.vision.detections import Detections
from roof_detector.vision.matching import pairwise_iou
from roof_detector.vision.thresholds import Thresholds

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

SIZE_WH = (640, 480)
FOCAL_PX = 512.0
METRES_PER_PIXEL = 0.0746
STEP_PX = 120  # from frame to frame, and three times as much from line to line
_FRAME_S = 1.0
_LEAST_SHARE = 0.4
_SAME_IOU = 0.4
_SECOND_SHARE = 0.2


def roofs(folder: Path, size_wh: tuple[int, int]) -> npt.NDArray[np.float64]:
    """Return the boxes (n, 4) of the roofs in pixels of the orthophoto."""
    rows = [line.split() for line in (folder / 'roofs.txt').read_text().splitlines() if line]
    table = np.array([[float(value) for value in row[1:5]] for row in rows]) * (size_wh * 2)
    return np.hstack([table[:, :2] - table[:, 2:] / 2, table[:, :2] + table[:, 2:] / 2])


def windows(size_wh: tuple[int, int], *, upright: bool) -> Iterator[tuple[int, int]]:
    """Yield the upper left corners of a flight's frames, on lines to the east or to the north."""
    reach = [size_wh[k] - SIZE_WH[k] for k in (0, 1)]
    steps = (STEP_PX, 3 * STEP_PX) if not upright else (3 * STEP_PX, STEP_PX)
    across, down = (list(range(0, reach[k] + 1, steps[k])) for k in (0, 1))
    if upright:
        yield from ((x, y) for n, x in enumerate(across) for y in (down if n % 2 else down[::-1]))
    else:
        yield from (
            (x, y) for n, y in enumerate(down) for x in (across if n % 2 else across[::-1])
        )


def seen(
    boxes: npt.NDArray[np.float64], corner: tuple[int, int]
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float64]]:
    """Return the roofs (m,) that a window shows in large part, and their boxes (m, 4) in it."""
    own = boxes - np.array(corner * 2)
    cut = np.clip(own, 0, np.array(SIZE_WH * 2))
    share = (cut[:, 2:] - cut[:, :2]).prod(axis=1) / (own[:, 2:] - own[:, :2]).prod(axis=1)
    shown = np.flatnonzero(share >= _LEAST_SHARE)
    return shown, cut[shown]


def detections(
    shown: npt.NDArray[np.intp], boxes: npt.NDArray[np.float64], rng: np.random.Generator
) -> tuple[Detections, npt.NDArray[np.int64]]:
    """Return true outlines as a detector would: nine of ten, two pixels off."""
    kept = rng.random(len(shown)) < 0.9
    inside = (boxes > 0) & (boxes < np.array(SIZE_WH * 2))
    noisy = (boxes + inside * rng.normal(0, 2, boxes.shape))[kept]
    found = Detections(
        boxes_xyxy=noisy.astype(np.float32),
        scores=np.full(len(noisy), 0.8, np.float32),
        class_ids=np.zeros(len(noisy), np.int32),
    )
    return found, shown[kept].astype(np.int64)


def matched(
    found: Detections, shown: npt.NDArray[np.intp], boxes: npt.NDArray[np.float64]
) -> npt.NDArray[np.int64]:
    """Return the roof of each detection (n,), -1 for none."""
    if not (len(found) and len(shown)):
        return np.full(len(found), -1, np.int64)
    overlap = pairwise_iou(found.boxes_xyxy.astype(np.float64), boxes)
    best = overlap.argmax(axis=1)
    return np.where(overlap.max(axis=1) >= _SAME_IOU, shown[best], -1).astype(np.int64)


def fly(
    image: npt.NDArray[np.uint8], boxes: npt.NDArray[np.float64], detector: Detector | None
) -> dict[str, Any]:
    """Return what became of the roofs in two flights, as counts."""
    size_wh = (image.shape[1], image.shape[0])
    camera = PinholeCamera.centred(SIZE_WH, focal_px=FOCAL_PX)
    height_m = FOCAL_PX * METRES_PER_PIXEL
    register = Register(('roof',), origin=ORIGIN)
    votes: dict[Any, Counter[int]] = {}
    detected: set[int] = set()
    singles: Counter[bool] = Counter()
    for number in range(2):
        rng = np.random.default_rng([7, number])
        telemetry = Telemetry(Errors(), rng, 0.0, camera)
        for index, corner in enumerate(windows(size_wh, upright=bool(number))):
            shown, inside = seen(boxes, corner)
            if detector is None:
                found, true_ids = detections(shown, inside, rng)
            else:
                x, y = corner
                window = np.ascontiguousarray(image[y : y + SIZE_WH[1], x : x + SIZE_WH[0]])
                found = detector.detect(window, Thresholds())
                true_ids = matched(found, shown, inside)
            middle = np.array(corner) + np.array(SIZE_WH) / 2
            place = np.array([middle[0], size_wh[1] - middle[1]]) * METRES_PER_PIXEL
            pose = CameraPose.looking_down([*place, height_m], yaw_deg=90, pitch_deg=0, roll_deg=0)
            stamp_ns = int((number * 10_000 + index * _FRAME_S) * 1e9)
            fix = telemetry.fix(pose, stamp_ns, _FRAME_S)
            frame = FrameReference(
                flight=f'flight{number}', source='', topic='/camera', index=index,
                name=f'{number}_{index}', stamp_ns=stamp_ns,
            )  # fmt: skip
            sightings = frame_sightings(
                frame, found, size_wh=SIZE_WH, track_ids=np.zeros(len(found), np.int64), fix=fix,
                origin=ORIGIN,
            )  # fmt: skip
            for key, one in zip(register.add(sightings), true_ids.tolist(), strict=True):
                votes.setdefault(key, Counter())[one] += 1
                singles[one >= 0] += 1
            detected |= set(true_ids[true_ids >= 0].tolist())
    return _counts(register, votes, detected, singles)


def _counts(
    register: Register,
    votes: dict[Any, Counter[int]],
    detected: set[int],
    singles: Counter[bool],
) -> dict[str, Any]:
    result = register.finish()
    of_number: dict[int, Counter[int]] = {}
    for key, found in votes.items():
        of_number.setdefault(result.numbers.get(key, 0), Counter()).update(found)
    owner = {number: found.most_common(1)[0][0] for number, found in of_number.items()}
    confirmed = [one for one in result.findings if one.state is FindingState.CONFIRMED]
    shown = [one for one in result.findings if one.state is not FindingState.REJECTED]
    of_confirmed = Counter(owner[one.number] for one in confirmed if owner[one.number] >= 0)
    merges = 0
    for one in shown:
        found, own = of_number[one.number], owner[one.number]
        second = max((n for i, n in found.items() if i not in (-1, own)), default=0)
        merges += own >= 0 and second > max(2, _SECOND_SHARE * sum(found.values()))
    return {
        'roofs_detected': len(detected),
        'detections': sum(singles.values()),
        'precision_of_single_detections': round(singles[True] / max(sum(singles.values()), 1), 4),
        'confirmed': len(confirmed),
        'confirmed_roofs': len(of_confirmed),
        'confirmed_false': sum(owner[one.number] < 0 for one in confirmed),
        'duplicates': sum(of_confirmed.values()) - len(of_confirmed),
        'false_merges': merges,
        'lost': len(detected - {owner[one.number] for one in shown}),
        'notes': list(result.notes),
    }


def main() -> None:
    """Measure and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--data', type=Path, required=True)
    parser.add_argument('--output', type=Path, required=True)
    options = parser.parse_args()
    run = describe_run()
    image = cv2.imread(str(options.data / 'orthophoto.png'))
    assert image is not None
    boxes = roofs(options.data, (image.shape[1], image.shape[0]))
    facts: dict[str, Any] = {'roofs': len(boxes), 'outlines': fly(image, boxes, None)}
    print(facts, flush=True)
    detector = Detector.open('roofs', threads=1)
    facts['model'] = fly(image, boxes, detector)
    detector.close()
    write_result(options.output, 'findings_kampala', run, facts)
    print(facts['model'])


if __name__ == '__main__':
    main()
