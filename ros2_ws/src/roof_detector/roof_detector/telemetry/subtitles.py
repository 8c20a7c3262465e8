# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Reads the telemetry in subtitles that drones record beside or inside their videos."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING

from roof_detector.telemetry.companion_file import companions_of
from roof_detector.telemetry.errors import TelemetryError
from roof_detector.telemetry.telemetry_sample import TelemetrySample, VideoTelemetry

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

_MOST_BYTES = 256 << 20  # three hours at 60 Hz take 200 MB
# Drones write 300 characters. The patterns take time in proportion to a subtitle's length: no part
# of a number or of spaces fits two of their pieces.
_MOST_CHARACTERS = 4000
_MOST_HEIGHT_M = 100_000.0
_MOST_DEGREES = 720.0
_LEAST_FOCAL_MM, _MOST_FOCAL_MM = 1.0, 20_000.0
_LONGEST_S = 1e7  # of a video; a time of a container is any 64 bits
_TIMES = re.compile(
    r'(?<!\d)(\d{1,4}):(\d\d):(\d\d)(?:[,.](\d{1,3}))?\s{0,9}-->'
    r'\s{0,9}(\d{1,4}):(\d\d):(\d\d)(?:[,.](\d{1,3}))?[^\n]*'
)
_TAG = re.compile(r'<[^<>\n]*>')
# Between the name and the value, which JSON puts into quotes.
_IS = r'["\']?\s*[:=]\s*["\']?'
# A number as a whole: not the begin of a longer one, or of one with an exponent.
_N = r'([-+]?(?:\d{1,15}(?:\.\d{0,20})?|\.\d{1,20}))(?!\.?\d|[eE][-+]?\d)'
_DATE = re.compile(
    r'(?<!\d)(\d{4})[-./](\d{1,2})[-./](\d{1,2})[ T]\s?(\d{1,2}):(\d\d):(\d\d)'
    r'(?:[.,:](\d{1,3})(?:,\d+)?)?'
)
# A letter of the hemisphere may stand on either side of the degrees.
_LATITUDE = re.compile(
    rf'\b(?:gps_?)?lat(?:itude)?{_IS}([NS]\b)?\s*{_N}\s*°?\s*([NS]\b)?', re.IGNORECASE
)
_LONGITUDE = re.compile(
    rf'\b(?:gps_?)?l(?:on(?:g(?:t?itude)?)?|ng){_IS}([EW]\b)?\s*{_N}\s*°?\s*([EW]\b)?',
    re.IGNORECASE,
)
_GPS = re.compile(
    rf'\bGPS\s*(?::\s*)?\(\s*(?:([EWNS])\s*:\s*)?{_N}(?:\s*°)?\s*[,;]\s*'
    rf'(?:([EWNS])\s*:\s*)?{_N}(?:\s*°)?\s*(?:[,;]\s*{_N}\s*(?:([mM])\s*)?)?\)'
)
_RELATIVE = (
    re.compile(rf'\brel(?:ative)?_?alt(?:itude)?{_IS}{_N}', re.IGNORECASE),
    re.compile(rf'\bBAROMETER{_IS}{_N}', re.IGNORECASE),
    re.compile(rf'(?<![.\w])H(?:\s+|{_IS}){_N}\s*m\b'),
    re.compile(rf'\bheight{_IS}{_N}', re.IGNORECASE),
)
_ABSOLUTE = (
    re.compile(rf'\babs(?:olute)?_?alt(?:itude)?{_IS}{_N}', re.IGNORECASE),
    re.compile(rf'\b(?:gps_?)?alt(?:itude)?{_IS}{_N}', re.IGNORECASE),
)
_DECIMAL_POINT = re.compile(r'\d\.\d')
_DECIMAL_COMMA = re.compile(r'(?<=\d),(?=\d)')
_DEGREES = rf'{_N}(?:\s*°)?'
_GIMBAL_PRY = re.compile(
    rf'\bG\.PRY\s*(?::\s*)?\(\s*{_DEGREES}\s*[,;]\s*{_DEGREES}\s*[,;]\s*{_DEGREES}\s*\)'
)
_FLIGHT_PRY = re.compile(
    rf'\bF\.PRY\s*(?::\s*)?\(\s*{_DEGREES}\s*[,;]\s*{_DEGREES}\s*[,;]\s*{_DEGREES}\s*\)'
)
_GIMBAL = {
    axis: re.compile(rf'\b(?:gb|gimbal|camera)[_ ]?{axis}(?:_?degree)?{_IS}{_N}', re.IGNORECASE)
    for axis in ('yaw', 'pitch', 'roll')
}
_FLIGHT_YAW = re.compile(
    rf'\b(?:drone|flight|uav|fc)[_ ]?yaw(?:_?degree)?{_IS}{_N}', re.IGNORECASE
)
_FOCAL = re.compile(rf'\bfocal_len(?:gth)?{_IS}{_N}', re.IGNORECASE)
_DIGITAL_ZOOM = re.compile(rf'\bdzoom(?:_ratio)?{_IS}{_N}', re.IGNORECASE)
_LARGEST_ZOOM = 64.0


