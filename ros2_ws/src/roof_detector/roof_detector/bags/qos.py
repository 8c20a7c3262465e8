# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The quality of service of recorded topics, in rosbag2's formats."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rosbags.interfaces import QosDurability, QosHistory, QosLiveliness, QosReliability
from rosbags.rosbag2.metadata import parse_qos

from roof_detector.bags.metadata import from_yaml

# rmw calls it RMW_DURATION_INFINITE.
INFINITE_NS = 2**63 - 1


@dataclass(frozen=True, kw_only=True)
class OfferedQos:
    """The quality of service that a publisher offered, in the terms of rosbag2 (version 9).

    A subscriber does not know history and depth, so rosbag2 writes them like this.
    """

    reliability: str = 'reliable'
    durability: str = 'volatile'
    history: str = 'unknown'
    depth: int = 0
    deadline_ns: int = INFINITE_NS
    lifespan_ns: int = INFINITE_NS
    liveliness: str = 'automatic'
    liveliness_lease_ns: int = INFINITE_NS

    def as_dict(self) -> dict[str, Any]:
        """Return the profile as metadata.yaml and MCAP channels store it."""
        return {
            'history': self.history,
            'depth': self.depth,
            'reliability': self.reliability,
            'durability': self.durability,
            'deadline': _time(self.deadline_ns),
            'lifespan': _time(self.lifespan_ns),
            'liveliness': self.liveliness,
            'liveliness_lease_duration': _time(self.liveliness_lease_ns),
            'avoid_ros_namespace_conventions': False,
        }

    def as_numbers(self) -> dict[str, Any]:
        """Return the profile as metadata.yaml stored it before version 9, with RMW's numbers."""
        return {
            **self.as_dict(),
            'history': QosHistory[self.history.upper()].value,
            'reliability': QosReliability[self.reliability.upper()].value,
            'durability': QosDurability[self.durability.upper()].value,
            'liveliness': QosLiveliness[self.liveliness.upper()].value,
        }

    @classmethod
    def of(cls, profile: Any) -> OfferedQos:
        """Return the profile for one of rosbags, which names its values in capitals."""
        return cls(
            reliability=profile.reliability.name.lower(),
            durability=profile.durability.name.lower(),
            history=profile.history.name.lower(),
            depth=profile.depth,
            deadline_ns=_duration_ns(profile.deadline),
            lifespan_ns=_duration_ns(profile.lifespan),
            liveliness=profile.liveliness.name.lower(),
            liveliness_lease_ns=_duration_ns(profile.liveliness_lease_duration),
        )


LATCHED = OfferedQos(durability='transient_local')


def recorded_qos(recorded: str | list[Any]) -> tuple[OfferedQos, ...]:
    """Return the profiles of an MCAP channel or metadata.yaml, given as YAML text or a list.

    None if they are invalid.
    """
    try:
        return qos_profiles(from_yaml(recorded) if isinstance(recorded, str) else recorded)
    except Exception:  # rosbags raises anything, and the messages matter more than this
        return ()


def qos_profiles(profiles: Any) -> tuple[OfferedQos, ...]:
    """Return the profiles that YAML stored as maps; none if they are invalid."""
    try:
        return tuple(map(OfferedQos.of, parse_qos(list(profiles))))
    except Exception:  # as above
        return ()


def _time(duration_ns: int) -> dict[str, int]:
    sec, nsec = divmod(duration_ns, 10**9)
    return {'sec': sec, 'nsec': nsec}


def _duration_ns(duration: Any) -> int:
    return int(duration.sec) * 10**9 + int(duration.nsec)
