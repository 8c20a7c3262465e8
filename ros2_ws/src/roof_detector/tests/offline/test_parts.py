# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Parts of a recording, inferred apart, give the results of the whole."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import rasterio
from affine import Affine

from roof_detector.offline.detection import FlightDetection
from roof_detector.offline.settings import DetectSettings, OutputSettings
from roof_detector.vision.thresholds import Thresholds

SETTINGS = DetectSettings(Thresholds(confidence=0.6), OutputSettings(formats=()))
FRAMES = 6


def write_bag(flights, folder):
    return flights.write(folder / 'flight', range(FRAMES), image_topics=('/left', '/right'))


def write_photos(flights, folder):
    for number in range(FRAMES):
        cv2.imwrite(str(folder / f'{number}.png'), flights.image(number))
    (folder / '3.png').write_bytes(b'no image')
    return folder


def write_orthophoto(flights, folder):
    path = folder / 'ortho.tif'
    values = np.moveaxis(flights.image(1, size_wh=(160, 120)), -1, 0)
    profile = {'driver': 'GTiff', 'width': 160, 'height': 120, 'count': 3, 'dtype': 'uint8'}
    place = Affine(0.05, 0, 454_000, 0, -0.05, 38_000)
    with rasterio.open(path, 'w', crs='EPSG:32636', transform=place, **profile) as dataset:
        dataset.write(values)
    return path


def write_video(flights, folder):
    path = folder / 'video.mp4'
    code = cv2.VideoWriter_fourcc(*'mp4v')
    writer = cv2.VideoWriter(str(path), code, 4.0, flights.SIZE_WH)
    for number in range(5 * FRAMES):
        writer.write(flights.image(number // 3))
    writer.release()
    return path


@pytest.mark.parametrize('write', [write_bag, write_photos, write_orthophoto, write_video])
def test_parts_give_the_bytes_of_the_whole(write, flights, detector, tmp_path):
    folder = tmp_path / 'in'
    folder.mkdir()
    path = write(flights, folder)

    def detection(output, **options):
        return FlightDetection(
            path,
            tmp_path / output,
            detector=detector,
            settings=SETTINGS,
            progress='none',
            **options,
        )

    whole = detection('whole').run()
    count = detection('none').frame_count()
    assert count >= FRAMES
    parts, inferred = [], 0
    for begin, end in ((0, 2), (2, count - 1), (count - 1, None)):
        parts.append(tmp_path / f'{begin}.journal')
        inferred += detection('none').infer_part(parts[-1], begin=begin, end=end, made_from='x')
    assert inferred == count
    again = detection('none').infer_part(parts[0], begin=0, end=2, made_from='x')
    assert again == 2
    outcome = detection('out', parts=parts).run()
    # An orthophoto is one frame, made of all tiles when they are there.
    assert outcome.inferred == (1 if write is write_orthophoto else 0)
    assert (outcome.frames, outcome.detections) == (whole.frames, whole.detections)
    assert (outcome.unreadable, outcome.warnings) == (whole.unreadable, whole.warnings)
    assert sum(whole.detections.values()) > FRAMES
    results = [(tmp_path / name / 'bag' / 'bag_0.mcap').read_bytes() for name in ('whole', 'out')]
    assert results[0] == results[1]


def test_a_part_beyond_the_end_is_empty(flights, detector, tmp_path):
    path = write_bag(flights, tmp_path)
    detection = FlightDetection(
        path, tmp_path / 'none', detector=detector, settings=SETTINGS, progress='none'
    )
    assert detection.infer_part(tmp_path / 'j', begin=90, end=99, made_from='x') == 0
