# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""How a recorded flight's detections get their places on the ground."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from roof_detector.bags.errors import BagError
from roof_detector.georeference.camera_mount import BodyMount
from roof_detector.georeference.ground import Ground
from roof_detector.offline.errors import ReplayError
from roof_detector.telemetry.errors import TelemetryError
from roof_detector.telemetry.recorded_track import FIX_TYPES, POSE_TYPES, read_track

if TYPE_CHECKING:
    from roof_detector.georeference.camera_track import CameraTrack
    from roof_detector.offline.result_bag import ResultBag

PLACES = 'geojson'
# Without a word from the operator: the height that the recorded poses count from.
_ASSUMED_GROUND = Ground(map_z_m=0.0)
_GROUND_IS_ASSUMED = (
    'Places were reckoned on z = 0 of the recorded pose, for it was not said how high the roofs '
    'are: what lies higher is displaced, beyond the stated error too. Say it with --ground-z, '
    '--ground-altitude or --flight-height.'
)


@dataclass(frozen=True)
class PlaceSettings:
    """Say where the roofs are, how the camera is mounted, and which topics tell where it was.

    Without `ground` it is assumed, which `notes` says. Without `body_mount` the pose is the
    camera's own. A topic that is not named is the one whose name is most like the image topic's.
    """

    ground: Ground | None = None
    body_mount: BodyMount | None = None
    fix_topic: str = ''
    pose_topic: str = ''

    def tracks(self, bag: ResultBag, *, notes: list[str]) -> dict[str, CameraTrack]:
        """Return where each image topic's camera was; raise ReplayError where that is unknown.

        `notes` gets a sentence for each kind of record that was left out.
        """
        try:
            return {
                topic: read_track(
                    bag.reader,
                    image_topic=topic,
                    ground=self.ground or _ASSUMED_GROUND,
                    mount=self.body_mount.camera_mount() if self.body_mount else None,
                    fix_topic=self.fix_topic,
                    pose_topic=self.pose_topic,
                    notes=notes,
                )
                for topic in bag.image_topics
            }
        except (TelemetryError, BagError) as error:
            msg = f'{PLACES} was not exported: {error}'
            raise ReplayError(msg) from error

    def notes(self) -> list[str]:
        """Return what to tell whoever gets the places."""
        return [] if self.ground else [_GROUND_IS_ASSUMED]


def has_places(bag: ResultBag) -> bool:
    """Tell whether a bag recorded where the camera was."""
    types = {topic.type_name for topic in bag.reader.topics if topic.message_count}
    return not types.isdisjoint(FIX_TYPES) and not types.isdisjoint(POSE_TYPES)
