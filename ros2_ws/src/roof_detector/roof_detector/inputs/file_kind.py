# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What a file is by its content, whatever its name says."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from roof_detector.vision.jpeg_header import JPEG_START
from roof_detector.vision.png import PNG_START

if TYPE_CHECKING:
    from pathlib import Path

# Files that cameras write beside their images and videos: subtitles, small copies of videos,
# satellite observations and times of exposure of RTK drones, sound, flight logs. A .bin may be
# anything, so its content tells.
COMPANION_SUFFIXES = (
    *('.srt', '.lrf', '.lrv', '.thm', '.mrk', '.nav', '.obs', '.rtk', '.rpos', '.imu'),
    *('.aac', '.m4a', '.wav', '.xmp', '.tlog', '.ulg'),
    # The place and overviews of orthophotos.
    *('.tfw', '.jgw', '.jpgw', '.pgw', '.pngw', '.bpw', '.wld', '.prj', '.ovr'),
)
UNFINISHED_SUFFIXES = ('.part', '.tmp', '.crdownload')
HEAD_BYTES = 512
_TS_PACKET, _M2TS_PACKET = 188, 192


class Group(Enum):
    """The groups of files; `UNREAD` are images of formats for which no decoder is at hand."""

    IMAGE = 'image'
    RAW = 'raw photo'
    UNREAD = 'unread image'
    VIDEO = 'video'
    SOUND = 'sound'
    OTHER = 'other'
    UNKNOWN = 'unknown'


@dataclass(frozen=True)
class FileKind:
    """A kind of file: its name for people, its group, and its files' usual suffix if read."""

    name: str
    group: Group
    suffix: str = ''


EMPTY = FileKind('empty', Group.OTHER)
TEXT = FileKind('text', Group.OTHER)
UNKNOWN = FileKind('unknown', Group.UNKNOWN)
JPEG, PNG = FileKind('JPEG', Group.IMAGE, '.jpg'), FileKind('PNG', Group.IMAGE, '.png')
TIFF = FileKind('TIFF', Group.IMAGE, '.tif')
HEIF, AVIF = FileKind('HEIF', Group.IMAGE, '.heic'), FileKind('AVIF', Group.IMAGE, '.avif')
WEBP = FileKind('WebP', Group.IMAGE, '.webp')
GIF, BMP = FileKind('GIF', Group.IMAGE, '.gif'), FileKind('BMP', Group.IMAGE, '.bmp')
JPEG_2000 = FileKind('JPEG 2000', Group.IMAGE, '.jp2')
NETPBM = FileKind('Netpbm', Group.IMAGE, '.ppm')
MP4 = FileKind('MP4 or QuickTime', Group.VIDEO, '.mp4')
MATROSKA = FileKind('Matroska', Group.VIDEO, '.mkv')
AVI = FileKind('AVI', Group.VIDEO, '.avi')
AUTOPILOT_LOG = FileKind('the log of an autopilot', Group.OTHER)
OBSERVATIONS = FileKind('satellite observations', Group.OTHER)
TRANSPORT_STREAM = FileKind('MPEG-TS', Group.VIDEO, '.ts')
_RAW = {
    b'IIRO': 'Olympus raw',
    b'IIRS': 'Olympus raw',
    b'MMOR': 'Olympus raw',
    b'IIU\0': 'Panasonic raw',
    b'FUJIFILMCCD-RAW': 'Fujifilm raw',
    b'FOVb': 'Sigma raw',
}
# What each file begins with; the longer beginning comes first.
_STARTS = (
    (JPEG_START, JPEG),
    (PNG_START, PNG),
    *((start, FileKind(name, Group.RAW)) for start, name in _RAW.items()),
    *((start, TIFF) for start in (b'II*\0', b'MM\0*', b'II+\0', b'MM\0+')),
    (b'GIF87a', GIF),
    (b'GIF89a', GIF),
    (b'\0\0\0\x0cjP  \r\n\x87\n', JPEG_2000),
    (b'\xff\x4f\xff\x51', JPEG_2000),
    (b'\0\0\0\x0cJXL \r\n\x87\n', FileKind('JPEG XL', Group.UNREAD)),
    (b'\xff\x0a', FileKind('JPEG XL', Group.UNREAD)),
    (b'II\xbc\x01', FileKind('JPEG XR', Group.UNREAD)),
    (b'\x76\x2f\x31\x01', FileKind('OpenEXR', Group.UNREAD)),
    (b'#?RADIANCE', FileKind('Radiance HDR', Group.UNREAD)),
    (b'8BPS', FileKind('Photoshop', Group.UNREAD)),
    (b'qoif', FileKind('QOI', Group.UNREAD)),
    (b'DDS ', FileKind('DirectDraw Surface', Group.UNREAD)),
    (b'FFF\0', FileKind('FLIR thermal sequence', Group.UNREAD)),
    (b'P7\n', FileKind('Netpbm of any depth (PAM)', Group.UNREAD)),
    *((start, FileKind('Netpbm of floats (PFM)', Group.UNREAD)) for start in (b'Pf\n', b'PF\n')),
    (b'version https://git-lfs', FileKind('a pointer of Git LFS', Group.OTHER)),
    (b'\x1a\x45\xdf\xa3', MATROSKA),
    (b'FLV\x01', FileKind('Flash Video', Group.VIDEO, '.flv')),
    (b'\x30\x26\xb2\x75\x8e\x66\xcf\x11', FileKind('ASF', Group.VIDEO, '.wmv')),
    (b'\0\0\x01\xba', FileKind('MPEG program stream', Group.VIDEO, '.mpg')),
    (b'\0\0\x01\xb3', FileKind('MPEG video', Group.VIDEO, '.mpg')),
    (b'\x06\x0e\x2b\x34\x02\x05\x01\x01', FileKind('MXF', Group.VIDEO, '.mxf')),
    (b'DKIF', FileKind('IVF', Group.VIDEO, '.ivf')),
    (b'OggS', FileKind('Ogg', Group.VIDEO, '.ogv')),
    (b'ID3', FileKind('MP3', Group.SOUND)),
    (b'fLaC', FileKind('FLAC', Group.SOUND)),
    (b'%PDF', FileKind('PDF', Group.OTHER)),
    (b'PK\x03\x04', FileKind('ZIP', Group.OTHER)),
    (b'\x1f\x8b', FileKind('gzip', Group.OTHER)),
    (b'\xa3\x95\x80', AUTOPILOT_LOG),  # ArduPilot: a log begins with the formats of its records
    (b'ULog\x01\x12\x35', AUTOPILOT_LOG),
    *((bytes([0xD3, byte]), OBSERVATIONS) for byte in range(4)),  # RTCM 3: length below 1024
    (b'\xb5\x62\x02', OBSERVATIONS),  # UBX, raw measurements
    (b'BM', BMP),
    *((b'P%d' % number, NETPBM) for number in range(1, 7)),
)
_HEIF_BRANDS = frozenset({b'heic', b'heix', b'heim', b'heis', b'hevc', b'hevx', b'mif1', b'msf1'})
_AVIF_BRANDS = frozenset({b'avif', b'avis'})
_QUICKTIME_BOXES = (b'ftyp', b'moov', b'mdat', b'wide', b'free', b'skip', b'pnot')


