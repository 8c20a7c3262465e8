# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Tracks against BoT-SORT of Roboflow's `trackers`, by HOTA and IDF1 of TrackEval.

Both get the same detections and images of the same simulated flights; the images are textured
ground as the camera sees it, for the compensation of its motion. `trackers` needs NumPy 2, which
this project does not, so the baseline runs in an environment of its own:

    python -m benchmarks.findings_hota write --folder /tmp/hota
    python3 -m venv /tmp/trk && /tmp/trk/bin/pip install trackers trackeval
    /tmp/trk/bin/python benchmarks/findings_hota_baseline.py /tmp/hota
    python -m benchmarks.findings_hota result --folder /tmp/hota \
        --output benchmarks/results/findings_hota.json
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from benchmarks.bench.machine import describe_run
from benchmarks.bench.result_file import write_result
from benchmarks.findings_flights import SIZE_WH, SimulatedFrame, SimulatedWorld
from benchmarks.findings_telemetry import Errors
from roof_detector.findings.camera_motion import FlowMotion
from roof_detector.findings.tracker import Tracker
from roof_detector.simulation import FlightConfig, PinholeCamera
from roof_detector.vision.detections import Detections

if TYPE_CHECKING:
    import numpy.typing as npt

FIRST_WORLD = 600
HEIGHTS_M = (12.0, 20.0)
RATE_HZ = 10.0
_FRAMES = 150  # of each flight
_TEXTURE_PX, _TEXTURE_M = 2048, 0.05  # its side, and the size of a pixel on the ground


def texture() -> npt.NDArray[np.uint8]:
    """Return ground of all sizes: noise whose power falls with its frequency."""
    random = np.random.default_rng(3)
    spectrum = np.fft.rfft2(random.normal(size=(_TEXTURE_PX, _TEXTURE_PX)))
    side = np.fft.fftfreq(_TEXTURE_PX)[:, None], np.fft.rfftfreq(_TEXTURE_PX)[None]
    image = np.fft.irfft2(spectrum / np.maximum(np.hypot(*side), 1e-3))
    return np.asarray(np.clip(128 + 40 * image / image.std(), 0, 255), np.uint8)


def view(
    ground: npt.NDArray[np.uint8], frame: SimulatedFrame, plane_m: float
) -> npt.NDArray[np.uint8]:
    """Return what the camera of a frame sees of the textured plane (h, w)."""
    camera = PinholeCamera.centred(SIZE_WH, focal_px=FlightConfig().focal_ratio * SIZE_WH[0])
    half = _TEXTURE_PX * _TEXTURE_M / 2
    corners = np.array([[-half, -half], [half, -half], [half, half], [-half, half]])
    points = np.column_stack([corners, np.full(4, plane_m)])
    optical = frame.pose.to_optical(points) @ camera.matrix.T
    # Four points of a plane give the homography also where they are behind the camera.
    pixels = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float64) * _TEXTURE_PX
    source = np.column_stack([pixels, np.ones(4)])
    homography = np.linalg.lstsq(source[[0, 1, 3]], optical[[0, 1, 3]], rcond=None)[0].T
    return np.asarray(
        cv2.warpPerspective(ground, homography, SIZE_WH, borderMode=cv2.BORDER_REFLECT), np.uint8
    )


def write(folder: Path, worlds: int) -> None:
    """Write detections, truth, images and our tracks of all flights."""
    ground = texture()
    for seed in range(FIRST_WORLD, FIRST_WORLD + worlds):
        world = SimulatedWorld(seed)
        for altitude_m in HEIGHTS_M if len(world.instances) > 3 else ():
            place = folder / f'{seed}_{altitude_m:.0f}'
            place.mkdir(parents=True, exist_ok=True)
            frames = world.flight(
                'flight', seed=seed, altitude_m=altitude_m, heading_deg=None, errors=Errors(),
                rate_hz=RATE_HZ,
            )  # fmt: skip
            film = cv2.VideoWriter(
                str(place / 'flight.avi'), cv2.VideoWriter.fourcc(*'MJPG'), RATE_HZ, SIZE_WH
            )
            truth, found, ours, flown = [], [], [], []
            tracker, flow = Tracker(), FlowMotion()
            for number, frame in enumerate(frames, start=1):
                if number > _FRAMES:
                    break
                image = view(ground, frame, world.plane_m)
                film.write(cv2.cvtColor(image, cv2.COLOR_GRAY2BGR))
                sightings = frame.sightings
                detections = Detections(
                    boxes_xyxy=sightings.boxes_xyxy,
                    scores=sightings.confidences,
                    class_ids=sightings.class_ids,
                )
                ids = tracker.update(detections, motion=flow.update(image))
                for one, box in zip(frame.visible_ids.tolist(), frame.visible_boxes, strict=True):
                    truth.append(_line(number, one + 1, box, 1.0))
                for k, box in enumerate(sightings.boxes_xyxy):
                    score = float(sightings.confidences[k])
                    found.append(f'{_line(number, -1, box, score)},{sightings.class_ids[k]}')
                    for tracks, lines in ((ids, ours), (sightings.track_ids, flown)):
                        if tracks[k]:
                            lines.append(_line(number, int(tracks[k]), box, score))
            film.release()
            for name, lines in (
                ('truth', truth), ('detections', found), ('optical_flow', ours),
                ('telemetry', flown),
            ):  # fmt: skip
                (place / f'{name}.txt').write_text('\n'.join(lines) + '\n')
            print(place.name, len(truth), len(found), flush=True)


def _line(frame: int, track: int, box: npt.NDArray[np.floating], score: float) -> str:
    left, top, right, bottom = np.asarray(box, np.float64).tolist()
    return (
        f'{frame},{track},{left:.2f},{top:.2f},{right - left:.2f},{bottom - top:.2f},{score:.4f}'
    )


def main() -> None:
    """Write the flights, or the result of all trackers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('step', choices=('write', 'result'))
    parser.add_argument('--folder', type=Path, required=True)
    parser.add_argument('--worlds', type=int, default=5)
    parser.add_argument('--output', type=Path)
    options = parser.parse_args()
    if options.step == 'write':
        write(options.folder, options.worlds)
        return
    scores = json.loads((options.folder / 'scores.json').read_text())
    facts = {'rate_hz': RATE_HZ, 'frames_of_each_flight': _FRAMES, **scores}
    write_result(options.output, 'findings_hota', describe_run(), facts)


if __name__ == '__main__':
    main()