def subtitle_file_of(video: Path) -> Path | None:
    """Return the .srt file beside a video of the same name in any case, None without one."""
    return next(companions_of(video, ('.srt',)), None)


def read_subtitle_telemetry(path: Path) -> VideoTelemetry:
    """Read an .srt file, or the subtitles inside a video.

    Raises TelemetryError if there are none, or none of them holds a position or a height.
    """
    is_text = path.suffix.lower() == '.srt'
    cues = _cues_of_text(_with_lines(_text_of(path))) if is_text else _cues_of_video(path)
    return parse_subtitles(path, cues)


def parse_subtitles(path: Path, cues: Iterable[tuple[float, float, str]]) -> VideoTelemetry:
    """Return the telemetry in subtitles (begin in seconds, end in seconds, text)."""
    reader = _Reader()
    found = (reader.record(*cue) for cue in cues)
    records = tuple(one for one in found if one is not None)
    if not any(
        one.latitude_deg is not None or one.relative_altitude_m is not None for one in records
    ):
        msg = (
            f'{path} has {len(records)} subtitles, and none of them holds a GPS position or a '
            'height.'
        )
        raise TelemetryError(msg)
    return VideoTelemetry(path, records, tuple(reader.notes(path.name)))


class _Reader:
    """Reads one subtitle after another and counts what is wrong with them."""

    def __init__(self) -> None:
        self._without_fix = self._off_earth = self._zero_angles = self._senseless = 0
        self._untimed = self._without_yaw = 0
        self._order_assumed = ''

    def record(self, begin_s: float, end_s: float, text: str) -> TelemetrySample | None:
        """Return the telemetry of a subtitle, None for one whose time no video has."""
        if not (0 <= begin_s <= _LONGEST_S and 0 <= end_s <= _LONGEST_S):
            self._untimed += 1
            return None
        text = _TAG.sub(' ', text[:_MOST_CHARACTERS])
        time = _time(text)
        text = _with_points(_DATE.sub(' ', text))
        latitude, longitude, altitude = self._place(text)
        flight = _FLIGHT_PRY.search(text)
        flown_deg = float(flight[3]) if flight else _first(text, (_FLIGHT_YAW,))
        flown_deg = self._within(flown_deg, _MOST_DEGREES)
        gimbal = self._gimbal(text, flown_deg)
        focal = _first(text, (_FOCAL,))
        # Tenths of millimetres in all models that write it so large.
        focal = focal / 10 if focal and focal >= 100 else focal
        focal = focal * _digital_zoom(text) if focal else focal
        return TelemetrySample(
            begin_s=begin_s,
            end_s=end_s,
            latitude_deg=latitude,
            longitude_deg=longitude,
            altitude_m=self._within(altitude, _MOST_HEIGHT_M),
            relative_altitude_m=self._within(_first(text, _RELATIVE), _MOST_HEIGHT_M),
            gimbal=gimbal,
            flight_yaw_deg=flown_deg,
            time=time,
            focal_35mm=self._within(focal, _MOST_FOCAL_MM, least=_LEAST_FOCAL_MM),
        )

    def notes(self, name: str) -> list[str]:
        """Return a note for each kind of unusual record."""
        found = []
        if self._without_fix:
            found.append(
                f'{name}: {self._without_fix} subtitles give latitude 0, longitude 0, as drones '
                'do without a GPS fix; they count as without a position.'
            )
        if self._off_earth:
            found.append(
                f'{name}: {self._off_earth} subtitles give a position outside of 90 and 180 '
                'degrees; they count as without a position.'
            )
        if self._zero_angles:
            found.append(
                f'{name}: in {self._zero_angles} subtitles all gimbal angles are zero, which '
                'payloads without angles write; they are not used.'
            )
        if self._without_yaw:
            found.append(
                f'{name}: {self._without_yaw} subtitles have no yaw of the gimbal; the heading of '
                'the aircraft is used for it.'
            )
        if self._senseless:
            found.append(
                f'{name}: {self._senseless} heights, angles or focal lengths are no possible '
                'ones; they are not used.'
            )
        if self._untimed:
            found.append(
                f'{name}: {self._untimed} subtitles have a time that no video has; they are not '
                'used.'
            )
        if self._order_assumed:
            found.append(
                f'{name}: GPS(...) is read as {self._order_assumed}, as its form implies.'
            )
        return found

    def _place(self, text: str) -> tuple[float | None, float | None, float | None]:
        altitude = _first(text, _ABSOLUTE)
        latitude, longitude = _degrees(text, _LATITUDE), _degrees(text, _LONGITUDE)
        if (latitude is None or longitude is None) and (match := _GPS.search(text)):
            latitude, longitude = self._ordered(match)
            if altitude is None and match[6]:
                altitude = float(match[5]) or None  # 0.0M: unknown
        if latitude is None or longitude is None:
            return None, None, altitude
        if abs(latitude) < 1e-6 and abs(longitude) < 1e-6:
            self._without_fix += 1
            return None, None, altitude
        if abs(latitude) > 90 or abs(longitude) > 180:
            self._off_earth += 1
            return None, None, altitude
        return latitude, longitude, altitude

    def _ordered(self, match: re.Match[str]) -> tuple[float, float]:
        """Return latitude and longitude of `GPS(...)`.

        Letters give the order if there are any. DJI's consumer drones write longitude first
        and whole numbers of satellites third; its enterprise drones write latitude first and
        metres with their unit third.
        """
        first, second = float(match[2]), float(match[4])
        letters = match[1], match[3]
        if all(letters):
            first, second = (
                -abs(value) if letter in {'S', 'W'} else value
                for letter, value in zip(letters, (first, second), strict=True)
            )
            return (first, second) if letters[0] in {'N', 'S'} else (second, first)
        if match[6] and abs(first) <= 90:
            self._order_assumed = 'latitude, longitude'
            return first, second
        if abs(first) <= 90:
            self._order_assumed = 'longitude, latitude'
        return second, first

    def _gimbal(self, text: str, flown_deg: float | None) -> tuple[float, float, float] | None:
        if match := _GIMBAL_PRY.search(text):
            pitch, roll, yaw = (float(one) for one in match.groups())
        else:
            angles = [_first(text, (pattern,)) for pattern in _GIMBAL.values()]
            if angles[0] is None and angles[1] and flown_deg is not None:
                self._without_yaw += 1
                angles[0] = flown_deg
            if angles[0] is None or angles[1] is None:
                return None
            yaw, pitch, roll = angles[0], angles[1], angles[2] or 0.0
        if yaw == pitch == roll == 0.0:
            self._zero_angles += 1
            return None
        if max(abs(yaw), abs(pitch), abs(roll)) > _MOST_DEGREES:
            self._senseless += 1
            return None
        return yaw, pitch, roll

    def _within(self, value: float | None, most: float, *, least: float = 0.0) -> float | None:
        """Return a number whose size is within limits, otherwise count it and return None."""
        if value is not None and value != 0.0 and not least <= abs(value) <= most:
            self._senseless += 1
            return None
        return value