def kind_of(head: bytes) -> FileKind:  # noqa: PLR0911 - one line for each way to tell
    """Return what begins with these bytes; the first 512 of a file are enough."""
    if not head:
        return EMPTY
    if head[4:8] in _QUICKTIME_BOXES:
        return _of_boxes(head)
    if head.startswith(b'RIFF') and len(head) >= 12:
        riff = {b'WEBP': WEBP, b'AVI ': AVI, b'WAVE': FileKind('WAVE', Group.SOUND)}
        return riff.get(head[8:12], UNKNOWN)
    for start, kind in _STARTS:
        if head.startswith(start):
            if kind is TIFF and head[8:10] == b'CR':
                return FileKind('Canon raw', Group.RAW)
            if kind is BMP and _is_text(head):
                return TEXT
            return kind
    for offset, step in ((0, _TS_PACKET), (4, _M2TS_PACKET)):
        if head[offset : offset + 1] == head[offset + step : offset + step + 1] == b'G':
            return TRANSPORT_STREAM
    return TEXT if _is_text(head) else UNKNOWN


def kind_of_file(path: Path) -> FileKind:
    """Return what a file is by its first bytes; unknown where it cannot be read."""
    try:
        with path.open('rb') as file:
            return kind_of(file.read(HEAD_BYTES))
    except OSError:
        return UNKNOWN


def is_companion(path: Path) -> bool:
    """Return whether a file is one that cameras and autopilots write beside recordings."""
    name = path.name.lower()
    if path.suffix.lower() in COMPANION_SUFFIXES or name.endswith('.aux.xml'):
        return True
    if path.stem.lower().endswith('ppkraw'):
        return True
    return kind_of_file(path) in (AUTOPILOT_LOG, OBSERVATIONS)


def _of_boxes(head: bytes) -> FileKind:
    """Return what a file of the boxes of ISO 14496-12 is, by its brands."""
    if head[4:8] != b'ftyp':
        return MP4
    length = min(int.from_bytes(head[:4], 'big'), len(head))
    major = head[8:12]
    brands = {major, *(head[at : at + 4] for at in range(16, length, 4))}
    if major == b'crx ':
        return FileKind('Canon raw', Group.RAW)
    if major in _AVIF_BRANDS or (major in (b'mif1', b'msf1') and brands & _AVIF_BRANDS):
        return AVIF
    if major in _HEIF_BRANDS:
        return HEIF
    if major in (b'M4A ', b'M4B '):
        return FileKind('MPEG-4 sound', Group.SOUND)
    return MP4


def _is_text(head: bytes) -> bool:
    """Return whether bytes are text in UTF-8 or UTF-16 without control characters."""
    if head.startswith((b'\xff\xfe', b'\xfe\xff')):
        return True
    try:
        text = head[:-3].decode() if len(head) == HEAD_BYTES else head.decode()
    except UnicodeDecodeError:
        return False
    return all(one.isprintable() or one in '\r\n\t\f' for one in text)
