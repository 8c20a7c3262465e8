# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The inspections that pages are looking at."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import TYPE_CHECKING

from roof_detector.station.live_frames import LiveFrames
from roof_detector.station.review.review_board import ReviewBoard
from roof_detector.station.review.sighting_images import SightingImages

if TYPE_CHECKING:
    from collections.abc import Callable

    from roof_detector.station.language import Language
    from roof_detector.station.review.inspection_catalog import InspectionCatalog

_MOST_OPEN = 8
_MOST_ACTS = 4096


class ReviewBoards:
    """Opens inspections as pages ask for them, and keeps the last few; for the event loop."""

    def __init__(
        self, catalog: InspectionCatalog, *, text: Language, live: LiveFrames | None = None
    ) -> None:
        self.catalog = catalog
        self._live = live or LiveFrames()
        self.text = text
        self._open: OrderedDict[tuple[str, str], tuple[ReviewBoard, SightingImages]]
        self._open = OrderedDict()
        self._acts: OrderedDict[str, None] = OrderedDict()
        self._writing = asyncio.Lock()

    def find(self, group: str, name: str) -> ReviewBoard:
        """Return the board of an inspection; raise StationError if there is none."""
        return self._opened(group, name)[0]

    def images(self, group: str, name: str) -> SightingImages:
        """Return the images of an inspection; raise StationError if there is none."""
        return self._opened(group, name)[1]

    async def once(self, act: str, write: Callable[[], None]) -> None:
        """Write what a page decided, unless it is sent again."""
        async with self._writing:
            if act in self._acts:
                return
            await asyncio.to_thread(write)
            self._acts[act] = None
            if len(self._acts) > _MOST_ACTS:
                self._acts.popitem(last=False)

    def _opened(self, group: str, name: str) -> tuple[ReviewBoard, SightingImages]:
        inspection = self.catalog.find(group, name)
        key = (group, name)
        if key not in self._open or self._open[key][0].inspection != inspection:
            self._open[key] = (
                ReviewBoard(inspection, language=self.text.code, live=self._live),
                SightingImages(inspection.roots, live=self._live),
            )
            if len(self._open) > _MOST_OPEN:
                _, (_, images) = self._open.popitem(last=False)
                images.close()
        self._open.move_to_end(key)
        return self._open[key]
