# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Chooses the topics of a bag that hold where its camera was."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from roof_detector.telemetry.errors import TelemetryError
from roof_detector.telemetry.topic_presets import (
    BY_TYPE,
    TRANSFORMS_TYPE,
    TelemetryPreset,
    TopicSource,
    preset_named,
    presets,
    type_fields,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from roof_detector.bags.topics import BagTopic

FIX_TYPES = ('sensor_msgs/msg/NavSatFix',)
POSE_TYPES = (
    'geometry_msgs/msg/PoseStamped',
    'geometry_msgs/msg/PoseWithCovarianceStamped',
    'nav_msgs/msg/Odometry',
    'sensor_msgs/msg/Imu',
)
LOCAL_POSE_TYPES = tuple(
    one for one in POSE_TYPES if 'place' in type_fields(one).get('attitude', {})
)
INFO_TYPES = ('sensor_msgs/msg/CameraInfo',)
_WORDS = {'position': 'fix', 'attitude': 'pose', 'gimbal': 'gimbal', 'height': 'height'}


@dataclass(frozen=True, kw_only=True)
class TopicNames:
    """The topics that a person named, '' for those to be found."""

    fix: str = ''
    pose: str = ''
    info: str = ''
    gimbal: str = ''

    @property
    def named(self) -> tuple[str, ...]:
        """Return all names that were given."""
        return tuple(one for one in (self.fix, self.pose, self.info, self.gimbal) if one)

    def of(self, role: str) -> str:
        """Return the name for a role, '' without one."""
        return {'position': self.fix, 'attitude': self.pose, 'gimbal': self.gimbal}.get(role, '')


Chosen = tuple['BagTopic', TopicSource]


@dataclass(frozen=True, kw_only=True)
class ChosenTopics:
    """The topics of each role; `attitude` is None where it comes from transforms.

    With `is_local` nothing tells where on Earth the camera was: the position is that of the pose
    in its own map, in metres.
    """

    preset: TelemetryPreset
    info: BagTopic
    position: Chosen
    attitude: Chosen | None
    height: Chosen | None
    gimbal: Chosen | None
    is_found: bool
    is_local: bool = False

    @property
    def is_of_camera(self) -> bool:
        """Return whether a pose without a mount is the camera's own, not that of a vehicle."""
        return self.preset.name == BY_TYPE


def has_telemetry(topics: Sequence[BagTopic]) -> bool:
    """Return whether topics hold where a camera was: its position and attitude."""
    filled = [topic for topic in topics if topic.message_count]
    types = {topic.type_name for topic in filled}
    if any(
        one.found('position', filled) and one.found('attitude', filled)
        for one in presets().values()
    ):
        return True
    return TRANSFORMS_TYPE in types and not types.isdisjoint(FIX_TYPES)


def has_local_poses(topics: Sequence[BagTopic]) -> bool:
    """Return whether topics hold where a camera was in a map of its own, and its lens."""
    filled = [topic for topic in topics if topic.message_count]
    has_info = any(topic.type_name in INFO_TYPES for topic in filled)
    return has_info and any(_has_place(topic) for topic in filled)


def _has_place(topic: BagTopic) -> bool:
    """Return whether a topic holds poses with a position in their map."""
    return topic.type_name in LOCAL_POSE_TYPES


def choose_topics(
    topics: Sequence[BagTopic],
    *,
    bag: str,
    image_topic: str,
    preset: str,
    names: TopicNames,
    allows_local: bool = False,
) -> ChosenTopics:
    """Return the topics of a preset, or without one of the preset that the bag holds.

    Named topics count before those of the preset. With `allows_local` a pose is enough, where it
    has a position in its own map and nothing tells the place on Earth. Raises TelemetryError with
    what the bag holds where a role has no topic.
    """
    filled = [topic for topic in topics if topic.message_count]
    is_local = (
        allows_local
        and not (names.fix or has_telemetry(topics))
        and any(_has_place(topic) for topic in filled)
    )
    if preset:
        chosen = preset_named(preset)
    elif is_local:
        chosen = _preset_of_pose(filled)
    else:
        chosen = _preset_in(filled, image_topic, names)
    choice = _Choice(
        filled=filled,
        topics=tuple(topics),
        bag=bag,
        image_topic=image_topic,
        preset=chosen,
        names=names,
    )
    info = choice.of_types(names.info, INFO_TYPES, what='camera info')
    position = None if is_local else choice.required('position', FIX_TYPES)
    attitude = None
    if not chosen.uses_transforms or names.pose:
        attitude = choice.required('attitude', LOCAL_POSE_TYPES if is_local else POSE_TYPES)
    position = position or attitude
    if position is None or (is_local and not _has_place(position[0])):
        position = choice.required('position', FIX_TYPES)
    is_local = is_local and position is attitude
    return ChosenTopics(
        preset=chosen,
        info=info,
        position=position,
        attitude=attitude,
        height=chosen.found('height', filled),
        gimbal=choice.named('gimbal') or chosen.found('gimbal', filled),
        is_found=not preset,
        is_local=is_local,
    )


def _preset_of_pose(filled: Sequence[BagTopic]) -> TelemetryPreset:
    """Return the preset of whose vehicle a pose is, or the one that goes by type."""
    for one in presets().values():
        found = None if one.uses_transforms else one.found('attitude', filled)
        if found is not None and found[1].topic and _has_place(found[0]):
            return one
    return presets()[BY_TYPE]


def _preset_in(filled: Sequence[BagTopic], image_topic: str, names: TopicNames) -> TelemetryPreset:
    """Return the preset whose topics are there.

    Topics in the namespace of the images are of the camera itself and count before those of a
    vehicle.
    """
    by_type = presets()[BY_TYPE]
    own = [topic for topic in filled if _shares_namespace(topic.name, image_topic)]
    has_own = all(
        any(topic.type_name in types for topic in own) for types in (FIX_TYPES, POSE_TYPES)
    )
    if names.pose or has_own:
        return by_type
    for one in presets().values():
        if one.uses_transforms:
            continue
        if one.found('position', filled) and one.found('attitude', filled):
            return one
    types = {topic.type_name for topic in filled}
    if TRANSFORMS_TYPE in types and types.isdisjoint(POSE_TYPES):
        return next(one for one in presets().values() if one.uses_transforms)
    return by_type


def _shares_namespace(name: str, image_topic: str) -> bool:
    return len(os.path.commonpath([f'/{name}', f'/{image_topic}'])) > 1


@dataclass(frozen=True, kw_only=True)
class _Choice:
    """Finds the topic of a role, or says what there is instead."""

    filled: Sequence[BagTopic]
    topics: tuple[BagTopic, ...]
    bag: str
    image_topic: str
    preset: TelemetryPreset
    names: TopicNames

    def named(self, role: str) -> Chosen | None:
        """Return the topic that was named for a role, None where none was."""
        wanted = self.names.of(role)
        if not wanted:
            return None
        for topic in self.filled:
            if topic.name == wanted and role in type_fields(topic.type_name):
                source = next(
                    (
                        one
                        for preset in presets().values()
                        for one in preset.sources.get(role, ())
                        if one.topic and one.fits(topic.name, topic.type_name)
                    ),
                    TopicSource(topic=wanted),
                )
                return topic, source
        msg = f'{self.bag} holds no topic {wanted} with a {_WORDS[role]}; it holds {self.there}.'
        raise TelemetryError(msg)

    def required(self, role: str, types: tuple[str, ...]) -> Chosen:
        """Return the topic of a role; raise TelemetryError where there is none."""
        named = self.named(role)
        if named is not None:
            return named
        sources = self.preset.sources.get(role, ())
        if all(one.type for one in sources):
            return self.of_types('', types, what=_WORDS[role]), TopicSource()
        found = self.preset.found(role, self.filled)
        if found is None:
            wanted = ' or '.join(one.topic for one in sources)
            msg = (
                f'{self.bag} holds no {_WORDS[role]} of {self.preset.name} ({wanted}); it holds '
                f'{self.there}. Name the topic, with its namespace, if it is another one.'
            )
            raise TelemetryError(msg)
        return found

    def of_types(self, wanted: str, types: tuple[str, ...], *, what: str) -> BagTopic:
        """Return the topic of some types whose name is most like the image topic's."""
        candidates = [t for t in self.filled if t.type_name in types]
        if wanted:
            candidates = [topic for topic in candidates if topic.name == wanted]
        if not candidates:
            named = f'topic {wanted} with a {what}' if wanted else f'{what} ({" or ".join(types)})'
            msg = f'{self.bag} holds no {named}; it holds {self.there}.'
            raise TelemetryError(msg)

        def likeness(topic: BagTopic) -> tuple[int, int]:
            shared = os.path.commonpath([f'/{topic.name}', f'/{self.image_topic}'])
            return -len(shared), types.index(topic.type_name)

        return min(candidates, key=likeness)

    @property
    def there(self) -> str:
        """Return the bag's topics in words."""
        return ', '.join(f'{t.name} ({t.type_name})' for t in self.topics) or 'nothing'
