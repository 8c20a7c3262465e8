# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The annotated video of a camera, subscribed only while a page shows it."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING, Any

from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CompressedImage

from roof_detector.ros.detector.stamp_age import stamp_ns
from roof_detector.station.preview import smaller_jpeg
from roof_detector.supervision.health import Delivery
from roof_detector.supervision.rate import Arrivals

if TYPE_CHECKING:
    from collections.abc import Callable

    from rclpy.node import Node

# A page requests the next image as soon as it has drawn one; without requests it is gone.
_FORGET_AFTER_S = 4.0
# An image that arrived longer ago is not shown as live.
_STALE_AFTER_S = 5.0
_QOS = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)


class Video:
    """A subscription to annotated images that exists only while pages request them.

    The detector draws annotations only for subscribers. Call `update` in ROS's thread and `after`
    in the page's event loop.
    """

    def __init__(self, node: Node, topic: str, *, on_image: Callable[[int, bytes], None]) -> None:
        self.topic = topic
        self.sequence = 0
        self._node = node
        self._on_image = on_image
        self._message: CompressedImage | None = None
        self._arrived_at_s = 0.0
        self._subscription: Any = None
        self._requested_at_s = -_FORGET_AFTER_S
        self._arrivals = Arrivals()
        self._waiting: dict[asyncio.Future[None], asyncio.AbstractEventLoop] = {}
        self._lock = threading.Lock()
        self._encoded: tuple[tuple[int, int, int], bytes] = ((0, 0, 0), b'')

    @property
    def is_listening(self) -> bool:
        """Return whether the annotated images are subscribed to."""
        return self._subscription is not None

    @property
    def delivery(self) -> Delivery:
        """Return how long no image has arrived since the subscription."""
        arrivals = self._arrivals
        return Delivery(f'No image on {self.topic}', arrivals.silent_s, arrivals.usual_s)

    @property
    def waiting(self) -> int:
        """Return how many requests wait for an image."""
        return len(self._waiting)

    def update(self, *, is_wanted: bool = False) -> None:
        """Subscribe while pages request images, or something else wants them; else unsubscribe."""
        wanted = is_wanted or time.monotonic() - self._requested_at_s < _FORGET_AFTER_S
        if wanted and self._subscription is None:
            self._arrivals = Arrivals()
            self._subscription = self._node.create_subscription(
                CompressedImage, self.topic, self._on_message, _QOS
            )
        elif not wanted and self._subscription is not None:
            self.close()

    def close(self) -> None:
        """Unsubscribe."""
        if self._subscription is not None:
            self._node.destroy_subscription(self._subscription)
            self._subscription = None
            self._message = None

    async def after(
        self, sequence: int, *, width: int, quality: int, within_s: float = 2.0
    ) -> tuple[int, bytes, int]:
        """Return number, JPEG and stamp in ns of an image after `sequence`; b'' if none comes.

        Images wider than `width` are scaled down; 0 keeps their size. A number that no image has
        yet is one of before the station started again, and counts as none.
        """
        self._requested_at_s = time.monotonic()
        if sequence > self.sequence:
            sequence = 0
        if self._newest(sequence) is None:
            await self._wait(within_s)
        message, number = self._newest(sequence), self.sequence
        if message is None:
            return number, b'', 0
        stamp = stamp_ns(message.header.stamp)
        key = (number, width, quality)
        if self._encoded[0] != key:
            jpeg = await asyncio.to_thread(
                smaller_jpeg, bytes(message.data), width=width, quality=quality
            )
            self._encoded = (key, jpeg)
            return number, jpeg, stamp
        return number, self._encoded[1], stamp

    def _newest(self, sequence: int) -> CompressedImage | None:
        """Return the newest image if it comes after a number and is still live."""
        is_live = time.monotonic() - self._arrived_at_s < _STALE_AFTER_S
        return self._message if is_live and self.sequence > sequence else None

    async def _wait(self, within_s: float) -> None:
        loop = asyncio.get_running_loop()
        arrival: asyncio.Future[None] = loop.create_future()
        with self._lock:
            self._waiting[arrival] = loop
        try:
            await asyncio.wait_for(arrival, within_s)
        except asyncio.TimeoutError:
            return
        finally:
            with self._lock:
                self._waiting.pop(arrival, None)

    def _on_message(self, message: CompressedImage) -> None:
        self._message = message
        self._arrived_at_s = time.monotonic()
        self._arrivals.note()
        self.sequence += 1
        with self._lock:
            waiting = list(self._waiting.items())
        for arrival, loop in waiting:
            loop.call_soon_threadsafe(_wake, arrival)
        self._on_image(stamp_ns(message.header.stamp), bytes(message.data))


def _wake(arrival: asyncio.Future[None]) -> None:
    if not arrival.done():
        arrival.set_result(None)
