# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Messages that are ready to be published except for their stamps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from builtin_interfaces.msg import Time

from roof_detector.bags.stamp_fields import stamp_fields
from roof_detector.inputs.recorded_header import with_stamp_ns


@dataclass(frozen=True, eq=False)
class Outgoing:
    """A message, or its serialised bytes, for the topic of a role.

    `lag_ns` is its stamp minus the frame's stamp; zero except for what a bag holds between two
    frames.
    """

    role: str
    message: Any
    lag_ns: int = 0

    def stamped(self, stamp_ns: int) -> Any:
        """Return the message with its stamp set, given the frame's stamp."""
        stamp_ns += self.lag_ns
        if isinstance(self.message, bytes):
            return with_stamp_ns(self.message, stamp_ns)
        stamp = time_message(stamp_ns)
        self.message.header.stamp = stamp
        for detection in getattr(self.message, 'detections', ()):
            detection.header.stamp = stamp
        return self.message


@dataclass(frozen=True, eq=False)
class OutgoingFrame:
    """All messages of one frame and the time it is due; see Frame for the times."""

    stamp_ns: int
    due_ns: int | None
    messages: tuple[Outgoing, ...]


def time_message(stamp_ns: int) -> Time:
    """Return a stamp as a Time message."""
    seconds, nanoseconds = stamp_fields(stamp_ns)
    return Time(sec=seconds, nanosec=nanoseconds)