def _first(text: str, patterns: Iterable[re.Pattern[str]]) -> float | None:
    return next((float(match[1]) for one in patterns if (match := one.search(text))), None)


def _degrees(text: str, pattern: re.Pattern[str]) -> float | None:
    """Return degrees, negative for the letters of the south and west."""
    match = pattern.search(text)
    if match is None:
        return None
    letter = (match[1] or match[3] or '').upper()
    return -abs(float(match[2])) if letter in {'S', 'W'} else float(match[2])


def _with_points(text: str) -> str:
    """Return a text with decimal points, where it has decimal commas and no point."""
    if _DECIMAL_POINT.search(text) or not _DECIMAL_COMMA.search(text):
        return text
    return _DECIMAL_COMMA.sub('.', text)


def _digital_zoom(text: str) -> float:
    """Return by how much the image was enlarged; some models count in ten thousandths."""
    ratio = _first(text, (_DIGITAL_ZOOM,)) or 1.0
    ratio = ratio / 10_000 if ratio >= 1000 else ratio
    return ratio if 1.0 <= ratio <= _LARGEST_ZOOM else 1.0


def _time(text: str) -> datetime | None:
    match = _DATE.search(text)
    if not match:
        return None
    year, month, day, hour, minute, second = (int(number) for number in match.groups()[:6])
    thousandths = int((match[7] or '0').ljust(3, '0'))
    try:
        return datetime(year, month, day, hour, minute, second, thousandths * 1000)
    except ValueError:
        return None


