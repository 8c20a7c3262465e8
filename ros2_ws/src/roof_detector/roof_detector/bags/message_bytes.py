# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Serialised ROS messages (CDR) from nested Python values, without ROS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from rosbags.interfaces import Nodetype

from roof_detector.bags.errors import BagError
from roof_detector.bags.typestore import known_type, shared_typestore

if TYPE_CHECKING:
    from collections.abc import Mapping

# ROS number types whose NumPy names differ.
_DTYPES = {'char': 'uint8', 'byte': 'uint8', 'octet': 'uint8'}


def message_bytes(type_name: str, values: Mapping[str, Any]) -> bytes:
    """Return a serialised message (CDR) of nested values; missing fields get their default.

    Defaults are those of ROS 2 for fields that state none: zero, False, '' and empty lists.
    Numbers in lists may be bytes, lists or NumPy arrays. Raises BagError for an unknown field.
    """
    store = shared_typestore()
    known_type(type_name, store)
    return bytes(store.serialize_cdr(_message(type_name, values), type_name))


def _message(type_name: str, values: Mapping[str, Any]) -> object:
    store = shared_typestore()
    fields = store.fielddefs[type_name][1]
    unknown = set(values) - {name for name, _ in fields}
    if unknown:
        names = ', '.join(name for name, _ in fields)
        msg = f'{type_name} has no field {sorted(unknown)[0]!r}; its fields are: {names}.'
        raise BagError(msg)
    return store.types[type_name](*(_value(kind, values.get(name)) for name, kind in fields))


def _value(kind: Any, value: Any) -> Any:
    node, content = kind
    if node == Nodetype.NAME:
        return _message(content, value or {})
    if node == Nodetype.BASE:
        default = {'string': '', 'wstring': '', 'bool': False}.get(content[0], 0)
        return default if value is None else value
    element, size = content
    length = size if node == Nodetype.ARRAY else 0
    if element[0] == Nodetype.NAME or element[1][0] in ('string', 'wstring'):
        return [_value(element, item) for item in ([None] * length if value is None else value)]
    dtype = np.dtype(_DTYPES.get(element[1][0], element[1][0]))
    if value is None:
        return np.zeros(length, dtype)
    is_buffer = isinstance(value, bytes | bytearray | memoryview)
    return np.frombuffer(value, dtype) if is_buffer else np.asarray(value, dtype)
