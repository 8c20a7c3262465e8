# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The flight that an autopilot's own log holds, as series over the log's clock."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from roof_detector.georeference.errors import GeoError
from roof_detector.georeference.rotation import Rotation
from roof_detector.georeference.stamped_series import StampedSeries
from roof_detector.telemetry.altitude_steps import altitude_step_note
from roof_detector.telemetry.companion_file import companions_of
from roof_detector.telemetry.errors import TelemetryError
from roof_detector.telemetry.message_values import FRD_FROM_FLU
from roof_detector.telemetry.photo_pose import ENU_FROM_NED

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from roof_detector.georeference.uncertainty import Uncertainty

_MAX_GAP_S, _MAX_BEYOND_S = 2.5, 1.0
LOG_SUFFIXES = ('.tlog', '.bin', '.ulg')
_DATAFLASH_START = b'\xa3\x95'
# Messages about a camera's exposures, the most exact first: those that the camera reported, then
# those that tell when it was triggered.
EXPOSURE_KINDS = (
    *('camera_capture', 'CAM', 'CAMERA_IMAGE_CAPTURED', 'CAMERA_FEEDBACK'),
    *('camera_trigger', 'TRIG', 'CAMERA_TRIGGER'),
)
_REPORTED_BY_CAMERA = ('camera_capture', 'CAMERA_IMAGE_CAPTURED')
_FIRST_UTC_NS = 1_000_000_000_000_000_000  # stamps from here on are times of day


@dataclass(frozen=True)
class LoggedExposure:
    """One exposure: its stamp on the log's clock, and where the message itself places it.

    `place` is latitude, longitude and altitude, None where the message has none.
    """

    stamp_ns: int
    place: tuple[float, float, float] | None = None


