# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The newest annotated picture of a camera, while someone looks."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any

from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CompressedImage

from roof_detector.ros.detector.stamp_age import stamp_ns
from roof_detector.station.preview import smaller_jpeg
from roof_detector.supervision.health import Delivery
from roof_detector.supervision.rate import Arrivals

# A page asks again as soon as it has drawn; one that has been silent for so long is gone.
_FORGET_AFTER_S = 4.0
_QOS = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)


class Video:
    """Listen only while pages ask, so that the detector draws for nobody in vain.

    `look_after` belongs to ROS's thread; `after` to the page's event loop.
    """

    def __init__(self, node: Node, topic: str, on_picture: Callable[[int, bytes], None]) -> None:
        self.topic = topic
        self.sequence = 0
        self._node = node
        self._on_picture = on_picture
        self._message: CompressedImage | None = None
        self._subscription: Any = None
        self._asked_at_s = -_FORGET_AFTER_S
        self._arrivals = Arrivals()
        self._waiting: dict[asyncio.Future[None], asyncio.AbstractEventLoop] = {}
        self._lock = threading.Lock()
        self._encoded: tuple[tuple[int, int, int], bytes] = ((0, 0, 0), b'')

    @property
    def is_listening(self) -> bool:
        """Tell whether the annotated picture is subscribed to."""
        return self._subscription is not None

    @property
    def delivery(self) -> Delivery:
        """Return for how long no picture has come, since it is listened to."""
        arrivals = self._arrivals
        return Delivery(f'No image on {self.topic}', arrivals.silent_s, arrivals.usual_s)

    @property
    def waiting(self) -> int:
        """Return how many requests wait for a picture."""
        return len(self._waiting)

    def look_after(self) -> None:
        """Begin or end to listen, as pages ask."""
        wanted = time.monotonic() - self._asked_at_s < _FORGET_AFTER_S
        if wanted and self._subscription is None:
            self._arrivals = Arrivals()
            self._subscription = self._node.create_subscription(
                CompressedImage, self.topic, self._take, _QOS
            )
        elif not wanted and self._subscription is not None:
            self.close()

    def close(self) -> None:
        """Listen no more."""
        if self._subscription is not None:
            self._node.destroy_subscription(self._subscription)
            self._subscription = None

    async def after(
        self, sequence: int, *, width: int, quality: int, within_s: float = 2.0
    ) -> tuple[int, bytes, int]:
        """Return number, JPEG and stamp in ns of the newest picture; b'' where none newer came.

        A picture wider than `width` is made smaller; 0 leaves every one as it is.
        """
        self._asked_at_s = time.monotonic()
        if self.sequence <= sequence:
            await self._wait(within_s)
        message, number = self._message, self.sequence
        if message is None or number <= sequence:
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

    async def _wait(self, within_s: float) -> None:
        loop = asyncio.get_running_loop()
        news: asyncio.Future[None] = loop.create_future()
        with self._lock:
            self._waiting[news] = loop
        try:
            await asyncio.wait_for(news, within_s)
        except asyncio.TimeoutError:
            return
        finally:
            with self._lock:
                self._waiting.pop(news, None)

    def _take(self, message: CompressedImage) -> None:
        self._message = message
        self._arrivals.note()
        self.sequence += 1
        with self._lock:
            waiting = list(self._waiting.items())
        for news, loop in waiting:
            loop.call_soon_threadsafe(_wake, news)
        self._on_picture(stamp_ns(message.header.stamp), bytes(message.data))


def _wake(news: asyncio.Future[None]) -> None:
    if not news.done():
        news.set_result(None)
