# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What a package states of its INT8 model: the loss, and the images on which it was measured."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

ImageOrigin = Literal['photographs', 'simulation']
ORIGINS: tuple[ImageOrigin, ...] = get_args(ImageOrigin)
# In mAP50: half a point of a hundred, on photographs, for what is simulated proves nothing here.
MOST_LOST = 0.005
LEAST_IMAGES = 100
_MOST_COUNT = 10**9


@dataclass(frozen=True, kw_only=True)
class Int8Facts:
    """The measured loss of a package's INT8 model.

    `map50` is that of the FP32 and of the INT8 model, 0..1, on `images` labelled ones with
    `objects` objects of one origin, `measured_on`.
    """

    map50: tuple[float, float]
    images: int
    objects: int
    measured_on: ImageOrigin

    @property
    def lost(self) -> float:
        """Return by how much mAP50 falls; negative where it rises."""
        return self.map50[0] - self.map50[1]

    @property
    def sentence(self) -> str:
        """Return the loss in words."""
        return (
            f'loses {self.lost * 100:.1f} points of mAP50 ({self.map50[0]:.3f} to '
            f'{self.map50[1]:.3f}) on {self.images} images of {self.measured_on}'
        )

    @property
    def refusal(self) -> str:
        """Return why the model does not run in place of the FP32 one; empty if it may."""
        if self.measured_on != 'photographs':
            return f'it was not measured on photographs: it {self.sentence}'
        if self.images < LEAST_IMAGES:
            return f'it was measured on too few images (at least {LEAST_IMAGES}): {self.sentence}'
        if not self.lost < MOST_LOST:
            return f'it {self.sentence}, less than {MOST_LOST * 100:g} are allowed'
        return ''

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {**asdict(self), 'map50': list(self.map50)}


def read_int8_facts(value: Any) -> Int8Facts:
    """Read the facts of a manifest; raise ValueError with what is wrong."""
    known = set(Int8Facts.__dataclass_fields__)
    if not isinstance(value, dict) or set(value) != known:
        msg = f'has no object of {", ".join(sorted(known))} as int8'
        raise ValueError(msg)
    pair = value['map50']
    if not isinstance(pair, list | tuple) or len(pair) != 2 or not all(map(_is_share, pair)):
        msg = 'has no two numbers from 0 to 1 as map50 of int8'
        raise ValueError(msg)
    counts = value['images'], value['objects']
    if not all(type(one) is int and 0 < one <= _MOST_COUNT for one in counts):
        msg = 'has no whole numbers above 0 as images and objects of int8'
        raise ValueError(msg)
    if value['measured_on'] not in ORIGINS:
        msg = f'has no measured_on of {" or ".join(ORIGINS)} in int8'
        raise ValueError(msg)
    return Int8Facts(
        map50=(float(pair[0]), float(pair[1])),
        images=counts[0],
        objects=counts[1],
        measured_on=value['measured_on'],
    )


def _is_share(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1
