# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Recall and cost of tiled inference on a large real frame, compared with one full-frame pass.

The frame is the orthophoto of 3072x2048 in the folder given, as it is and mirrored; only its east
counts, where `roofs` was not trained. With PYTHONPATH=ros2_ws/src/roof_detector:

    python benchmarks/tiles.py ../shared/data/kampala --output benchmarks/results/tiles.json
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, process_time
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import numpy.typing as npt

from benchmarks.bench.machine import describe_run
from benchmarks.bench.result_file import write_result
from roof_detector.inference.detector import Detector
from roof_detector.inference.shipped_weights import resolve_model
from roof_detector.inference.tiled import infer_tiles
from roof_detector.pipeline.tiles import TileTurns
from roof_detector.vision.seams import View, merge
from roof_detector.vision.thresholds import Thresholds
from roof_detector.vision.tiles import TileGrid, Tiling
from training.evaluation.ground_truth import GroundTruth
from training.evaluation.image_comparison import ImageComparison
from training.evaluation.ranking import Ranking, rank

if TYPE_CHECKING:
    from collections.abc import Callable

    from roof_detector.vision.detections import Detections

EAST_FROM = 2 / 3  # of the width; west of it the model was trained
FLOOR = 0.001  # of scores, for average precision
THRESHOLDS = Thresholds()
BUDGETS_MS = (0, 100, 200, 400, 800, 1600, 1_000_000)


@dataclass(frozen=True, eq=False, kw_only=True)
class TiledFrame:
    """A frame, its ground truth in the east, and the detections in all views of it."""

    image_bgr: npt.NDArray[np.uint8]
    true: GroundTruth
    east_is_right: bool
    whole: Detections
    views: tuple[View, ...]

    def found(self, positions: tuple[int, ...], *, confidence: float) -> Detections:
        """Return the result of `infer_tiles`, for the east only."""
        height, width = self.image_bgr.shape[:2]
        views = [View.of_frame(self.whole, (width, height)), *(self.views[i] for i in positions)]
        merged = merge(
            [View(v.detections[v.detections.scores > confidence], v.window_xyxy) for v in views],
            source_wh=(width, height),
            iou=THRESHOLDS.iou,
            max_detections=3000,
        )
        return merged[in_east(merged.boxes_xyxy, width, right=self.east_is_right)]


