# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A small inspection of a video with telemetry, made by the real commands."""

from __future__ import annotations

import cv2
import numpy as np
from tiny_model import write_model

from roof_detector.findings.decisions import DecisionKind
from roof_detector.findings.inspection_store import InspectionStore
from roof_detector.findings.reviewer import FindingVerdict, Reviewer
from roof_detector.inference.detector import Detector
from roof_detector.offline.batch import detect_all
from roof_detector.offline.georeferencing import GeoreferenceSettings
from roof_detector.offline.inspection import InspectedResults, inspect_results
from roof_detector.offline.settings import DetectSettings, OutputSettings
from roof_detector.vision.thresholds import Thresholds

SIZE_WH = (80, 60)
_CUE = (
    '{n}\n00:00:{n:02d},000 --> 00:00:{m:02d},000\n[focal_len: 24.00] [latitude: {latitude:.7f}] '
    '[longitude: 13.4100000] [rel_alt: 20.000 abs_alt: 120.000] '
    '[gb_yaw: 0.1 gb_pitch: -90.0 gb_roll: 0.0]\n\n'
)


def write_flight(path, *, seed=4, frames=12, soften=0, telemetry=True):
    """Write a video that flies north over its ground at 2 Hz, with subtitles of its places."""
    ground = np.random.default_rng(seed).integers(0, 256, (60, 16, 3), dtype=np.uint8)
    ground = cv2.resize(ground, (80, 300), interpolation=cv2.INTER_CUBIC)
    if soften:
        ground = cv2.GaussianBlur(ground, (0, 0), soften)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*'mp4v'), 2.0, SIZE_WH)
    for number in range(frames):
        top = 300 - 60 - 8 * number
        writer.write(np.ascontiguousarray(ground[top : top + 60]))
    writer.release()
    if not telemetry:
        return path
    # 80 pixels are 30 m at 20 m up: 8 pixels in half a second.
    latitudes = [52.52 + 2 * n * 3.0 / 111_195 for n in range(frames // 2 + 1)]
    cues = [_CUE.format(n=n, m=n + 1, latitude=one) for n, one in enumerate(latitudes)]
    path.with_suffix('.SRT').write_text(''.join(cues))
    return path


def make_inspection(folder, *, model, videos, confidence=0.85):
    """Inspect videos with a model; return the folder of the inspection."""
    settings = DetectSettings(Thresholds(confidence=confidence), OutputSettings(formats=()))
    with Detector.open(model, device='cpu', threads=1) as detector:
        outcomes = list(
            detect_all(
                [str(one) for one in videos],
                folder / 'detections',
                detector=detector,
                settings=settings,
                progress='none',
            )
        )
    results = [
        InspectedResults(one.output, video.stem, video)
        for one, video in zip(outcomes, videos, strict=True)
    ]
    inspect_results(results, folder, georeferencing=GeoreferenceSettings())
    return folder


def fly_and_inspect(folder, *, name='roof', confidence=0.85, **flight):
    """Write a flight, inspect it with a small model, and return the folder of the inspection."""
    folder.mkdir(parents=True, exist_ok=True)
    model = write_model(folder / 'small.onnx')
    stem = 'DJI_0001' if name == 'roof' else name
    video = write_flight(folder / f'{stem}.MP4', **flight)
    return make_inspection(folder / name, model=model, videos=[video], confidence=confidence)


def decide(folder, number, kind, value=''):
    """Write a decision of a person about a finding."""
    verdict = FindingVerdict(number=number, kind=DecisionKind(kind), value=value)
    with InspectionStore(folder / 'inspection.gpkg') as store:
        Reviewer(store, 'A. B.').decide(verdict)
