# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The part of the disk that the station may use: what a recording does not need."""

from __future__ import annotations

from typing import TYPE_CHECKING

from roof_detector.bags.disk import RECORDER_FLOOR_BYTES, check_share
from roof_detector.bags.errors import BagError, DiskFull
from roof_detector.station.errors import StationError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class DiskBudget:
    """A check that refuses uploads and jobs before they would end a recording.

    `recorder_floor_bytes` returns the free space at which the recorder stops, which may change.
    """

    def __init__(
        self,
        folder: Path,
        *,
        recorder_floor_bytes: Callable[[], int] = lambda: RECORDER_FLOOR_BYTES,
    ) -> None:
        self._folder = folder
        self._recorder_floor_bytes = recorder_floor_bytes

    def check(self, wanted_bytes: int = 0) -> None:
        """Raise StationError if `wanted_bytes` more would leave too little for a recording."""
        try:
            check_share(
                self._folder,
                recorder_floor_bytes=self._recorder_floor_bytes(),
                wanted_bytes=wanted_bytes,
            )
        except DiskFull as error:
            raise StationError(str(error), status=507) from error
        except BagError as error:
            raise StationError(str(error), status=500) from error
