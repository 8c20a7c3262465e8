# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Turns the messages of a chosen topic into the rows of numbers of one role."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from roof_detector.telemetry.message_values import MessageValues, UnusableMessageError
from roof_detector.telemetry.topic_presets import type_fields

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from roof_detector.telemetry.topic_choice import Chosen

WIDTHS = {'position': 12, 'attitude': 14, 'height': 1, 'gimbal': 6}


@dataclass(frozen=True, eq=False)
class RoleReader:
    """Reads rows of one role from messages of one topic; raises UnusableMessageError.

    Position (12,): latitude, longitude, altitude, covariance (9). Attitude (14,): quaternion of
    the body in east, north, up; z in the map, 0 where the messages hold none; covariance (9).
    Height (1,): z in the map. Gimbal (6,): quaternion of the camera's axes (forward, left, up);
    1 where its yaw is of the Earth; 1 where its roll is 180 degrees. `assumed` (3, 3) is the
    covariance where the messages hold none.
    """

    chosen: Chosen
    role: str
    assumed: NDArray[np.float64]

    @property
    def width(self) -> int:
        """Return how many numbers a row has."""
        return WIDTHS[self.role]

    @cached_property
    def values(self) -> MessageValues:
        """Return the reader of the fields of the topic's type."""
        topic, source = self.chosen
        return MessageValues(topic.type_name, self.role, source.fields)

    @cached_property
    def _heights(self) -> MessageValues | None:
        if 'height' not in type_fields(self.chosen[0].type_name):
            return None
        topic, source = self.chosen
        return MessageValues(topic.type_name, 'height', source.fields)

    def row(self, message: Any) -> tuple[float, ...]:
        """Return the row of a message."""
        if self.role == 'position':
            return self.values.position(message, self.assumed)
        if self.role == 'height':
            return (self.values.height(message),)
        if self.role == 'gimbal':
            quaternion, is_earth = self.values.gimbal(message)
            return (*quaternion, float(is_earth), float(self.values.is_turned_over(message)))
        numbers = self.values.attitude(message, self.assumed)
        try:
            z = 0.0 if self._heights is None else self._heights.height(message)
        except UnusableMessageError:
            msg = 'not an attitude'
            raise UnusableMessageError(msg) from None
        return (*numbers[:4], z, *numbers[4:])

    def place(self, message: Any) -> tuple[float, float, float] | None:
        """Return where in the map a pose is, in metres; None where the messages do not tell."""
        return self.values.place(message)

    def stamp_ns(self, message: Any, *, received_ns: int) -> int:
        """Return the stamp of a message, or when it was received where it has none."""
        return self.values.stamp_ns(message, log_time_ns=received_ns)