def main() -> None:
    """Measure every time budget and write the result."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n', maxsplit=1)[0])
    parser.add_argument('folder', type=Path, help='with orthophoto.png and roofs.txt')
    parser.add_argument('--model', default='roofs')
    parser.add_argument('--tile-sizes', type=int, nargs='+', default=[640, 1024])
    parser.add_argument('--threads', type=int, help='of the CPU; all cores by default')
    parser.add_argument(
        '--cpu-time',
        action='store_true',
        help='measure CPU time, for a busy machine; with --threads 1',
    )
    parser.add_argument('--output', type=Path, required=True)
    options = parser.parse_args()
    run = describe_run()
    clock = process_time if options.cpu_time else perf_counter
    with Detector.open(resolve_model(options.model), threads=options.threads) as detector:
        rows = [
            row
            for size in options.tile_sizes
            for row in measure(detector, options.folder, Tiling(size), clock)
        ]
        facts = {
            'model': detector.model_path.name,
            'backend': detector.backend,
            'device': detector.device,
            'threads': options.threads or 'all',
            'clock': clock.__name__,
        }
    write_result(options.output, 'tiles', run, {**facts, 'rows': rows})
    for row in rows:
        print('  '.join(f'{key} {value}' for key, value in row.items()))


def measure(
    detector: Detector, folder: Path, tiling: Tiling, clock: Callable[[], float]
) -> list[dict[str, Any]]:
    """Return accuracy and time at every budget, for tiles of one size."""
    frames = [
        read_frame(detector, folder, tiling, mirrored=mirrored, upside_down=upside_down)
        for mirrored in (False, True)
        for upside_down in (False, True)
    ]
    height, width = frames[0].image_bgr.shape[:2]
    grid = tiling.grid((width, height), input_wh=detector.image_size)
    whole_s, tile_s = time_views(detector, frames[0].image_bgr, grid, clock)
    rows: list[dict[str, Any]] = []
    for budget_ms in BUDGETS_MS:
        count = min(int(budget_ms / 1e3 / tile_s), len(grid))
        if rows and count == rows[-1]['tiles_of_a_frame']:
            continue
        if budget_ms and not count:
            continue
        rows.append(
            {
                'tile_size': tiling.size,
                'tiles': len(grid),
                'tile_budget_ms': budget_ms if count < len(grid) else None,
                'tiles_of_a_frame': count,
                **accuracy(frames, turns(grid, count)),
                'frame_ms': round(time_frame(detector, frames, grid, count, clock) * 1e3, 1),
                'whole_ms': round(whole_s * 1e3, 1),
                'tile_ms': round(tile_s * 1e3, 1),
            }
        )
    return rows


def read_frame(
    detector: Detector, folder: Path, tiling: Tiling, *, mirrored: bool, upside_down: bool
) -> TiledFrame:
    """Read the orthophoto, flip it if requested, and detect in every view of it."""
    image_bgr = cv2.imread(str(folder / 'orthophoto.png'))
    image_bgr = np.ascontiguousarray(
        image_bgr[:: -1 if upside_down else 1, :: -1 if mirrored else 1]
    ).astype(np.uint8)
    height, width = image_bgr.shape[:2]
    labels = np.loadtxt(folder / 'roofs.txt')[:, 1:]
    centres, sides = np.abs(labels[:, :2] - (mirrored, upside_down)), labels[:, 2:]
    boxes = np.hstack((centres - sides / 2, centres + sides / 2)) * np.tile((width, height), 2)
    boxes = boxes[in_east(boxes, width, right=not mirrored)]
    true = GroundTruth(
        boxes_xyxy=boxes, class_ids=np.zeros(len(boxes), np.intp), outlines=((),) * len(boxes)
    )
    grid = tiling.grid((width, height), input_wh=detector.image_size)
    everything = Thresholds(confidence=FLOOR, iou=THRESHOLDS.iou, max_detections=3000)
    views = tuple(
        View.of_tile(detector.detect(grid.crop(image_bgr, i), everything), grid, i)
        for i in range(len(grid))
    )
    whole = detector.detect(image_bgr, everything)
    return TiledFrame(
        image_bgr=image_bgr, true=true, east_is_right=not mirrored, whole=whole, views=views
    )


def in_east(
    boxes_xyxy: npt.NDArray[np.floating[Any]], width: int, *, right: bool
) -> npt.NDArray[np.bool_]:
    """Return which boxes have their centres in the part without training data."""
    x = boxes_xyxy[:, [0, 2]].mean(axis=1) / width
    return np.asarray((x if right else 1 - x) >= EAST_FROM)


def turns(grid: TileGrid, count: int) -> list[tuple[int, ...]]:
    """Return the tiles of successive frames until every tile was processed."""
    selected = TileTurns()
    frames = -(-len(grid) // count) if count else 1
    return [selected.next_positions(grid, count, now_s=frame) for frame in range(frames)]


def accuracy(frames: list[TiledFrame], selected: list[tuple[int, ...]]) -> dict[str, float]:
    """Return recall, false positives and average precision of an average frame."""

    def ranking(confidence: float) -> Ranking:
        comparisons = []
        for frame in frames:
            for positions in selected:
                found = frame.found(positions, confidence=confidence)
                comparisons.append(ImageComparison.compare(Path(), found=found, true=frame.true))
        return rank(comparisons, classes=1)[0][0]

    at_confidence, everything = ranking(THRESHOLDS.confidence), ranking(FLOOR)
    hits = int(at_confidence.hits[0].sum())
    shown = len(frames) * len(selected)
    precisions = everything.average_precisions()
    assert precisions is not None
    return {
        'roofs': everything.instances // shown,
        'confidence': THRESHOLDS.confidence,
        'recall': round(hits / everything.instances, 3),
        'false_alarms': round((len(at_confidence.scores) - hits) / shown, 1),
        'ap50': round(float(precisions[0]), 3),
    }


def time_views(
    detector: Detector,
    image_bgr: npt.NDArray[np.uint8],
    grid: TileGrid,
    clock: Callable[[], float],
    *,
    repeats: int = 7,
) -> tuple[float, float]:
    """Return the median seconds of a full-frame pass and of a tile."""
    times_s = []
    for repeat in range(repeats + 2):  # the first two settle what the runtime plans
        started_s = clock()
        whole = detector.detect(image_bgr, THRESHOLDS)
        seen_s = clock()
        positions = (repeat % len(grid),)
        infer_tiles(detector, image_bgr, whole, THRESHOLDS, grid=grid, positions=positions)
        times_s.append((seen_s - started_s, clock() - seen_s))
    whole_s, tile_s = np.median(times_s[2:], axis=0).tolist()
    return whole_s, tile_s


def time_frame(
    detector: Detector,
    frames: list[TiledFrame],
    grid: TileGrid,
    count: int,
    clock: Callable[[], float],
) -> float:
    """Return the median seconds of a frame with `count` tiles, from image to detections."""
    times_s = []
    for frame in frames:  # the first one settles the size of the batch
        started_s = clock()
        whole = detector.detect(frame.image_bgr, THRESHOLDS)
        positions = range(count)
        infer_tiles(detector, frame.image_bgr, whole, THRESHOLDS, grid=grid, positions=positions)
        times_s.append(clock() - started_s)
    return float(np.median(times_s[1:]))


if __name__ == '__main__':
    main()
