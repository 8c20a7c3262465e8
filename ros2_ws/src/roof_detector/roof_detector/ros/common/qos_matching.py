# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""QoS profiles that are compatible with every publisher or subscriber of a topic."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy

from roof_detector.bags.qos import OfferedQos

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rclpy.topic_endpoint_info import TopicEndpointInfo

# A depth costs memory, and a bag may state any number.
_MOST_DEPTH = 1000
_UNKNOWN_DEPTH = 10  # ros2 bag's default; a subscriber cannot see a publisher's depth


def request_for(publishers: Sequence[TopicEndpointInfo], *, depth: int) -> QoSProfile:
    """Return the strictest request that every publisher's offer satisfies.

    Request reliable and transient local (for latched messages) only if all publishers offer them:
    a weaker offer is incompatible, and its messages would not arrive.
    """
    reliable = all(p.qos_profile.reliability == ReliabilityPolicy.RELIABLE for p in publishers)
    latched = all(p.qos_profile.durability == DurabilityPolicy.TRANSIENT_LOCAL for p in publishers)
    return QoSProfile(
        depth=depth,
        reliability=ReliabilityPolicy.RELIABLE if reliable else ReliabilityPolicy.BEST_EFFORT,
        durability=DurabilityPolicy.TRANSIENT_LOCAL if latched else DurabilityPolicy.VOLATILE,
    )


def is_heard(publisher: TopicEndpointInfo, request: QoSProfile) -> bool:
    """Return whether a publisher's offer satisfies a request."""
    offer = publisher.qos_profile
    return (
        request.reliability != ReliabilityPolicy.RELIABLE
        or offer.reliability == ReliabilityPolicy.RELIABLE
    ) and (
        request.durability != DurabilityPolicy.TRANSIENT_LOCAL
        or offer.durability == DurabilityPolicy.TRANSIENT_LOCAL
    )


def offered_qos(publisher: TopicEndpointInfo) -> OfferedQos:
    """Return a publisher's offer as a bag stores it; rclpy has rosbag2's names in capitals."""
    profile = publisher.qos_profile
    return OfferedQos(
        reliability=profile.reliability.name.lower(),
        durability=profile.durability.name.lower(),
        history=profile.history.name.lower(),
        depth=profile.depth,
        deadline_ns=profile.deadline.nanoseconds,
        lifespan_ns=profile.lifespan.nanoseconds,
        liveliness=profile.liveliness.name.lower(),
        liveliness_lease_ns=profile.liveliness_lease_duration.nanoseconds,
    )


def offer_of(recorded: Sequence[OfferedQos]) -> QoSProfile:
    """Return an offer that is compatible with every reader of the recorded publishers."""
    reliable = any(offer.reliability == 'reliable' for offer in recorded) or not recorded
    latched = any(offer.durability == 'transient_local' for offer in recorded)
    depth = max((offer.depth for offer in recorded), default=0)
    return QoSProfile(
        depth=min(max(depth, 0), _MOST_DEPTH) or _UNKNOWN_DEPTH,
        reliability=ReliabilityPolicy.RELIABLE if reliable else ReliabilityPolicy.BEST_EFFORT,
        durability=DurabilityPolicy.TRANSIENT_LOCAL if latched else DurabilityPolicy.VOLATILE,
    )
