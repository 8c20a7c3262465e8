# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Which cameras share the model, and where their images come from."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

# A token of a ROS name; a topic is such tokens, from the root, the node or the namespace.
_NAME = re.compile(r'[A-Za-z][A-Za-z0-9_]*')
_TOPIC = re.compile(r'(~/|/)?[A-Za-z][A-Za-z0-9_]*(/[A-Za-z][A-Za-z0-9_]*)*')
_TAKEN = frozenset({'detections', 'labels', 'image_annotated', 'masks', 'enable'})


@dataclass(frozen=True)
class CameraTopic:
    """A camera's name, '' for the only one, and the topic of its raw images."""

    name: str
    topic: str


def parse_cameras(entries: Iterable[str]) -> tuple[CameraTopic, ...]:
    """Read entries `name` or `name:topic`; no entries stand for one camera without a name.

    Raises ValueError with a sentence for the operator.
    """
    cameras = []
    for entry in entries:
        name, colon, topic = entry.partition(':')
        if not _NAME.fullmatch(name) or name in _TAKEN:
            msg = (
                f'cameras has {name!r} in {entry!r}, expected a name of letters, digits and _ '
                f'that is none of {", ".join(sorted(_TAKEN))}.'
            )
            raise ValueError(msg)
        if colon and not _TOPIC.fullmatch(topic):
            msg = (
                f'cameras has the topic {topic!r} in {entry!r}, expected one such as '
                f'/{name}/image_raw, or leave :{topic} out to take {name}/image.'
            )
            raise ValueError(msg)
        cameras.append(CameraTopic(name, topic or f'{name}/image'))
    names = [camera.name for camera in cameras]
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        msg = f'cameras names {", ".join(repeated)} more than once.'
        raise ValueError(msg)
    return tuple(cameras) or (CameraTopic('', 'image'),)