@dataclass(frozen=True, eq=False, kw_only=True)
class AutopilotLog:
    """Positions, attitudes of the vehicle and, where it is logged, of the gimbal.

    Stamps are nanoseconds of the log's own clock. `positions` has rows (12,) and the attitudes
    rows (14,) as those of a CameraTrack; of the gimbal they are those of a camera's axes forward,
    left, up. `utc_minus_log_ns` is None where the log does not know the time of day. `exposures`
    are those of a camera for photos, by messages of the `exposure_kind`; they are exact where the
    camera reported them, and otherwise tell when it was triggered.
    """

    path: Path
    positions: StampedSeries
    attitudes: StampedSeries
    gimbal: StampedSeries | None
    utc_minus_log_ns: int | None
    notes: tuple[str, ...] = ()
    exposures: tuple[LoggedExposure, ...] = ()
    exposure_kind: str = ''
    are_exposures_exact: bool = False

    def yaw_rates(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return times (n,) in seconds and the vehicle's turn to the right in radians a second."""
        stamps_s = self.attitudes.stamps_ns / 1e9
        ahead = Rotation.from_quat(self.attitudes.rows[:, :4]).apply([1.0, 0.0, 0.0])
        yaw = np.unwrap(np.arctan2(ahead[:, 0], ahead[:, 1]))
        return (stamps_s[1:] + stamps_s[:-1]) / 2, np.diff(yaw) / np.diff(stamps_s)


@dataclass
class LoggedValues:
    """What a reader found in a log, in its order; `flight` makes the series of it.

    `positions` has latitude, longitude, altitude and the height over the place of take-off,
    `attitudes` quaternions x, y, z, w from forward, right, down into north, east, down; `gimbals`
    the same of the camera, and whether its yaw is relative to north. `utc_ns` has the time of day.
    `exposures` are by the kind of their message; a stamp that is a time of day is in UTC.
    `remarks` are sentences about the log.
    """

    positions: list[tuple[int, float, float, float, float]] = field(default_factory=list)
    attitudes: list[tuple[int, NDArray[np.float64]]] = field(default_factory=list)
    gimbals: list[tuple[int, NDArray[np.float64], bool]] = field(default_factory=list)
    utc_ns: list[tuple[int, int]] = field(default_factory=list)
    exposures: dict[str, list[LoggedExposure]] = field(default_factory=dict)
    left_out: int = 0
    remarks: list[str] = field(default_factory=list)

    def add_exposure(
        self, kind: str, stamp_ns: int, place: tuple[float, float, float] | None = None
    ) -> None:
        """Add an exposure; a place that is none counts as missing."""
        if place is not None and not _is_on_earth((stamp_ns, *place, 0.0)):
            place = None
        self.exposures.setdefault(kind, []).append(LoggedExposure(stamp_ns, place))

    def flight(self, path: Path, uncertainty: Uncertainty) -> AutopilotLog:
        """Return the flight; raise TelemetryError where a log has no position or attitude."""
        on_earth = [one for one in self.positions if _is_on_earth(one)]
        left_out = self.left_out + len(self.positions) - len(on_earth)
        if len(on_earth) < 2 or len(self.attitudes) < 2:
            msg = (
                f'{path} holds {len(on_earth)} positions and {len(self.attitudes)} attitudes; at '
                'least two of each are needed.'
            )
            raise TelemetryError(msg)
        covariance = uncertainty.fix_covariance.ravel()
        places = [(*one[1:4], *covariance) for one in on_earth]
        stamps = np.array([one[0] for one in on_earth], np.float64)
        order = np.argsort(stamps, kind='stable')
        heights = np.array([one[4] for one in on_earth])
        turns = []
        for stamp_ns, quaternion in self.attitudes:
            rotation = ENU_FROM_NED @ Rotation.from_quat(quaternion).as_matrix() @ FRD_FROM_FLU
            z = float(np.interp(stamp_ns, stamps[order], heights[order]))
            turns.append(
                (
                    *Rotation.from_matrix(rotation).as_quat(),
                    z,
                    *uncertainty.attitude_covariance.ravel(),
                )
            )
        attitudes = _series([one[0] for one in self.attitudes], turns, width=14)
        gimbal, note = self._gimbal(attitudes)
        notes = [note] if note else []
        notes += [f'{path.name}: {one}' for one in self.remarks]
        step = altitude_step_note(
            (stamps[order] - stamps[order[0]]) / 1e9,
            heights[order],
            np.array([one[3] for one in on_earth])[order],
        )
        notes += [f'{path.name}: {step}'] if step else []
        if left_out:
            notes.append(f'{path.name}: {left_out} records without a position are left out.')
        offsets = [utc_ns - stamp_ns for stamp_ns, utc_ns in self.utc_ns]
        utc_minus_log_ns = int(np.median(offsets)) if offsets else None
        kind, exposures, note = self._exposures(utc_minus_log_ns)
        notes += [f'{path.name}: {note}'] if note else []
        return AutopilotLog(
            path=path,
            positions=_series([one[0] for one in on_earth], places, width=12),
            attitudes=attitudes,
            gimbal=gimbal,
            utc_minus_log_ns=utc_minus_log_ns,
            notes=tuple(notes),
            exposures=exposures,
            exposure_kind=kind,
            # ArduPilot writes TRIG beside CAM where the camera's hot shoe reports the exposure.
            are_exposures_exact=kind in _REPORTED_BY_CAMERA
            or (kind == 'CAM' and 'TRIG' in self.exposures),
        )

    def _exposures(
        self, utc_minus_log_ns: int | None
    ) -> tuple[str, tuple[LoggedExposure, ...], str]:
        """Return the most exact kind, its exposures in order, and a note on those left out."""
        kind = next((one for one in EXPOSURE_KINDS if self.exposures.get(one)), '')
        found, untimed = {}, 0
        for one in self.exposures.get(kind, ()):
            if one.stamp_ns < _FIRST_UTC_NS:
                found[one.stamp_ns] = one
            elif utc_minus_log_ns is not None:
                found[one.stamp_ns - utc_minus_log_ns] = replace(
                    one, stamp_ns=one.stamp_ns - utc_minus_log_ns
                )
            else:
                untimed += 1
        note = f'{untimed} exposures tell the time of day, which the log does not know.'
        return kind, tuple(found[stamp] for stamp in sorted(found)), note if untimed else ''

    def _gimbal(self, body: StampedSeries) -> tuple[StampedSeries | None, str]:
        stamps, rows = [], []
        if self.gimbals and all(np.allclose(one[1][:3], 0.0) for one in self.gimbals):
            return (
                None,
                'All gimbal angles of the log are zero, which payloads without angles write.',
            )
        for stamp_ns, quaternion, is_earth in self.gimbals:
            try:
                row = body.at(stamp_ns, what='attitude', quaternions=True)
            except GeoError:
                continue
            rotation = Rotation.from_quat(quaternion).as_matrix()
            if is_earth:
                into = ENU_FROM_NED
            else:
                ahead = Rotation.from_quat(row[:4]).apply([1.0, 0.0, 0.0])
                level = Rotation.from_euler('Z', np.arctan2(ahead[1], ahead[0])).as_matrix()
                into = level @ FRD_FROM_FLU
            turned = Rotation.from_matrix(into @ rotation @ FRD_FROM_FLU).as_quat()
            stamps.append(stamp_ns)
            rows.append((*turned, *row[4:]))
        return (_series(stamps, rows, width=14), '') if len(rows) > 1 else (None, '')


def log_file_of(video: Path) -> Path | None:
    """Return the log beside a video with its name in any case, None without one."""
    logs = companions_of(video, LOG_SUFFIXES)
    return next(
        (one for one in logs if one.suffix.lower() != '.bin' or _begins_as_dataflash(one)), None
    )


def log_files_of_photos(folder: Path) -> tuple[Path, ...]:
    """Return the logs in a folder of photos or, without any, those beside it with its name."""
    try:
        inside = [one for one in folder.iterdir() if one.suffix.lower() in LOG_SUFFIXES]
    except OSError:
        return ()
    logs = sorted(inside) or companions_of(folder, LOG_SUFFIXES)
    return tuple(one for one in logs if one.suffix.lower() != '.bin' or _begins_as_dataflash(one))


def read_autopilot_log(path: Path, uncertainty: Uncertainty) -> AutopilotLog:
    """Read a .tlog or .bin (ArduPilot) or .ulg (PX4); raise TelemetryError if it is unusable."""
    if not path.is_file():
        msg = f'There is no log {path}.'
        raise TelemetryError(msg)
    try:
        if path.suffix.lower() == '.ulg':
            from roof_detector.telemetry.ulog_file import read_ulog  # noqa: PLC0415

            return read_ulog(path).flight(path, uncertainty)
        if path.suffix.lower() in LOG_SUFFIXES:
            from roof_detector.telemetry.mavlink_file import read_mavlink  # noqa: PLC0415

            return read_mavlink(path).flight(path, uncertainty)
    except ModuleNotFoundError as error:
        msg = f'{path} needs the package {error.name}: install "roof_detector[ground]".'
        raise TelemetryError(msg) from error
    msg = f'{path} is no log that is known; expected one of {", ".join(LOG_SUFFIXES)}.'
    raise TelemetryError(msg)


def _begins_as_dataflash(path: Path) -> bool:
    """Return whether a .bin is a log of ArduPilot, and not what others name so."""
    try:
        with path.open('rb') as file:
            return file.read(len(_DATAFLASH_START)) == _DATAFLASH_START
    except OSError:
        return False


def _series(stamps: list[int], rows: list[tuple[float, ...]], *, width: int) -> StampedSeries:
    series = StampedSeries.of(stamps, rows, width=width)
    return StampedSeries(
        stamps_ns=series.stamps_ns,
        rows=series.rows,
        max_gap_s=_MAX_GAP_S,
        max_beyond_s=_MAX_BEYOND_S,
    )


def _is_on_earth(row: tuple[int, float, float, float, float]) -> bool:
    _, latitude, longitude, altitude, height = row
    is_finite = bool(np.isfinite([latitude, longitude, altitude, height]).all())
    is_placed = abs(latitude) > 1e-6 or abs(longitude) > 1e-6
    return is_finite and is_placed and abs(latitude) < 89 and abs(longitude) <= 180
