# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The Fast DDS profile that the environment selects."""

from __future__ import annotations

import os
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree

if TYPE_CHECKING:
    from collections.abc import Mapping

# The default of Fast DDS (SharedMemTransport.cpp).
DEFAULT_SEGMENT_BYTES = 512 * 1024
# Fast DDS 2 (Humble, Jazzy) reads the first, Fast DDS 3 the second.
_VARIABLES = ('FASTRTPS_DEFAULT_PROFILES_FILE', 'FASTDDS_DEFAULT_PROFILES_FILE')


class BadProfile(ValueError):  # noqa: N818 - the name already says what is wrong
    """A profile that Fast DDS cannot use, and so silently ignores."""


@dataclass(frozen=True)
class DdsProfile:
    """The settings of a profile that decide whether large images arrive."""

    path: Path
    segment_bytes: int
    max_message_bytes: int | None

    @classmethod
    def read(cls, path: Path) -> DdsProfile:
        """Read the settings that a process with this profile has; raise BadProfile."""
        root, participant, used = _parsed(path)
        for transport in root.iter('transport_descriptor'):
            if _text(transport.find('type')) != 'SHM' or not used & {
                _text(transport.find('transport_id'))
            }:
                continue
            segment_bytes = _number(transport.find('segment_size'), path)
            return cls(
                path=path,
                segment_bytes=segment_bytes or DEFAULT_SEGMENT_BYTES,
                max_message_bytes=_number(transport.find('maxMessageSize'), path),
            )
        if _text(participant.find('.//useBuiltinTransports')) == 'false':
            msg = f'{path} switches shared memory off.'
            raise BadProfile(msg)
        return cls(path=path, segment_bytes=DEFAULT_SEGMENT_BYTES, max_message_bytes=None)


def is_bound_to_loopback(path: Path) -> bool:
    """Return whether a process with this profile opens no socket on a network; raise BadProfile.

    Shared memory opens none; a transport with a white list opens sockets on its addresses only.
    """
    root, participant, used = _parsed(path)
    if not used or _text(participant.find('.//useBuiltinTransports')) != 'false':
        return False
    found = {_text(one.find('transport_id')): one for one in root.iter('transport_descriptor')}
    return all(name in found and _is_of_loopback(found[name]) for name in used)


def _is_of_loopback(transport: ElementTree.Element) -> bool:
    if _text(transport.find('type')) == 'SHM':
        return True
    listed = transport.findall('./interfaceWhiteList/*')
    return bool(listed) and all(_is_loopback(_text(item)) for item in listed)


def _is_loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return address == 'lo'


def _parsed(path: Path) -> tuple[ElementTree.Element, ElementTree.Element, set[str]]:
    """Return the root, the default participant and the names of the transports that it uses."""
    try:
        root = ElementTree.parse(path).getroot()
    except OSError as error:
        msg = f'{path} cannot be read ({error.strerror}).'
        raise BadProfile(msg) from error
    except ElementTree.ParseError as error:
        msg = f'{path} is not well-formed XML ({error}).'
        raise BadProfile(msg) from error
    for element in root.iter():
        element.tag = element.tag.rpartition('}')[2]
    participant = next(
        (p for p in root.iter('participant') if p.get('is_default_profile') == 'true'), None
    )
    if participant is None:
        msg = f'{path} has no participant with is_default_profile="true".'
        raise BadProfile(msg)
    used = {_text(item) for item in participant.iterfind('.//userTransports/transport_id')}
    return root, participant, used


def profile_path(environment: Mapping[str, str] = os.environ) -> Path | None:
    """Return the profile that the environment selects; None if it selects none."""
    for variable in _VARIABLES:
        if environment.get(variable):
            return Path(environment[variable])
    return None


def shipped_profile(name: str = 'fastdds.xml') -> Path:
    """Return a profile of this package, from its installation or its sources."""
    for prefix in os.environ.get('AMENT_PREFIX_PATH', '').split(os.pathsep):
        installed = Path(prefix, 'share', 'roof_detector', 'config', name)
        if prefix and installed.is_file():
            return installed
    return Path(__file__).resolve().parents[2] / 'config' / name


def _text(element: ElementTree.Element | None) -> str:
    return '' if element is None or element.text is None else element.text.strip()


def _number(element: ElementTree.Element | None, path: Path) -> int | None:
    text = _text(element)
    if not text:
        return None
    if not text.isdecimal():
        tag = '' if element is None else element.tag
        msg = f'{path}: {tag} must be a number of bytes, not {text!r}.'
        raise BadProfile(msg)
    return int(text)
