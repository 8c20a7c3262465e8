# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Objects on a roof, and flights over them with known errors."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from roof_detector.findings.ground_view import ErrorSplit, frame_sightings
from roof_detector.findings.sightings import FrameReference
from roof_detector.georeference.camera_fix import CameraFix
from roof_detector.georeference.lens import Lens
from roof_detector.georeference.local_tangent_plane import LocalTangentPlane
from roof_detector.georeference.pose import CameraPose
from roof_detector.georeference.uncertainty import Uncertainty
from roof_detector.vision.detections import Detections


class Roof:
    """A grid of square objects on a plane, and a camera 12 m above it that looks down."""

    NAMES = ('equip', 'drain')
    ORIGIN = LocalTangentPlane(47.0, 8.0, 400.0)
    LENS = Lens(
        size_wh=(640, 360), matrix=np.array([[512.0, 0, 319.5], [0, 512, 179.5], [0, 0, 1]])
    )
    HEIGHT_M = 12.0
    BEGIN_NS = 1_700_000_000_000_000_000

    def __init__(self, positions, *, side_m=0.6, class_ids=None, heights=None):
        self.positions = np.asarray(positions, np.float64).reshape(-1, 2)
        self.side_m = side_m
        count = len(self.positions)
        self.class_ids = np.zeros(count, np.int32) if class_ids is None else np.array(class_ids)
        self.heights = np.zeros(count) if heights is None else np.asarray(heights, np.float64)

    def fix(self, place, *, stamp_ns=0, yaw_deg=90.0, bias=(0, 0), sigma_m=3.0, believed_yaw=None):
        """Return what the drone believes; the camera is at `place` and the fix `bias` away."""
        pose = CameraPose.looking_down(
            [0, 0, 0],
            yaw_deg=yaw_deg if believed_yaw is None else believed_yaw,
            pitch_deg=0,
            roll_deg=0,
        )
        up = np.array([place[0] + bias[0], place[1] + bias[1], self.HEIGHT_M])
        latitude, longitude, altitude = self.ORIGIN.to_geodetic(up).tolist()
        uncertainty = Uncertainty(
            horizontal_m=sigma_m, vertical_m=0.5, tilt_deg=0.3, heading_deg=1.0
        )
        return CameraFix(
            stamp_ns=stamp_ns,
            latitude_deg=latitude,
            longitude_deg=longitude,
            altitude_m=altitude,
            height_m=self.HEIGHT_M,
            rotation=pose.rotation,
            lens=self.LENS,
            position_covariance=uncertainty.fix_covariance,
            attitude_covariance=uncertainty.attitude_covariance,
        )

    def boxes(self, place, *, yaw_deg=90.0, noise=None):
        """Return boxes (n, 4) cut by the image, and the objects that they show."""
        pose = CameraPose.looking_down(
            [*place, self.HEIGHT_M], yaw_deg=yaw_deg, pitch_deg=0, roll_deg=0
        )
        half, boxes, ids = self.side_m / 2, [], []
        for k, (east, north) in enumerate(self.positions):
            corners = [
                [east + i * half, north + j * half, self.heights[k]]
                for i in (-1, 1)
                for j in (-1, 1)
            ]
            optical = pose.to_optical(np.array(corners))
            pixels = optical[:, :2] / optical[:, 2:] * 512 + (320, 180)
            whole = np.concatenate([pixels.min(axis=0), pixels.max(axis=0)])
            if noise is not None:
                whole = whole + noise.normal(0, 1.0, 4)
            box = np.clip(whole, 0, [640, 360, 640, 360])
            if (box[2:] - box[:2] > 4).all():
                boxes.append(box)
                ids.append(k)
        return np.array(boxes, np.float32).reshape(-1, 4), ids

    def sightings(self, place, index, *, flight='f', missed=(), track_ids=None, noise=None, **fix):
        """Return the sightings of one frame and the objects that they show."""
        yaw_deg = fix.get('yaw_deg', 90.0)
        boxes, ids = self.boxes(place, yaw_deg=yaw_deg, noise=noise)
        kept = [k for k, one in enumerate(ids) if one not in missed]
        boxes, ids = boxes[kept], [ids[k] for k in kept]
        stamp_ns = self.BEGIN_NS + index * 250_000_000
        found = Detections(
            boxes_xyxy=boxes, scores=np.full(len(ids), 0.8), class_ids=self.class_ids[ids]
        )
        fix = self.fix(place, stamp_ns=stamp_ns, **fix)
        tracks = np.zeros(len(ids), np.int64) if track_ids is None else track_ids(ids)
        frame = FrameReference(
            flight=flight,
            source=flight,
            topic='/camera',
            index=index,
            name=f'{flight}_{index}',
            stamp_ns=stamp_ns,
        )
        return frame_sightings(
            frame, found, size_wh=(640, 360), track_ids=tracks, fix=fix, origin=self.ORIGIN,
            split=ErrorSplit(),
        ), ids  # fmt: skip

    def fly(self, register, *, flight='f', lines=((-6, 0), (6, 0)), steps=24, **options):
        """Fly from point to point; return the object of each sighting, by its key."""
        found = {}
        points = np.linspace(0, 1, steps)[:, None]
        legs = pairwise(lines)
        path = np.concatenate([np.add(a, points * np.subtract(b, a)) for a, b in legs])
        begin = options.pop('begin', 0)
        for index, place in enumerate(path):
            sightings, ids = self.sightings(place, begin + index, flight=flight, **options)
            for key, one in zip(register.add(sightings), ids, strict=True):
                found.setdefault(key, set()).add(one)
        return found


@pytest.fixture
def roof():
    return Roof
