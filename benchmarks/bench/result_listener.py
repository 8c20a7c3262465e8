# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A node that receives the messages of a contender."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from diagnostic_msgs.msg import DiagnosticArray
from sensor_msgs.msg import Image
from vision_msgs.msg import Detection2DArray

from benchmarks.bench.errors import BenchError
from roof_detector.ros.common.monitor import Monitor

if TYPE_CHECKING:
    from collections.abc import Callable

    from rclpy.subscription import Subscription


class ResultListener(Monitor):
    """Collect when results came and how old they were then: `moments_s`, `ages_s`.

    An age is from the stamp, which the publisher sets just before it sends, to the callback that
    has the detections.
    """

    def __init__(self, *, domain_id: int) -> None:
        self.moments_s: list[float] = []
        self.ages_s: list[float] = []
        self.images = 0
        self._values: dict[str, dict[str, str]] = {}
        super().__init__(name='result_listener', domain_id=domain_id)
        self._results: list[Subscription] = []
        self._image_reader: Subscription | None = None
        self.node.create_subscription(DiagnosticArray, '/diagnostics', self._note, 10)

    def listen_to(self, *topics: str) -> None:
        """Start to collect the results of these topics, and of no others."""
        for old in self._results:
            self.node.destroy_subscription(old)
        self._results = [
            self.node.create_subscription(Detection2DArray, topic, self._take, 100)
            for topic in topics
        ]
        self.forget()

    def watch_images(self, topic: str | None) -> None:
        """Subscribe to annotated images, or unsubscribe with None; they are not deserialised."""
        if self._image_reader is not None:
            self.node.destroy_subscription(self._image_reader)
            self._image_reader = None
        if topic is not None:
            self._image_reader = self.node.create_subscription(
                Image, topic, self._count_image, 1, raw=True
            )

    def hears(self, node_name: str, topic: str) -> bool:
        """Return whether a node has subscribed to a topic."""
        readers = self.node.get_subscriptions_info_by_topic(topic)
        return any(reader.node_name == node_name for reader in readers)

    def told_by(self, node_name: str) -> dict[str, str]:
        """Return the latest diagnostics of the detector with this full name."""
        return self._values.get(f'{node_name}: detection', {})

    def forget_diagnostics(self) -> None:
        """Forget all diagnostics."""
        self._values.clear()

    def forget(self) -> None:
        """Start a new collection."""
        self.moments_s, self.ages_s, self.images = [], [], 0

    def spin(self, *, for_s: float) -> None:
        """Receive messages for `duration_s`."""
        until_s = time.monotonic() + for_s
        while (left_s := until_s - time.monotonic()) > 0:
            self.executor.spin_once(timeout_sec=left_s)

    def wait_until(
        self,
        condition: Callable[[], bool],
        *,
        within_s: float,
        what: str,
        check: Callable[[], None],
    ) -> None:
        """Receive messages until the condition holds; `check` raises if it never will."""
        deadline_s = time.monotonic() + within_s
        while not condition():
            check()
            if time.monotonic() > deadline_s:
                msg = f'{what} did not come within {within_s:.0f} s.'
                raise BenchError(msg)
            self.executor.spin_once(timeout_sec=0.2)

    def _take(self, result: Detection2DArray) -> None:
        stamp = result.header.stamp
        self.ages_s.append(time.time() - stamp.sec - stamp.nanosec / 1e9)
        self.moments_s.append(time.monotonic())

    def _count_image(self, _: bytes) -> None:
        self.images += 1

    def _note(self, array: DiagnosticArray) -> None:
        for status in array.status:
            if status.name.endswith(': detection'):
                self._values[status.name] = {pair.key: pair.value for pair in status.values}
