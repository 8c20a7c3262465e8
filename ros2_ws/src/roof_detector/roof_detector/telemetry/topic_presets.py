# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Named sets of topics that hold where a camera was: MAVROS, PX4, psdk_ros2, TF."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from roof_detector.telemetry.errors import TelemetryError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from roof_detector.bags.topics import BagTopic

_TABLE = Path(__file__).with_name('tables') / 'topics.yaml'
ROLES = ('position', 'attitude', 'height', 'gimbal')
TRANSFORMS_TYPE = 'tf2_msgs/msg/TFMessage'
# PX4 appends the version of a message that changed to the topic's name.
_VERSION = re.compile(r'_v\d+$')
# Packages whose types hold anything: they are telemetry only under a known name.
_GENERAL = ('std_msgs', 'geometry_msgs')
BY_TYPE = 'ros'
"""The preset that takes any topic of the right type, the one with the nearest name."""


@dataclass(frozen=True, kw_only=True)
class TopicSource:
    """A topic that holds a role's values: its name without namespace, or any topic of a type.

    `fields` replaces entries of the type's description in tables/topics.yaml.
    """

    topic: str = ''
    type: str = ''
    stamped: str = ''
    fields: Mapping[str, Any] = field(default_factory=dict)

    def fits(self, name: str, type_name: str) -> bool:
        """Return whether a topic is this one, whatever namespace is before its name."""
        if self.type and self.type != type_name:
            return False
        bare = _VERSION.sub('', name.strip('/'))
        return not self.topic or f'/{bare}'.endswith(f'/{self.topic}')


@dataclass(frozen=True, kw_only=True)
class TelemetryPreset:
    """The topics of each role in order of preference; `uses_transforms`: attitude is from /tf."""

    name: str
    description: str
    sources: Mapping[str, tuple[TopicSource, ...]]
    uses_transforms: bool = False

    def found(self, role: str, topics: Iterable[BagTopic]) -> tuple[BagTopic, TopicSource] | None:
        """Return the preferred topic of a role that has messages, None without one."""
        filled = [topic for topic in topics if topic.message_count]
        for source in self.sources.get(role, ()):
            for topic in filled:
                if source.fits(topic.name, topic.type_name) and role in type_fields(
                    topic.type_name
                ):
                    return topic, source
        return None


@cache
def topic_table() -> dict[str, Any]:
    """Return tables/topics.yaml."""
    table: dict[str, Any] = yaml.safe_load(_TABLE.read_text(encoding='utf-8'))
    return table


@cache
def presets() -> dict[str, TelemetryPreset]:
    """Return all presets by name, in the order in which they are looked for."""
    return {
        name: TelemetryPreset(
            name=name,
            description=entry['of'],
            sources={
                role: tuple(TopicSource(**source) for source in entry[role])
                for role in ROLES
                if role in entry
            },
            uses_transforms=entry.get('transforms', False),
        )
        for name, entry in topic_table()['presets'].items()
    }


def preset_named(name: str) -> TelemetryPreset:
    """Return a preset, or raise TelemetryError with the names that there are."""
    try:
        return presets()[name]
    except KeyError:
        msg = f'There is no set of telemetry {name!r}; there are: {", ".join(presets())}.'
        raise TelemetryError(msg) from None


def type_fields(type_name: str) -> dict[str, Any]:
    """Return where a message type holds what, by role; empty for a type without telemetry."""
    found: dict[str, Any] = topic_table()['types'].get(type_name, {})
    return found


def is_telemetry(name: str, type_name: str) -> bool:
    """Return whether a topic can be part of the telemetry of a camera.

    Types that hold anything, such as a number, count only under the names of a preset.
    """
    if type_name == TRANSFORMS_TYPE or any(
        source.type == type_name for one in presets().values() for source in _all_sources(one)
    ):
        return True
    fields = type_fields(type_name)
    if fields and type_name.partition('/')[0] not in _GENERAL:
        return True
    return bool(fields) and any(
        source.topic and source.fits(name, type_name)
        for one in presets().values()
        for source in _all_sources(one)
    )


def _all_sources(preset: TelemetryPreset) -> Iterable[TopicSource]:
    return (source for many in preset.sources.values() for source in many)
