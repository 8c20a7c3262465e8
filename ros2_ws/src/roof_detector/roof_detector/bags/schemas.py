# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The schemas of message types: definition text and type hash, as bags store them."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from roof_detector.bags.errors import BagError
from roof_detector.bags.typestore import known_type, shared_typestore

if TYPE_CHECKING:
    from rosbags.typesys.store import Typestore


@dataclass(frozen=True)
class MessageSchema:
    """A message type's definition text and type hash, as a bag stores them.

    The text is ros2msg in MCAP's form: the type's own definition, then those of its parts, each
    below a line of equal signs. The hash is RIHS01 (REP 2016), equal to ROS 2's own.
    """

    type_name: str
    text: str
    type_hash: str


@functools.cache
def message_schema(type_name: str) -> MessageSchema:
    """Return the schema of a message type; raise BagError if it is unknown."""
    store = shared_typestore()
    known_type(type_name, store)
    return schema_in(store, type_name)


def known_definition(type_name: str) -> str:
    """Return the definition text of a type that we know, empty for others."""
    try:
        return message_schema(type_name).text
    except BagError:
        return ''


def schema_in(store: Typestore, type_name: str) -> MessageSchema:
    """Return the schema of a type from a store."""
    text, _ = store.generate_msgdef(type_name, ros_version=2)
    return MessageSchema(type_name, text, store.hash_rihs01(type_name))
