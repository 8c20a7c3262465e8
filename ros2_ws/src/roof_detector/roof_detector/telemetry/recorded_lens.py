# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Reads the lens of a camera from the CameraInfo messages of a bag."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from roof_detector.georeference.errors import GeoError
from roof_detector.georeference.lens import Lens

if TYPE_CHECKING:
    from roof_detector.telemetry.recorded_series import RecordedSeries


def recorded_lens(records: RecordedSeries, topic: str, *, rectified: bool) -> Lens:
    """Return the lens of the first valid calibration."""
    first: tuple[Any, Lens] | None = None
    reason = f'{topic} holds no message that can be read.'
    for info in (one for one, _ in records.messages(topic)):
        try:
            if first is None:
                first = info, lens_of(info, rectified=rectified)
            elif not _same_calibration(info, first[0]):
                records.leave_out(topic, 'of another calibration than the first')
        except GeoError as error:
            reason = str(error)
            records.leave_out(topic, 'not calibrated')
    if first is None:
        raise GeoError(reason)
    return first[1]


def lens_of(info: Any, *, rectified: bool) -> Lens:
    """Return the lens of a CameraInfo; raise GeoError for one that is not calibrated."""
    size_wh = int(info.width), int(info.height)
    lens = (
        Lens.rectified(size_wh, info.p)
        if rectified
        else Lens(
            size_wh=size_wh,
            matrix=info.k,
            distortion=tuple(info.d),
            model=info.distortion_model,
        )
    )
    region = info.roi
    if region.width and region.height:
        lens = lens.cropped(
            (int(region.x_offset), int(region.y_offset)), (int(region.width), int(region.height))
        )
    binning = max(1, int(info.binning_x)), max(1, int(info.binning_y))
    return lens if binning == (1, 1) else lens.binned(binning)


def _same_calibration(one: Any, other: Any) -> bool:
    def facts(info: Any) -> tuple[object, ...]:
        region = info.roi
        return (
            *(info.width, info.height, info.distortion_model, tuple(info.d), tuple(info.k)),
            *(tuple(info.p), info.binning_x, info.binning_y),
            *(region.x_offset, region.y_offset, region.width, region.height),
        )

    return facts(one) == facts(other)
