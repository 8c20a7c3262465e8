# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What a simulated drone believes of its position and attitude, and by how much it is wrong."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import cv2
import numpy as np

from roof_detector.georeference.camera_fix import CameraFix
from roof_detector.georeference.lens import Lens
from roof_detector.georeference.local_tangent_plane import LocalTangentPlane
from roof_detector.georeference.uncertainty import Uncertainty

if TYPE_CHECKING:
    from roof_detector.georeference.pose import CameraPose
    from roof_detector.simulation import PinholeCamera

ORIGIN = LocalTangentPlane(47.3769, 8.5417, 408.0)


@dataclass(frozen=True)
class Errors:
    """What is wrong with the telemetry, as standard deviations, and with the detections."""

    gps_bias_m: float = 3.0
    gps_walk_m: float = 0.03
    height_bias_m: float = 1.0
    tilt_deg: float = 0.7
    heading_deg: float = 2.0
    swing_s: float = 2.0
    pixel_share: float = 0.03
    detected: float = 0.9
    clutter_detected: float = 0.42
    rate_spread: float = 1.3
    """The sum of the parameters of the beta distributions that each object's own rate is from."""
    other_class: float = 0.03


class Telemetry:
    """Fixes of true poses with the errors of one flight."""

    def __init__(
        self, errors: Errors, rng: np.random.Generator, plane_m: float, camera: PinholeCamera
    ) -> None:
        self._errors, self._rng, self._plane_m = errors, rng, plane_m
        self._lens = Lens(size_wh=camera.size_wh, matrix=camera.matrix)
        self._gps = rng.normal(0, errors.gps_bias_m, 2)
        self._height = rng.normal(0, errors.height_bias_m)
        scale = np.radians([errors.tilt_deg, errors.tilt_deg, errors.heading_deg])
        self._bias = rng.normal(0, 1, 3) * scale / np.sqrt(2)
        self._scale = scale / np.sqrt(2)
        self._swing = rng.normal(0, 1, 3) * self._scale
        uncertainty = Uncertainty(
            horizontal_m=max(errors.gps_bias_m, 1e-3),
            vertical_m=max(errors.height_bias_m, 1e-3),
            tilt_deg=errors.tilt_deg,
            heading_deg=errors.heading_deg,
        )
        self._position = uncertainty.fix_covariance
        self._attitude = uncertainty.attitude_covariance

    def fix(self, pose: CameraPose, stamp_ns: int, step_s: float) -> CameraFix:
        """Return what the drone believes."""
        errors, rng = self._errors, self._rng
        self._gps = self._gps + rng.normal(0, errors.gps_walk_m * np.sqrt(step_s), 2)
        keep = np.exp(-step_s / errors.swing_s)
        fresh = rng.normal(0, 1, 3) * self._scale
        self._swing = keep * self._swing + np.sqrt(1 - keep**2) * fresh
        turn, _ = cv2.Rodrigues(self._bias + self._swing)
        east, north, up = pose.position_enu
        believed = np.array([east + self._gps[0], north + self._gps[1], up])
        latitude, longitude, altitude = ORIGIN.to_geodetic(believed).tolist()
        return CameraFix(
            stamp_ns=stamp_ns,
            latitude_deg=latitude,
            longitude_deg=longitude,
            altitude_m=altitude,
            height_m=max(float(up - self._plane_m + self._height), 1.0),
            rotation=np.asarray(turn) @ pose.rotation,
            lens=self._lens,
            position_covariance=self._position,
            attitude_covariance=self._attitude,
        )


def without_errors(errors: Errors) -> Errors:
    """Return errors of a perfect telemetry and detector."""
    return replace(
        errors,
        **dict.fromkeys(('gps_bias_m', 'gps_walk_m', 'height_bias_m', 'pixel_share'), 0.0),
        tilt_deg=1e-3,
        heading_deg=1e-3,
        detected=1.0,
        clutter_detected=0.0,
        rate_spread=1e3,
        other_class=0.0,
    )
