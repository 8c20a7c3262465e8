# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Images compared by hand, and real images labelled with what the shipped model finds."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
import yaml

from roof_detector.georeference.pose import CameraPose
from roof_detector.inference.detector import Detector
from roof_detector.inference.shipped_weights import resolve_model
from roof_detector.simulation import FlightConfig, RoofWorld, SurveyFlight, WorldConfig
from roof_detector.vision.detections import Detections
from roof_detector.vision.thresholds import Thresholds
from training.evaluation.ground_truth import GroundTruth
from training.evaluation.image_comparison import ImageComparison

torch.set_num_threads(1)

CROWDED = WorldConfig(
    roof_kinds=('concrete',),
    building_count=(1, 1),
    roof_area_m2=(160.0, 200.0),
    margin_m=5.0,
    texture_metres_per_px=0.03,
    equipment_density=4.0,
    defect_density=4.0,
    tree_count=(0, 1),
)


def compare_boxes(found_xyxy, scores, found_ids, true_xyxy, true_ids):
    order = np.argsort(-np.asarray(scores, float), kind='stable')
    found = Detections(
        boxes_xyxy=np.asarray(found_xyxy, float).reshape(-1, 4)[order],
        scores=np.asarray(scores, float)[order],
        class_ids=np.asarray(found_ids, int)[order],
    )
    true = GroundTruth(
        boxes_xyxy=np.asarray(true_xyxy, float).reshape(-1, 4),
        class_ids=np.asarray(true_ids, np.intp),
        outlines=((),) * len(true_ids),
    )
    return ImageComparison.compare(Path('roof.png'), found=found, true=true)


@pytest.fixture(scope='session')
def compared():
    return compare_boxes


@dataclass(frozen=True)
class SelfLabelled:
    """Images whose labels are what a model itself finds above `confidence`."""

    data: Path
    names: tuple[str, ...]
    images: tuple[Path, ...]
    confidence: float
    image_size: int

    def label_path(self, image: Path) -> Path:
        return Path(str(image.with_suffix('.txt')).replace('images', 'labels'))

    def relabel(self, target: Path, *, change, names=None) -> Path:
        """Copy the set, its label lines changed by `change(lines of all images)`."""
        lines = change([self.label_path(one).read_text().splitlines() for one in self.images])
        for image, own in zip(self.images, lines, strict=True):
            for folder in ('images', 'labels'):
                (target / folder / 'val').mkdir(parents=True, exist_ok=True)
            (target / 'images' / 'val' / image.name).write_bytes(image.read_bytes())
            text = ''.join(f'{line}\n' for line in own)
            (target / 'labels' / 'val' / image.with_suffix('.txt').name).write_text(text)
        return write_yaml(target, names or self.names)


def write_yaml(folder: Path, names) -> Path:
    path = folder / 'data.yaml'
    path.write_text(yaml.safe_dump({'val': 'images/val', 'names': list(names)}))
    return path


def box_lines(found, size_wh):
    width, height = size_wh
    for (left, top, right, bottom), _, class_id in found.rows():
        x, y = (left + right) / 2 / width, (top + bottom) / 2 / height
        w, h = (right - left) / width, (bottom - top) / height
        yield f'{class_id} {x:.8f} {y:.8f} {w:.8f} {h:.8f}'


def label_images(
    model, folder: Path, frames, *, confidence, image_size, lines_of=box_lines, backend='auto'
):
    """Write images and, as their labels, what the model finds above a confidence."""
    for kind in ('images', 'labels'):
        (folder / kind / 'val').mkdir(parents=True)
    options = {'image_size': image_size, 'device': 'cpu', 'backend': backend}
    with Detector.open(model, **options) as detector:
        for number, image_bgr in enumerate(frames):
            found = detector.detect(image_bgr, Thresholds(confidence=confidence))
            lines = lines_of(found, image_bgr.shape[1::-1])
            label = folder / 'labels' / 'val' / f'roof_{number}.txt'
            label.write_text(''.join(f'{line}\n' for line in lines))
            image = folder / 'images' / 'val' / f'roof_{number}.png'
            assert cv2.imwrite(str(image), image_bgr)
        names = detector.names
    images = tuple(sorted((folder / 'images' / 'val').iterdir()))
    return SelfLabelled(write_yaml(folder, names), names, images, confidence, image_size)


@pytest.fixture(scope='session')
def frames():
    """Return three views of a small roof full of objects."""
    world = RoofWorld.generate(seed=7, config=CROWDED)
    flight = SurveyFlight(world, FlightConfig(size_wh=(416, 320)), seed=1)
    roof = world.buildings[0].roofs[0].corners
    images = []
    for number, yaw_deg in enumerate((0.0, 120.0, 240.0)):
        east, north, _ = roof.mean(axis=0)
        place = np.array([east + 2.0 * (number - 1), north, roof[:, 2].max() + 8.0])
        pose = CameraPose.looking_down(place, yaw_deg=yaw_deg, pitch_deg=0.0, roll_deg=0.0)
        images.append(flight.render(pose, index=number, stamp_s=1.0).image_bgr)
    return images


@pytest.fixture(scope='session')
def self_labelled(tmp_path_factory, frames):
    return label_images(
        resolve_model('roof_anomalies'),
        tmp_path_factory.mktemp('self_labelled'),
        frames,
        confidence=0.5,
        image_size=416,
        backend='onnxruntime',  # OpenVINO compiles it for seconds, and so in all these tests
    )


@pytest.fixture(scope='session')
def label_with():
    return label_images
