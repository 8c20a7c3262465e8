# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The Fast DDS profile that this environment names."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

# What Fast DDS takes where nothing else is said (SharedMemTransport.cpp).
DEFAULT_SEGMENT_BYTES = 512 * 1024
# Fast DDS 2 (Humble, Jazzy) reads the first, Fast DDS 3 the second.
_VARIABLES = ('FASTRTPS_DEFAULT_PROFILES_FILE', 'FASTDDS_DEFAULT_PROFILES_FILE')


class BadProfile(ValueError):  # noqa: N818 - the name already says what is wrong
    """A profile that Fast DDS cannot use, and so silently ignores."""


@dataclass(frozen=True)
class DdsProfile:
    """Hold what of a profile decides whether large images arrive."""

    path: Path
    segment_bytes: int
    max_message_bytes: int | None

    @classmethod
    def read(cls, path: Path) -> DdsProfile:
        """Read what a process takes that is given this profile; raise BadProfile."""
        try:
            root = ElementTree.parse(path).getroot()
        except OSError as error:
            raise BadProfile(f'{path} cannot be read ({error.strerror}).') from error
        except ElementTree.ParseError as error:
            raise BadProfile(f'{path} is not well-formed XML ({error}).') from error
        for element in root.iter():
            element.tag = element.tag.rpartition('}')[2]
        participant = next(
            (p for p in root.iter('participant') if p.get('is_default_profile') == 'true'), None
        )
        if participant is None:
            raise BadProfile(f'{path} has no participant with is_default_profile="true".')
        used = {_text(item) for item in participant.iterfind('.//userTransports/transport_id')}
        for transport in root.iter('transport_descriptor'):
            if _text(transport.find('type')) != 'SHM' or not used & {
                _text(transport.find('transport_id'))
            }:
                continue
            return cls(
                path,
                _number(transport.find('segment_size'), path) or DEFAULT_SEGMENT_BYTES,
                _number(transport.find('maxMessageSize'), path),
            )
        if _text(participant.find('.//useBuiltinTransports')) == 'false':
            raise BadProfile(f'{path} switches shared memory off.')
        return cls(path, DEFAULT_SEGMENT_BYTES, None)


def profile_path(environment: Mapping[str, str] = os.environ) -> Path | None:
    """Return the file that the environment names, None where it names none."""
    for variable in _VARIABLES:
        if environment.get(variable):
            return Path(environment[variable])
    return None


def shipped_profile() -> Path:
    """Return the profile that comes with the package, installed or in the sources."""
    for prefix in os.environ.get('AMENT_PREFIX_PATH', '').split(os.pathsep):
        installed = Path(prefix, 'share', 'roof_detector', 'config', 'fastdds.xml')
        if prefix and installed.is_file():
            return installed
    return Path(__file__).resolve().parents[2] / 'config' / 'fastdds.xml'


def _text(element: ElementTree.Element | None) -> str:
    return '' if element is None or element.text is None else element.text.strip()


def _number(element: ElementTree.Element | None, path: Path) -> int | None:
    text = _text(element)
    if not text:
        return None
    if not text.isdecimal():
        tag = '' if element is None else element.tag
        raise BadProfile(f'{path}: {tag} must be a number of bytes, not {text!r}.')
    return int(text)
