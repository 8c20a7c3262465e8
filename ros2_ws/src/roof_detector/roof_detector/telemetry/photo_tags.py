# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The EXIF and XMP tags of a photo, by name."""

from __future__ import annotations

import math
import re
import warnings
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import yaml
from PIL import ExifTags, Image

from roof_detector.telemetry.errors import TelemetryError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_TABLE = Path(__file__).with_name('tables') / 'photo_tags.yaml'
_RDF = '{http://www.w3.org/1999/02/22-rdf-syntax-ns#}'
_XMP_SEGMENT = b'http://ns.adobe.com/xap/1.0/\0'
_MOST_XMP_BYTES = 1 << 20
_MOST_DEPTH = 20  # of structures within each other; cameras write two
_MOST_CHARACTERS = 100  # of a number
_DECLARATION = re.compile(rb'<!(?:DOCTYPE|ENTITY)', re.IGNORECASE)
_NUMBER = re.compile(r'^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?')
_EXIF_IFD, _GPS_IFD = 0x8769, 0x8825


@dataclass(frozen=True, kw_only=True)
class PhotoTags:
    """The tags of one photo.

    `exif` and `gps` have the names of the EXIF standard (CIPA DC-008). `xmp` has names such as
    `drone-dji:GimbalYawDegree`, by the prefixes of tables/photo_tags.yaml whatever prefix the file
    has, and `.../Yaw` for a value within a structure. `size_wh` is the size of the image as it is
    stored, before its EXIF orientation is applied.
    """

    path: Path
    size_wh: tuple[int, int]
    exif: Mapping[str, Any] = field(default_factory=dict)
    gps: Mapping[str, Any] = field(default_factory=dict)
    xmp: Mapping[str, str] = field(default_factory=dict)

    def number(self, names: Iterable[str]) -> float | None:
        """Return the first of these XMP tags that is a finite number, None for none."""
        for name in names:
            value = as_number(self.xmp.get(name))
            if value is not None:
                return value
        return None

    def table_number(self, key: str) -> float | None:
        """Return the first number among the tags that the table lists under a key."""
        return self.number(photo_table()[key])


def read_photo_tags(path: Path) -> PhotoTags:
    """Read the tags of a JPEG, TIFF, DNG, PNG or WebP; raise TelemetryError if there are none.

    Damaged EXIF or XMP counts as missing; only a file that is not an image is an error.
    """
    try:
        with warnings.catch_warnings(), Image.open(path) as image:
            warnings.simplefilter('ignore')  # of damaged EXIF, which counts as missing
            exif = image.getexif()
            named = {**exif, **_directory(exif, _EXIF_IFD)}
            return PhotoTags(
                path=path,
                size_wh=image.size,
                exif={ExifTags.TAGS.get(key, str(key)): _plain(one) for key, one in named.items()},
                gps={
                    ExifTags.GPSTAGS.get(key, str(key)): _plain(one)
                    for key, one in _directory(exif, _GPS_IFD).items()
                },
                xmp=_all_xmp(image, exif),
            )
    except Exception as error:  # Pillow raises anything for damaged EXIF
        reason = ' '.join(str(error).split())[:300] or type(error).__name__
        msg = f'{path} has no tags that can be read ({reason}).'
        raise TelemetryError(msg) from error


def _all_xmp(image: Image.Image, exif: Image.Exif) -> dict[str, str]:
    """Return the values of all XMP packets of a file; of two values for one name, the first.

    Thermal cameras write a second packet, with the temperature's settings, into a segment of its
    own, and Pillow keeps the last one.
    """
    segments = [data for name, data in getattr(image, 'applist', []) if name == 'APP1']
    packets: list[object] = [
        data[len(_XMP_SEGMENT) :] for data in segments if data.startswith(_XMP_SEGMENT)
    ]
    packets.append(image.info.get('xmp') or image.info.get('XML:com.adobe.xmp') or b'')
    packets.append(exif.get(700) or b'')  # TIFF's tag of XMP (Adobe, part 3)
    found: dict[str, str] = {}
    for packet in packets:
        content = packet.encode() if isinstance(packet, str) else bytes(packet)  # type: ignore[call-overload]
        found = {**parse_xmp(content), **found}
    return found


def parse_xmp(packet: bytes) -> dict[str, str]:
    """Return the values of an XMP packet (ISO 16684-1) by name; empty where it is invalid.

    A packet of more than 1 MiB, or with declarations of its own (which XMP has none of), is not
    parsed.
    """
    begin, end = packet.find(b'<x:xmpmeta'), packet.rfind(b'</x:xmpmeta>')
    if begin >= 0 and end > begin:
        packet = packet[begin : end + len(b'</x:xmpmeta>')]
    if not packet or len(packet) > _MOST_XMP_BYTES or _DECLARATION.search(packet):
        return {}
    try:
        root = ElementTree.fromstring(packet)
    except ElementTree.ParseError:
        return {}
    found: dict[str, str] = {}
    for description in root.iter(f'{_RDF}Description'):
        _collect(description, '', found)
    return found


