# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The record of a frame in a result bag, beside its detections."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from roof_detector.bags.finding_messages import header_values
from roof_detector.bags.message_bytes import message_bytes
from roof_detector.vision.content_identity import ContentIdentity
from roof_detector.vision.moment import Moment

FRAME_TYPE = 'diagnostic_msgs/msg/DiagnosticArray'
_OK, _ERROR = b'\x00', b'\x02'  # the levels of diagnostic_msgs/DiagnosticStatus


@dataclass(frozen=True, kw_only=True)
class FrameRecord:
    """Which frame it was, and the `error` with which it could not be read, or an empty text.

    `content` identifies the image file, the image message or the video that the frame is from; it
    is None in results of an earlier version, and where nothing could be read. `moment` is when the
    image was taken, None where its file does not tell it.
    """

    topic: str
    index: int
    name: str
    stamp_ns: int
    frame_id: str
    size_wh: tuple[int, int]
    error: str = ''
    content: ContentIdentity | None = None
    moment: Moment | None = None

    def to_bytes(self) -> bytes:
        """Return the record as a DiagnosticArray with one status, which common tools can show."""
        values: dict[str, int | str] = {
            'index': self.index,
            'width': self.size_wh[0],
            'height': self.size_wh[1],
        }
        if self.content is not None:
            values |= {'size_bytes': self.content.size_bytes, 'sha256': self.content.sha256}
        if self.moment is not None and self.moment.utc_ns is not None:
            values['taken_utc_ns'] = self.moment.utc_ns
        elif self.moment is not None:
            values['taken_local'] = self.moment.local
        status = {
            'level': (_ERROR if self.error else _OK)[0],
            'name': self.name,
            'message': self.error,
            'hardware_id': self.topic,
            'values': [{'key': key, 'value': str(value)} for key, value in values.items()],
        }
        header = header_values(self.stamp_ns, self.frame_id)
        return message_bytes(FRAME_TYPE, {'header': header, 'status': [status]})

    @classmethod
    def of(cls, message: Any) -> FrameRecord:
        """Read a record from its message."""
        (status,) = message.status
        values = {pair.key: pair.value for pair in status.values}
        content = None
        if 'sha256' in values:
            content = ContentIdentity(int(values['size_bytes']), values['sha256'])
        moment = None
        if 'taken_utc_ns' in values:
            moment = Moment(utc_ns=int(values['taken_utc_ns']))
        elif 'taken_local' in values:
            moment = Moment(local=values['taken_local'])
        return cls(
            topic=status.hardware_id,
            index=int(values['index']),
            name=status.name,
            stamp_ns=header_stamp_ns(message),
            frame_id=message.header.frame_id,
            size_wh=(int(values['width']), int(values['height'])),
            error=status.message,
            content=content,
            moment=moment,
        )


def header_stamp_ns(message: Any) -> int:
    """Return the stamp of a message's header."""
    stamp = message.header.stamp
    return int(stamp.sec) * 10**9 + int(stamp.nanosec)
