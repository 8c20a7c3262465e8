# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The telemetry that arrives during a flight: the newest values of each topic, bounded."""

from __future__ import annotations

import threading
from collections import Counter
from typing import TYPE_CHECKING, Any

from roof_detector.georeference.errors import GeoError
from roof_detector.telemetry.live_series import LiveSeries
from roof_detector.telemetry.live_transforms import LiveTransforms
from roof_detector.telemetry.message_values import UnusableMessageError
from roof_detector.telemetry.recorded_lens import lens_of
from roof_detector.telemetry.role_reader import RoleReader

if TYPE_CHECKING:
    from roof_detector.georeference.lens import Lens
    from roof_detector.georeference.uncertainty import Uncertainty
    from roof_detector.telemetry.topic_choice import Chosen

INVALID_TRANSFORM = 'not a transform'
_MALFORMED = 'with a field that cannot be read'
_MOST_CAUSES = 20


class LiveTelemetry:
    """Buffers of the chosen topics; any thread may add messages or look values up.

    A message that cannot be used is counted in `left_out` by topic and cause. `rectified` takes
    the lens of a rectified image from CameraInfo.
    """

    def __init__(self, uncertainty: Uncertainty) -> None:
        self.lock = threading.RLock()
        self.left_out: dict[str, Counter[str]] = {}
        self.transforms = LiveTransforms()
        self.lenses: dict[tuple[str, bool], Lens] = {}
        self.frames: dict[str, str] = {}
        """The frame_id of the newest message of a topic."""
        self.body_frames: dict[str, str] = {}
        self._uncertainty = uncertainty
        self._series: dict[tuple[str, str], LiveSeries] = {}
        self._readers: dict[str, list[RoleReader]] = {}

    def expect(self, chosen: Chosen, role: str) -> LiveSeries:
        """Return the series of a topic and role, which messages of the topic fill from now on."""
        key = chosen[0].name, role
        with self.lock:
            if key not in self._series:
                fix = self._uncertainty.fix_covariance
                turn = self._uncertainty.attitude_covariance
                reader = RoleReader(chosen, role, fix if role == 'position' else turn)
                self._series[key] = LiveSeries(width=reader.width)
                self._series.setdefault((chosen[0].name, 'place'), LiveSeries(width=3))
                self._readers.setdefault(chosen[0].name, []).append(reader)
            return self._series[key]

    def places(self, topic: str) -> LiveSeries:
        """Return the rows (3,) of where in the map the poses of a topic are."""
        return self._series.setdefault((topic, 'place'), LiveSeries(width=3))

    def add(self, topic: str, message: Any, *, received_ns: int) -> bool:
        """Add a message of a topic that was expected; return whether any value was used."""
        used = False
        with self.lock:
            header = getattr(message, 'header', None)
            if header is not None:
                self.frames[topic] = str(header.frame_id).lstrip('/')
            for reader in self._readers.get(topic, ()):
                try:
                    row = reader.row(message)
                    stamp_ns = reader.stamp_ns(message, received_ns=received_ns)
                    place = reader.place(message) if reader.role == 'attitude' else None
                    frame = reader.values.body_frame(message)
                except UnusableMessageError as error:
                    self.leave_out(topic, str(error))
                    continue
                except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
                    self.leave_out(topic, _MALFORMED)
                    continue
                used = True
                self._series[topic, reader.role].add(stamp_ns, row)
                if place is not None:
                    self.places(topic).add(stamp_ns, place)
                if frame:
                    self.body_frames[topic] = frame
        return used

    def add_transforms(self, topic: str, message: Any, *, is_static: bool) -> bool:
        """Add the transforms of a TFMessage; return whether any can be used."""
        with self.lock:
            used, invalid = self.transforms.add(message, is_static=is_static)
            if invalid:
                self.leave_out(topic, INVALID_TRANSFORM, count=invalid)
        return used > 0

    def add_lens(self, topic: str, info: Any) -> bool:
        """Add a CameraInfo; return whether it is calibrated."""
        found = {}
        for is_rectified in (False, True):
            try:
                found[topic, is_rectified] = lens_of(info, rectified=is_rectified)
            except (GeoError, ArithmeticError, TypeError, ValueError):
                continue
        with self.lock:
            self.frames[topic] = str(info.header.frame_id).lstrip('/')
            if not found:
                self.leave_out(topic, 'not calibrated')
            self.lenses |= found
        return bool(found)

    def leave_out(self, topic: str, cause: str, *, count: int = 1) -> None:
        """Count a message that is not used."""
        causes = self.left_out.setdefault(topic, Counter())
        causes[cause if cause in causes or len(causes) < _MOST_CAUSES else 'others'] += count

    def causes(self) -> dict[str, dict[str, int]]:
        """Return how many messages were left out, by topic and cause."""
        with self.lock:
            return {topic: dict(causes) for topic, causes in self.left_out.items()}
