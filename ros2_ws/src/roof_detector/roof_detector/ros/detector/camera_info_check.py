# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Whether the images of a camera have the size that its camera_info describes."""

from __future__ import annotations

import logging
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rclpy.callback_groups import CallbackGroup
from rclpy.event_handler import SubscriptionEventCallbacks
from rclpy.exceptions import InvalidHandle
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CameraInfo

from roof_detector.bags.topics import without_transport
from roof_detector.georeference.lens import calibrated_image_wh
from roof_detector.ros.common.callback_errors import errors_of
from roof_detector.ros.common.qos_matching import request_for
from roof_detector.supervision.rate import RecentFaults
from roof_detector.supervision.throttle import Throttle

if TYPE_CHECKING:
    from builtin_interfaces.msg import Time
    from rclpy.node import Node
    from rclpy.subscription import Subscription

_log = logging.getLogger(__name__)

# Between two results a camera sends a few messages more than the detector takes; a peer may send
# any number, of which the newest are read.
_DEPTH = 30
_MISMATCH = 'mismatch'


class CameraInfoCheck:
    """Compares the images of a topic with the camera_info beside it, and counts misfits.

    As with image_transport, `/camera/image_raw` goes with `/camera/camera_info`; a remapping of
    that name is followed. Boxes are in pixels of the image, so with another size they do not lie
    where camera_info describes. A size of 0 in camera_info describes nothing and is no fault.

    Nothing waits for camera_info: what has arrived is taken from the middleware when an image was
    processed, because waking a thread for each would cost more than the comparison. `check` runs
    in the model's thread, everything else in the executor's.
    """

    def __init__(self, node: Node, image_topic: str) -> None:
        base = without_transport(image_topic)
        self.newest_mismatch = ''
        self._node = node
        self._warn = Throttle(_log.warning)
        self._topic = node.resolve_topic_name(f'{base.rpartition("/")[0]}/camera_info')
        self._faults = RecentFaults()
        self._descriptions: OrderedDict[tuple[int, int], _Description] = OrderedDict()  # by stamp
        self._newest: _Description | None = None
        self._group = _NobodysGroup()
        self._latched = False
        self._subscription: Subscription | None = None
        self.refresh()

    @property
    def topic(self) -> str:
        """Return the full name of the camera_info topic."""
        return self._topic

    @property
    def mismatches(self) -> int:
        """Return how many images had another size than camera_info describes."""
        return self._faults.totals.get(_MISMATCH, 0)

    @property
    def recent_mismatch(self) -> str:
        """Return the sentence about the newest mismatch, '' if there was none lately."""
        return self.newest_mismatch if self._faults.recent() else ''

    def refresh(self) -> None:
        """Follow what the publishers offer: latched messages only reach those who ask for them."""
        offers = self._node.get_publishers_info_by_topic(self._topic)
        latched = bool(offers) and all(
            one.qos_profile.durability == DurabilityPolicy.TRANSIENT_LOCAL for one in offers
        )
        if self._subscription is not None and latched == self._latched:
            return
        request = (
            request_for(offers, depth=_DEPTH)
            if latched
            else QoSProfile(depth=_DEPTH, reliability=ReliabilityPolicy.BEST_EFFORT)
        )
        old, self._latched = self._subscription, latched
        self._subscription = self._node.create_subscription(
            CameraInfo,
            self._topic,
            lambda _: None,  # never called, see `_NobodysGroup`
            request,
            callback_group=self._group,
            # An executor that waits for events alone never sleeps beside unread messages
            # (ros2/rmw_fastrtps#833).
            event_callbacks=SubscriptionEventCallbacks(use_default_callbacks=False),
        )
        if old is not None:
            self._node.destroy_subscription(old)

    def check(self, stamp: Time, image_wh: tuple[int, int]) -> None:
        """Compare the size of an image with the camera_info of its stamp, else the newest."""
        try:
            self._take()
        except Exception as error:  # bytes that are no CameraInfo cost themselves alone
            errors_of(self._node).note(f'subscription {self._topic}', error)
        description = self._descriptions.get((stamp.sec, stamp.nanosec), self._newest)
        fault = '' if description is None else description.fault(image_wh)
        if fault:
            self.newest_mismatch = (
                f'{fault} on {self._topic}: boxes do not lie where camera_info describes. '
                'Publish both from the same mode of the camera, or remap '
                f'{self._topic} to the one of these images.'
            )
            self._faults.note(_MISMATCH)
            self._warn(_MISMATCH, self.newest_mismatch)

    def close(self) -> None:
        """Stop listening."""
        subscription, self._subscription = self._subscription, None
        if subscription is not None:
            self._node.destroy_subscription(subscription)

    def _take(self) -> None:
        """Take what has arrived since the last image, as many as the middleware holds."""
        subscription = self._subscription
        if subscription is None:
            return
        # rclpy has no public way to take a message without an executor.
        for _ in range(_DEPTH):
            with suppress(InvalidHandle), subscription.handle:  # it may be replaced meanwhile
                taken = subscription.handle.take_message(CameraInfo, False)  # noqa: FBT003 - rcl
                if taken is None:
                    return
                self._note(taken[0])

    def _note(self, info: CameraInfo) -> None:
        self._newest = _Description.of(info)
        self._descriptions[info.header.stamp.sec, info.header.stamp.nanosec] = self._newest
        if len(self._descriptions) > _DEPTH:
            self._descriptions.popitem(last=False)


@dataclass(frozen=True)
class _Description:
    """The sizes of a CameraInfo in pixels: of the sensor, of its region, and of the images.

    Width and height are those of the whole sensor at the time of calibration. A region of
    interest, given in pixels of the sensor, and then binning reduce them to those of the images
    (sensor_msgs/CameraInfo); a camera may round a binned size up or down.
    """

    sensor_wh: tuple[int, int]
    region_xywh: tuple[int, int, int, int]
    binning_xy: tuple[int, int]
    image_wh: tuple[int, int]

    @classmethod
    def of(cls, info: CameraInfo) -> _Description:
        region = info.roi
        return cls(
            (info.width, info.height),
            (region.x_offset, region.y_offset, region.width, region.height),
            (max(1, info.binning_x), max(1, info.binning_y)),
            calibrated_image_wh(info),
        )

    def fault(self, image_wh: tuple[int, int]) -> str:
        """Return how an image contradicts the description, '' if it does not."""
        x, y, width, height = self.region_xywh
        if not all(self.sensor_wh):
            return ''
        if width and height and (x + width > self.sensor_wh[0] or y + height > self.sensor_wh[1]):
            return (
                f'A region of {width}x{height} pixels at ({x}, {y}) is not within the '
                f'{self.sensor_wh[0]}x{self.sensor_wh[1]} pixels of the sensor'
            )
        if all(
            0 <= size - described <= (binning > 1)
            for size, described, binning in zip(
                image_wh, self.image_wh, self.binning_xy, strict=True
            )
        ):
            return ''
        return (
            f'An image has {image_wh[0]}x{image_wh[1]} pixels where '
            f'{self.image_wh[0]}x{self.image_wh[1]} are described'
        )


class _NobodysGroup(CallbackGroup):
    """Keeps a subscription out of every executor: its messages are taken when they are needed."""

    def can_execute(self, _: Any) -> bool:
        """Return False."""
        return False

    def beginning_execution(self, _: Any) -> bool:
        """Return False."""
        return False

    def ending_execution(self, _: Any) -> None:
        """Do nothing."""
