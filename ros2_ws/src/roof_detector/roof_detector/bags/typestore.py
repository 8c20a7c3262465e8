# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The message types that are known without ROS, from rosbags and the sourced environment."""

from __future__ import annotations

import functools
import os
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rosbags.interfaces import Nodetype
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

from roof_detector.bags.errors import BagError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rosbags.typesys.store import Typestore

# Not among rosbags' own types.
_PACKAGES = ('ffmpeg_image_transport_msgs', 'foxglove_msgs', 'vision_msgs')


@functools.cache
def shared_typestore() -> Typestore:
    """Return the types of ROS 2 Jazzy, those shipped here, and all that were requested so far."""
    store = get_typestore(Stores.ROS2_JAZZY)
    types = {}
    for package in _PACKAGES:
        folder = resources.files('roof_detector.bags') / 'definitions' / package / 'msg'
        for file in folder.iterdir():
            name = f'{package}/msg/{file.name.removesuffix(".msg")}'
            types.update(get_types_from_msg(file.read_text(encoding='utf-8'), name))
    store.register(types)
    return store


def known_type(type_name: str, store: Typestore) -> str:
    """Register a type in a store if needed and return its name.

    A type that is not ROS 2's own is looked up, with all its parts, among the packages of the
    sourced ROS environment. Raises BagError if it is not found.
    """
    if type_name in store.fielddefs:
        return type_name
    types = get_types_from_msg(_definition(type_name).read_text(encoding='utf-8'), type_name)
    for _, fields in types.values():
        for _, field in fields:
            for part in _named_types(field):
                if part not in types:
                    known_type(part, store)
    store.register(types)
    return type_name


def _definition(type_name: str) -> Path:
    parts = type_name.split('/')
    if len(parts) != 3 or parts[1] != 'msg':
        msg = f'{type_name!r} is not a message type; expected the form package/msg/Name.'
        raise BagError(msg)
    prefixes = [Path(p) for p in os.environ.get('AMENT_PREFIX_PATH', '').split(os.pathsep) if p]
    for prefix in prefixes:
        candidate = prefix / 'share' / parts[0] / 'msg' / f'{parts[2]}.msg'
        if candidate.is_file():
            return candidate
    msg = (
        f'The definition of {type_name} was not found. Install the package {parts[0]} and source '
        'its setup file, so that AMENT_PREFIX_PATH names it.'
    )
    raise BagError(msg)


def _named_types(field: Any) -> Iterator[str]:
    kind, content = field
    if kind == Nodetype.NAME:
        yield content
    elif kind in (Nodetype.ARRAY, Nodetype.SEQUENCE):
        yield from _named_types(content[0])