def _text_of(path: Path) -> str:
    try:
        if path.stat().st_size > _MOST_BYTES:
            msg = f'{path} has {path.stat().st_size} bytes, expected at most {_MOST_BYTES}.'
            raise TelemetryError(msg)
        content = path.read_bytes()
    except OSError as error:
        msg = f'{path} cannot be read ({error.strerror}).'
        raise TelemetryError(msg) from error
    if content.startswith((b'\xff\xfe', b'\xfe\xff')):
        return content.decode('utf-16', 'replace')
    if content[:200].count(0) > len(content[:200]) // 3:  # UTF-16 without its mark
        return content.decode('utf-16-be' if content[:1] == b'\0' else 'utf-16-le', 'replace')
    return content.decode('utf-8-sig', 'replace')


def _with_lines(text: str) -> str:
    """Return a text whose lines end in LF, as those of old programs end in CR alone."""
    return text.replace('\r\n', '\n').replace('\r', '\n')


def _cues_of_text(text: str) -> Iterator[tuple[float, float, str]]:
    """Yield the cues of SubRip text; a last one that is cut off is yielded as far as it goes."""
    times = list(_TIMES.finditer(text))
    for number, match in enumerate(times):
        end = times[number + 1].start() if number + 1 < len(times) else len(text)
        begin_s, end_s = (_seconds(*match.groups()[i : i + 4]) for i in (0, 4))
        yield begin_s, end_s, text[match.end() : end]


def _seconds(hours: str, minutes: str, seconds: str, fraction: str | None) -> float:
    whole = int(hours) * 3600 + int(minutes) * 60 + int(seconds)
    return whole + int((fraction or '0').ljust(3, '0')) / 1000


def _cues_of_video(path: Path) -> Iterator[tuple[float, float, str]]:
    """Yield the subtitles of a container's text streams (3GPP timed text, SubRip)."""
    import av  # noqa: PLC0415 - opening an .srt file needs no decoder

    try:
        with av.open(str(path), metadata_errors='replace') as container:
            streams = [one for one in container.streams if one.type == 'subtitle']
            if not streams:
                msg = f'{path} has no subtitles inside, and no .srt file of its name beside it.'
                raise TelemetryError(msg)
            for packet in container.demux(streams[0]):
                content = bytes(packet)
                if not content or packet.pts is None or packet.time_base is None:
                    continue
                begin_s = float(packet.pts * packet.time_base)
                length = float((packet.duration or 0) * packet.time_base)
                if streams[0].codec_context.name == 'mov_text':
                    content = content[2 : 2 + int.from_bytes(content[:2], 'big')]
                if content:  # an empty one ends the one before
                    yield begin_s, begin_s + length, content.decode('utf-8', 'replace')
    except (av.FFmpegError, OSError) as error:
        msg = f'{path} cannot be opened ({" ".join(str(error).split())}).'
        raise TelemetryError(msg) from error