def as_number(value: object) -> float | None:
    """Return a tag's value as a finite number: of `+39.80`, `39.8 m`, `398/10` or a rational."""
    if isinstance(value, str):
        text = value[:_MOST_CHARACTERS].strip()
        above, slash, below = text.partition('/')
        if slash and '/' not in below:
            first, second = as_number(above), as_number(below)
            value = first / second if first is not None and second else None
        else:
            match = None if slash else _NUMBER.match(text)
            value = match[0] if match else None
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def gps_degrees(tags: PhotoTags, axis: str) -> float | None:
    """Return GPSLatitude or GPSLongitude in degrees, negative in the south and west."""
    parts = tags.gps.get(f'GPS{axis}')
    if not isinstance(parts, tuple) or not 1 <= len(parts) <= 3:
        return None
    numbers = [as_number(part) for part in parts]
    if any(number is None for number in numbers):
        return None
    degrees = sum(number / 60**power for power, number in enumerate(numbers) if number is not None)
    reference = str(tags.gps.get(f'GPS{axis}Ref', '')).strip('\0 ').upper()
    return -degrees if reference in {'S', 'W'} else degrees


def taken_at(tags: PhotoTags) -> datetime | None:
    """Return when a photo was taken, in UTC if the file holds its offset or the GPS time.

    Without either, the local time has no time zone (`tzinfo` is None). A time that no calendar has
    counts as missing.
    """
    try:
        return _taken_at(tags)
    except (ValueError, OverflowError):
        return None


def _taken_at(tags: PhotoTags) -> datetime | None:
    exif, gps = tags.exif, tags.gps
    local = _date(exif.get('DateTimeOriginal') or exif.get('DateTime'))
    fraction = as_number(f'0.{str(exif.get("SubsecTimeOriginal") or "0").strip()}') or 0.0
    offset = re.fullmatch(
        r'([+-])(\d\d):(\d\d)', str(exif.get('OffsetTimeOriginal') or exif.get('OffsetTime') or '')
    )
    if local is not None and offset:
        minutes = int(offset[2]) * 60 + int(offset[3])
        zone = timezone(timedelta(minutes=-minutes if offset[1] == '-' else minutes))
        moment = local.replace(tzinfo=zone) + timedelta(seconds=fraction)
        return moment.astimezone(timezone.utc)
    date, clock = str(gps.get('GPSDateStamp') or ''), gps.get('GPSTimeStamp')
    if re.fullmatch(r'\d{4}[:-]\d\d[:-]\d\d', date) and isinstance(clock, tuple):
        numbers = [as_number(one) for one in clock]
        day = _date(f'{date.replace("-", ":")} 00:00:00')
        if day is not None and len(numbers) == 3 and None not in numbers:
            seconds = sum(one * 60**p for p, one in zip((2, 1, 0), numbers, strict=True) if one)
            return day.replace(tzinfo=timezone.utc) + timedelta(seconds=seconds)
    return None if local is None else local + timedelta(seconds=fraction)


@cache
def photo_table() -> dict[str, Any]:
    """Return tables/photo_tags.yaml."""
    table: dict[str, Any] = yaml.safe_load(_TABLE.read_text(encoding='utf-8'))
    return table


@cache
def _prefixes() -> dict[str, str]:
    namespaces: dict[str, list[str]] = photo_table()['namespaces']
    return {address: prefix for prefix, many in namespaces.items() for address in many}


def _name(tag: str) -> str:
    """Return `prefix:name` of `{address}name`; '' for a namespace that the table does not have."""
    address, _, name = tag.removeprefix('{').rpartition('}')
    prefix = _prefixes().get(address)
    return f'{prefix}:{name}' if prefix else ''


def _collect(
    element: ElementTree.Element, within: str, found: dict[str, str], depth: int = 0
) -> None:
    """Add the values of an element: attributes, texts, and those of structures below it."""
    if depth > _MOST_DEPTH:
        return
    for tag, text in element.attrib.items():
        _add(tag, text, within, found)
    for child in element:
        if child.tag == f'{_RDF}Description':
            continue  # `iter` reaches it by itself, or it belongs to a structure, below
        name = _name(child.tag)
        if not name:
            continue
        path = f'{within}/{name.partition(":")[2]}' if within else name
        structure = child.find(f'{_RDF}Description')
        if structure is not None or child.attrib or len(child):
            _collect(child if structure is None else structure, path, found, depth + 1)
            if structure is not None:
                _collect(child, path, found, depth + 1)
        text = (child.text or '').strip()
        if text:
            found.setdefault(path, text)


def _add(tag: str, text: str, within: str, found: dict[str, str]) -> None:
    name = _name(tag)
    if name:
        found.setdefault(f'{within}/{name.partition(":")[2]}' if within else name, text.strip())


def _directory(exif: Image.Exif, number: int) -> dict[int, Any]:
    try:
        return dict(exif.get_ifd(number))
    except Exception:  # as above
        return {}


def _plain(value: Any) -> Any:
    """Return texts without their padding, everything else as it is."""
    return value.partition('\0')[0].strip() if isinstance(value, str) else value


def _date(text: object) -> datetime | None:
    try:
        return datetime.strptime(str(text), '%Y:%m:%d %H:%M:%S')
    except ValueError:
        return None
