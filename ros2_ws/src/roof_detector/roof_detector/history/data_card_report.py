# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The data cards of all flights with their alarms, as a page and as JSON."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from roof_detector.history.data_card import FlightCard, flight_cards, with_sites
from roof_detector.history.drift import DriftAlarm, DriftLimits, drift_alarms
from roof_detector.history.errors import HistoryError
from roof_detector.history.history_page import HistoryPage, PagePart, write_page
from roof_detector.history.history_reading import History
from roof_detector.vision.sharpness import blur_px

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

PAGE = 'drift'


@dataclass(kw_only=True)
class DriftReport:
    """The cards by site and date, the alarms, and what could not be measured."""

    cards: list[FlightCard]
    alarms: list[DriftAlarm]
    lost: list[str] = field(default_factory=list)

    def verdict(self) -> str:
        """Return the verdict in a sentence."""
        count = len(self.alarms)
        if not count:
            return f'No alarm in {len(self.cards)} flights.'
        return f'{count} alarm{"s" if count > 1 else ""} in {len(self.cards)} flights.'

    def lines(self) -> list[str]:
        """Return the lines to print for the user."""
        alarms = [
            f'{one.kind.upper()}  {one.date} {one.name}: {one.sentence}' for one in self.alarms
        ]
        return [self.verdict(), *alarms, *self.lost]

    def write(self, folder: Path) -> list[Path]:
        """Write drift.html and drift.json; raise ExportError."""
        return write_page(folder, PAGE, self._page(), self.as_dict())

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            'flights': [one.as_dict() for one in self.cards],
            'alarms': [one.as_dict() for one in self.alarms],
            'lost': self.lost,
        }

    def _page(self) -> HistoryPage:
        parts = [
            PagePart(
                heading='Alarms',
                columns=('kind', 'date', 'site', 'flight', 'what'),
                rows=tuple(
                    (one.kind, one.date, one.site, one.name, one.sentence) for one in self.alarms
                ),
            )
        ]
        for site in dict.fromkeys(one.site for one in self.cards):
            cards = [one for one in self.cards if one.site == site]
            parts += [_images_part(site, cards), _model_part(cards)]
        if self.lost:
            parts.append(PagePart(heading='Not measured', lines=tuple(self.lost)))
        return HistoryPage(
            title='Data cards',
            verdict=self.verdict(),
            is_good=not self.alarms,
            facts=(
                'Quality is the median of images taken evenly from each flight; sharpness is '
                'detail over coarse texture, 0.95 where nothing is blurred.',
            ),
            parts=tuple(part for part in parts if part.rows or part.lines),
        )


def drift_report(
    paths: Sequence[Path], *, limits: DriftLimits, samples: int, images: Path | None = None
) -> DriftReport:
    """Measure the flights of inspections; raise HistoryError where none can be read."""
    if samples < 1:
        msg = f'{samples} images of a flight are to be measured; give 1 or more.'
        raise HistoryError(msg)
    history = History(paths)
    inspections = list(history)
    lost: list[str] = []
    cards = [
        card
        for one in inspections
        for card in flight_cards(one, samples=samples, images=images, lost=lost)
    ]
    lost += history.lost
    if not cards:
        msg = f'No inspection can be read. {" ".join(lost)}'
        raise HistoryError(msg)
    placed = with_sites(cards, inspections)
    placed.sort(key=lambda one: (one.site, one.date))
    return DriftReport(cards=placed, alarms=drift_alarms(placed, limits), lost=lost)


def _images_part(site: str, cards: Sequence[FlightCard]) -> PagePart:
    rows = []
    for one in cards:
        quality = one.quality
        numbers = ('-',) * 5
        if quality is not None:
            blur = '-' if math.isnan(quality.sharpness) else f'{blur_px(quality.sharpness):.1f}'
            numbers = (
                f'{quality.sharpness:.2f}',
                blur,
                f'{quality.brightness:.0f}',
                f'{quality.contrast:.0f}',
                f'{100 * quality.clipped:.1f} %',
            )
        scale = '-' if one.metres_per_pixel is None else f'{100 * one.metres_per_pixel:.1f}'
        rows.append((one.date, one.name, str(one.frames), scale, *numbers))
    return PagePart(
        heading=f'Site {site}: images',
        columns=(
            *('date', 'flight', 'frames', 'cm/pixel', 'sharpness', 'blur (px)'),
            *('brightness', 'contrast', 'clipped'),
        ),
        numbers=(2, 3, 4, 5, 6, 7, 8),
        rows=tuple(rows),
    )


def _model_part(cards: Sequence[FlightCard]) -> PagePart:
    names = sorted({name for one in cards for name in one.classes})
    rows = []
    for one in cards:
        sure = '-' if one.mean_confidence is None else f'{one.mean_confidence:.2f}'
        rates = (
            f'{one.classes[name].per_frame:.2f} ({one.classes[name].mean_confidence:.2f})'
            if name in one.classes
            else '0'
            for name in names
        )
        rows.append(
            (*(one.date, one.name, one.model, f'{one.per_frame:.2f}', sure), *rates,
             str(one.confirmed))
        )  # fmt: skip
    return PagePart(
        heading='What the model found',
        lines=('Detections in a frame, with their mean confidence, by class.',),
        columns=('date', 'flight', 'model', 'all', 'confidence', *names, 'confirmed findings'),
        numbers=tuple(range(3, 6 + len(names))),
        rows=tuple(rows),
    )
