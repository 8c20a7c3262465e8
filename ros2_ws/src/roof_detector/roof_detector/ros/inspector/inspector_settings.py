# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What the inspector's parameters stand for, checked together."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from roof_detector.findings.detection_curves import DetectionCurves
from roof_detector.findings.inspection_area import InspectionArea
from roof_detector.findings.register_settings import RegisterSettings
from roof_detector.georeference.camera_mount import BodyMount, CameraMount
from roof_detector.georeference.ground import Ground
from roof_detector.ros.detector.camera_topic import CameraTopic, parse_cameras
from roof_detector.ros.inspector.inspector_parameters import AUTO
from roof_detector.telemetry.topic_choice import TopicNames

if TYPE_CHECKING:
    from collections.abc import Mapping

SHIPPED_SIZE_PX = 640  # the side of the input of the models in `roof_detector/weights`


@dataclass(frozen=True, kw_only=True)
class InspectorSettings:
    """The parameters of the inspector, checked together."""

    cameras: tuple[CameraTopic, ...]
    detector: str
    class_names: tuple[str, ...]
    preset: str
    names: TopicNames
    world_frame: str
    telemetry_wait_s: float
    ground: Ground
    mount: CameraMount | None
    map_frame_id: str
    area: InspectionArea | None
    folder: Path | None
    curves: DetectionCurves | None
    update_period_s: float
    register_rate_hz: float
    network_px: int
    register: RegisterSettings

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> InspectorSettings:
        """Return the settings of a table's values; raise ValueError or one of our errors."""
        folder, curves = values['findings_directory'], values['detection_curves']
        return cls(
            cameras=parse_cameras(values['cameras']),
            detector=values['detector'],
            class_names=values['class_names'],
            preset='' if values['telemetry'] == AUTO else values['telemetry'],
            names=TopicNames(
                fix=values['fix_topic'],
                pose=values['pose_topic'],
                info=values['info_topic'],
                gimbal=values['gimbal_topic'],
            ),
            world_frame=values['world_frame'].lstrip('/'),
            telemetry_wait_s=values['telemetry_wait_s'],
            ground=_ground(values),
            mount=_mount(values),
            map_frame_id=values['map_frame_id'],
            area=InspectionArea.read(Path(values['area']).expanduser())
            if values['area']
            else None,
            folder=Path(folder).expanduser().absolute() if folder else None,
            curves=DetectionCurves.read(Path(curves).expanduser()) if curves else None,
            update_period_s=values['update_period_s'],
            register_rate_hz=values['register_rate_hz'],
            network_px=values['image_size'] or SHIPPED_SIZE_PX,
            register=RegisterSettings(most_objects=values['most_objects']),
        )


def _ground(values: Mapping[str, Any]) -> Ground:
    reference, level = values['ground_reference'], values['ground_m']
    ground = Ground(
        map_z_m=level if reference == 'map' else None,
        altitude_m=level if reference == 'altitude' else None,
        height_m=level if reference == 'flight_height' else None,
        surface=values['surface_file'] if reference == 'surface' else None,
        sigma_m=values['ground_sigma_m'],
        roof_height_m=values['roof_height_m'],
        geoid_height_m=values['geoid_height_m'],
    )
    _ = ground.model  # a raster that cannot be used is refused now
    return ground


def _mount(values: Mapping[str, Any]) -> CameraMount | None:
    if values['mount'] == AUTO:
        return None
    return BodyMount(
        down_deg=values['mount_down_deg'],
        yaw_deg=values['mount_yaw_deg'],
        roll_deg=values['mount_roll_deg'],
    ).camera_mount()
