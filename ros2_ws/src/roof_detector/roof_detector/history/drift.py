# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What drifts from flight to flight, and when that is an alarm."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.stats import poisson

from roof_detector.fleet.sites import UNDATED
from roof_detector.history.errors import HistoryError
from roof_detector.vision.sharpness import blur_px

if TYPE_CHECKING:
    from collections.abc import Sequence

    from roof_detector.history.data_card import FlightCard

# Fewer detections say nothing about their confidence.
_LEAST_CONFIDENCES = 20
_LEAST_MEASURED = 6


@dataclass(frozen=True, kw_only=True)
class DriftLimits:
    """From where on a difference is an alarm.

    `sharpness`: share that is left of what earlier flights had, also from the first to the last
    third of a flight. `blur`: pixels of blur, without any flight before. `brightness`: grey
    values between which the mean lies; `contrast`: least standard deviation; `clipped`: share of
    black and white pixels. `silence`: share that is left of detections in a frame. `flood`: times
    as many. `confidence`: fall of the mean. `probability`: a number of detections as far from what
    is expected comes by chance no more often.
    """

    sharpness: float = 0.75
    blur: float = 2.5
    brightness: tuple[float, float] = (35.0, 220.0)
    contrast: float = 12.0
    clipped: float = 0.25
    silence: float = 0.25
    flood: float = 4.0
    confidence: float = 0.15
    probability: float = 1e-4

    def __post_init__(self) -> None:
        for name in ('sharpness', 'clipped', 'silence', 'confidence', 'probability'):
            if not 0 < getattr(self, name) < 1:
                msg = f'The limit {name} is {getattr(self, name)}, expected between 0 and 1.'
                raise HistoryError(msg)
        if not self.flood > 1:
            msg = f'The limit flood is {self.flood}, expected above 1.'
            raise HistoryError(msg)


@dataclass(frozen=True, kw_only=True)
class DriftAlarm:
    """What is wrong with a flight: a short kind for programs, the flight and a sentence."""

    kind: str
    site: str
    date: str
    name: str
    sentence: str

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)


def drift_alarms(cards: Sequence[FlightCard], limits: DriftLimits) -> list[DriftAlarm]:
    """Compare each flight with those before of its site and camera; return the alarms.

    Flights are taken by date, undated ones in the order given. Where a camera was never at a site
    before, its flights elsewhere count for its sharpness, but no flight does for what was found.
    """
    alarms: list[DriftAlarm] = []
    dated = sorted(range(len(cards)), key=lambda k: (cards[k].date == UNDATED, cards[k].date, k))
    ordered = [cards[k] for k in dated]
    for k, card in enumerate(ordered):
        same_camera = [one for one in ordered[:k] if one.camera == card.camera]
        at_site = [one for one in same_camera if one.site == card.site]
        found = [
            *_image_alarms(card, at_site or same_camera, limits),
            *_model_alarms(card, at_site, limits),
        ]
        alarms += [
            DriftAlarm(kind=kind, site=card.site, date=card.date, name=card.name, sentence=text)
            for kind, text in found
        ]
    return alarms


def _image_alarms(
    card: FlightCard, before: Sequence[FlightCard], limits: DriftLimits
) -> list[tuple[str, str]]:
    now = card.quality
    if now is None:
        return []
    found: list[tuple[str, str]] = []
    known = [one.quality.sharpness for one in before if one.quality is not None]
    known = [one for one in known if not math.isnan(one)]
    usual = float(np.median(known)) if known else math.nan
    if now.sharpness < limits.sharpness * usual:
        found.append(
            ('blurred', f'Its sharpness is {now.sharpness:.2f}, that of {len(known)} flights '
             f'before {usual:.2f}: clean the lens, check focus and shutter time.')
        )  # fmt: skip
    elif not known and not math.isnan(now.sharpness) and blur_px(now.sharpness) > limits.blur:
        found.append(
            ('blurred', f'Its images are blurred by about {blur_px(now.sharpness):.1f} pixels: '
             'check focus and shutter time.')
        )  # fmt: skip
    series = [(f, one.sharpness) for f, one in card.measured if not math.isnan(one.sharpness)]
    third = len(series) // 3
    if len(series) >= _LEAST_MEASURED:
        first = float(np.median([value for _, value in series[:third]]))
        last = float(np.median([value for _, value in series[-third:]]))
        if last < limits.sharpness * first:
            found.append(
                ('blurred in flight', f'Its sharpness falls from {first:.2f} to {last:.2f}, by '
                 f'frame {series[-third][0]}: rain, dust or a lost focus.')
            )  # fmt: skip
    low, high = limits.brightness
    if not low <= now.brightness <= high:
        found.append(
            ('exposure', f'Its images have a mean grey value of {now.brightness:.0f}, expected '
             f'{low:.0f} to {high:.0f}.')
        )  # fmt: skip
    if now.clipped > limits.clipped:
        found.append(('exposure', f'{100 * now.clipped:.0f} % of its pixels are black or white.'))
    if now.contrast < limits.contrast:
        found.append(
            ('contrast', f'Its grey values have a standard deviation of {now.contrast:.1f}, '
             f'expected {limits.contrast:.0f} or more: fog, or a dirty lens.')
        )  # fmt: skip
    return found


def _model_alarms(
    card: FlightCard, before: Sequence[FlightCard], limits: DriftLimits
) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    loud = card.frames - card.silent_frames
    expected = card.detections / max(loud, 1) * card.silent_frames
    if card.silent_from is not None and math.exp(-expected) < limits.probability:
        found.append(
            ('silent in flight', f'Nothing is detected from frame {card.silent_from} on, in '
             f'{card.silent_frames} frames where about {expected:.0f} detections were expected.')
        )  # fmt: skip
    frames = sum(one.frames for one in before)
    if not frames:
        return found
    rate = sum(one.detections for one in before) / frames
    whole = _rate_alarm('it', card.detections, rate * card.frames, limits)
    if whole is not None:
        return [*found, whole]
    for name in sorted({name for one in before for name in one.classes} | card.classes.keys()):
        listed = sum(one.classes[name].detections for one in before if name in one.classes)
        count = card.classes[name].detections if name in card.classes else 0
        of_class = _rate_alarm(name, count, listed / frames * card.frames, limits)
        found += [of_class] if of_class is not None else []
    then = [(one.mean_confidence, one.detections) for one in before]
    sure = [(value, count) for value, count in then if value is not None]
    number = sum(count for _, count in sure)
    if card.mean_confidence is not None and min(number, card.detections) >= _LEAST_CONFIDENCES:
        usual = sum(value * count for value, count in sure) / number
        if card.mean_confidence < usual - limits.confidence:
            found.append(
                ('confidence', f'Its mean confidence is {card.mean_confidence:.2f}, before it was '
                 f'{usual:.2f}.')
            )  # fmt: skip
    return found


def _rate_alarm(
    what: str, count: int, expected: float, limits: DriftLimits
) -> tuple[str, str] | None:
    """Return an alarm where a count is far below or above what flights before let expect."""
    who = 'The model finds' if what == 'it' else f'Of {what} the model finds'
    text = f'{who} {count} detections, where flights before let expect about {expected:.0f}.'
    if count < limits.silence * expected and poisson.cdf(count, expected) < limits.probability:
        return ('silent' if what == 'it' else 'class rate', text)
    sure = poisson.sf(count - 1, max(expected, 1.0)) < limits.probability
    if count > limits.flood * max(expected, 1.0) and sure:
        return ('flood' if what == 'it' else 'class rate', text)
    return None
