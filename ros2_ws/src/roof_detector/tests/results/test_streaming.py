# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path

PACKAGE = Path(__file__).parents[2]

# A flight in a process of its own, whose memory is its own: frames without end, no images but
# for the video.
FLIGHT = """
import sys
from pathlib import Path
import numpy as np
import psutil
from roof_detector.results.formats import open_exports
from roof_detector.georeference.camera_track import CameraTrack
from roof_detector.georeference.ground import Ground
from roof_detector.georeference.lens import Lens
from roof_detector.georeference.pose import CameraPose
from roof_detector.georeference.stamped_series import StampedSeries
from roof_detector.vision.detections import Detections
from roof_detector.vision.frame_findings import FrameFindings

folder, formats, frames = Path(sys.argv[1]), sys.argv[2].split(','), int(sys.argv[3])
size_wh = (320, 240)
pose = CameraPose.looking_down([0, 0, 30], yaw_deg=90, pitch_deg=5, roll_deg=0)
track = CameraTrack(
    positions=StampedSeries(
        stamps_ns=np.array([0, 10**18]),
        rows=np.tile([47.0, 8.0, 30.0, *np.eye(3).ravel()], (2, 1)),
        max_gap_s=1e12,
    ),
    attitudes=StampedSeries(
        stamps_ns=np.array([0, 10**18]),
        rows=np.tile([*pose.quaternion_xyzw, 30.0, *np.eye(3).ravel() * 1e-4], (2, 1)),
        max_gap_s=1e12,
    ),
    lens=Lens(size_wh=size_wh, matrix=np.array([[300.0, 0, 160], [0, 300, 120], [0, 0, 1]])),
    ground=Ground(height_m=30.0),
)
exports = open_exports(folder, formats, class_names=('vent', 'crack'), settings={}, track=track)
rng = np.random.default_rng(1)
noise = rng.integers(0, 255, (8, 240, 320, 3), np.uint8)
memory = psutil.Process().memory_info
settled = 0
for index in range(frames):
    corners = rng.uniform(10, 200, (16, 2))
    boxes = np.hstack([corners, corners + 20])
    exports.write(
        FrameFindings(
            source='endless.mcap', topic='/camera/image', index=index,
            name=f'endless_{index:06d}', stamp_ns=index * 100_000_000, frame_id='camera',
            size_wh=size_wh,
            detections=Detections(
                boxes_xyxy=boxes, scores=np.linspace(0.9, 0.5, 16), class_ids=np.arange(16) % 2
            ),
            class_names=('vent', 'crack'), inference_s=0.01,
        ),
        noise[index % 8] if 'video' in formats else None,
    )
    if index == frames // 5:
        settled = memory().rss
        print('under way', flush=True)
        if sys.argv[4:] == ['wait']:
            sys.stdin.read()
grown = memory().rss - settled
exports.close()
print(grown, memory().rss - settled, *exports.errors)
"""


def fly(folder, formats, *options):
    return subprocess.Popen(
        [sys.executable, '-c', FLIGHT, str(folder), formats, *options],
        cwd=PACKAGE,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_tables_and_places_of_a_long_flight_do_not_grow_memory(tmp_path):
    flight = fly(tmp_path, 'csv,xlsx,json,geojson', '250')
    grown, after_close = map(int, flight.communicate()[0].splitlines()[-1].split())
    assert flight.returncode == 0
    written = sum(path.stat().st_size for path in tmp_path.iterdir())
    assert written > 4e6, '4000 findings, of which 3200 since memory was looked at'
    assert grown < 0.8e6 and after_close < 4e6


def test_a_video_keeps_only_a_few_frames_in_memory(tmp_path):
    flight = fly(tmp_path, 'video', '200')
    grown, _ = map(int, flight.communicate()[0].splitlines()[-1].split())
    assert flight.returncode == 0
    assert grown < 30 * 320 * 240 * 1.5, 'of 160 frames, fewer than 30 may stay'


def test_a_killed_flight_leaves_every_frame_in_the_table(tmp_path):
    flight = fly(tmp_path, 'csv,json,xlsx', '200', 'wait')
    assert flight.stdout.readline() == 'under way\n', 'frame 40 is written'
    flight.kill()
    flight.communicate()
    with (tmp_path / 'detections.csv.part').open(encoding='utf-8-sig', newline='') as file:
        frames = [int(row['frame']) for row in csv.DictReader(file, strict=True)]
    assert frames == [index // 16 for index in range(16 * 41)]
    assert all(path.suffix == '.part' for path in tmp_path.iterdir())
