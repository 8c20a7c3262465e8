# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""BoT-SORT over the flights of `benchmarks/findings_hota.py`, and TrackEval over all tracks.

Needs `trackers` and `trackeval` (NumPy 2), in an environment of its own, and nothing of this
project: python findings_hota_baseline.py FOLDER
"""

from __future__ import annotations

import json
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import supervision as sv
import trackeval
from trackers import BoTSORTTracker

CONTENDERS = ('optical_flow', 'telemetry', 'botsort', 'botsort_tuned')
# Our detections begin at 0.25, and ours begin a track at 0.35: BoT-SORT with its own defaults
# (0.7 to begin), and with ours.
SETTINGS = {
    'botsort': {},
    'botsort_tuned': {
        'track_activation_threshold': 0.35,
        'high_conf_det_threshold': 0.35,
        'minimum_iou_threshold_first_assoc': 0.1,
        'minimum_consecutive_frames': 1,
    },
}


def table(path: Path) -> np.ndarray:
    """Return the rows (n, 7 or 8) of a file: frame, track, left, top, width, height, score."""
    text = path.read_text().strip()
    rows = [[float(value) for value in line.split(',')] for line in text.splitlines() if line]
    return np.array(rows).reshape(len(rows), -1) if rows else np.zeros((0, 7))


def track(place: Path, name: str) -> None:
    """Write the tracks of BoT-SORT over one flight."""
    tracker = BoTSORTTracker(frame_rate=10.0, **SETTINGS[name])
    found = table(place / 'detections.txt')
    film = cv2.VideoCapture(str(place / 'flight.avi'))
    lines, number = [], 0
    while True:
        there, image = film.read()
        if not there:
            break
        number += 1
        own = found[found[:, 0] == number]
        detections = sv.Detections(
            xyxy=np.hstack([own[:, 2:4], own[:, 2:4] + own[:, 4:6]]).reshape(-1, 4),
            confidence=own[:, 6],
            class_id=own[:, 7].astype(int),
        )
        tracked = tracker.update(detections, image)
        if tracked.tracker_id is None:
            continue
        for box, one in zip(tracked.xyxy, tracked.tracker_id, strict=True):
            if one >= 0:
                left, top, right, bottom = box
                lines.append(f'{number},{one + 1},{left},{top},{right - left},{bottom - top},1')
    (place / f'{name}.txt').write_text('\n'.join(lines) + '\n')


def data_of(truth: np.ndarray, tracks: np.ndarray) -> dict[str, Any]:
    """Return the sequence as TrackEval's metrics take it; ids count from 0."""
    data: dict[str, Any] = {}
    last = int(max(truth[:, 0].max(initial=1), tracks[:, 0].max(initial=1)))
    for name, rows in (('gt', truth), ('tracker', tracks)):
        ids, dense = np.unique(rows[:, 1], return_inverse=True)
        data[f'num_{name}_ids'] = len(ids)
        data[f'num_{name}_dets'] = len(rows)
        data[f'{name}_ids'] = [dense[rows[:, 0] == t] for t in range(1, last + 1)]
    data['num_timesteps'] = last
    data['similarity_scores'] = [
        overlap(truth[truth[:, 0] == t, 2:6], tracks[tracks[:, 0] == t, 2:6])
        for t in range(1, last + 1)
    ]
    return data


def overlap(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the intersection over union (n, m) of boxes: left, top, width, height."""
    a, b = (np.hstack([x[:, :2], x[:, :2] + x[:, 2:]]) for x in (first, second))
    low, high = (
        np.maximum(a[:, None, :2], b[None, :, :2]),
        np.minimum(a[:, None, 2:], b[None, :, 2:]),
    )
    shared = np.clip(high - low, 0, None).prod(axis=2)
    return shared / (first[:, 2:].prod(axis=1)[:, None] + second[:, 2:].prod(axis=1) - shared)


def main() -> None:
    """Track and score all flights of a folder."""
    folder = Path(sys.argv[1])
    places = sorted(one.parent for one in folder.glob('*/detections.txt'))
    metrics = {
        'HOTA': trackeval.metrics.HOTA({'PRINT_CONFIG': False}),
        'Identity': trackeval.metrics.Identity({'PRINT_CONFIG': False}),
        'CLEAR': trackeval.metrics.CLEAR({'PRINT_CONFIG': False}),
    }
    for place in places:
        for name in SETTINGS:
            track(place, name)
    scores = {}
    for contender in CONTENDERS:
        results: dict[str, dict[str, Any]] = {name: {} for name in metrics}
        for place in places:
            data = data_of(table(place / 'truth.txt'), table(place / f'{contender}.txt'))
            for name, metric in metrics.items():
                results[name][place.name] = metric.eval_sequence(data)
        whole = {name: metric.combine_sequences(results[name]) for name, metric in metrics.items()}
        scores[contender] = {
            'HOTA': round(float(np.mean(whole['HOTA']['HOTA'])), 4),
            'AssA': round(float(np.mean(whole['HOTA']['AssA'])), 4),
            'DetA': round(float(np.mean(whole['HOTA']['DetA'])), 4),
            'IDF1': round(float(whole['Identity']['IDF1']), 4),
            'MOTA': round(float(whole['CLEAR']['MOTA']), 4),
            'identity_switches': int(whole['CLEAR']['IDSW']),
        }
        print(contender, scores[contender])
    versions = {name: version(name) for name in ('trackers', 'trackeval', 'numpy')}
    result = {'flights': len(places), 'versions_of_the_baseline': versions, 'scores': scores}
    (folder / 'scores.json').write_text(json.dumps(result))


if __name__ == '__main__':
    main()
