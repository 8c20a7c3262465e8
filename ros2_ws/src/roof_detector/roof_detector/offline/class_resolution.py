# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Counts the images that show the ground too coarsely for a class to be found."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from roof_detector.offline.manifest import NETWORK, PARAMETERS, manifest_table
from roof_detector.offline.settings import NetworkFacts
from roof_detector.vision.letterbox import Letterbox
from roof_detector.vision.tiles import Tiling

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def reduction_of(size_wh: tuple[int, int], network: NetworkFacts, tiling: Tiling | None) -> float:
    """Return how many pixels of an image one of the network's input stands for, at best."""
    seen_wh = size_wh
    if tiling is not None:
        grid = tiling.grid(size_wh, input_wh=network.image_size)
        seen_wh = grid.tile_wh if len(grid) else size_wh
    shown_wh = Letterbox.fit(
        seen_wh,
        image_size=network.image_size,
        stride=network.stride,
        fixed=network.fixed_size,
    ).resized_wh
    return max(seen / shown for seen, shown in zip(seen_wh, shown_wh, strict=True))


@dataclass(kw_only=True)
class ClassResolution:
    """How many images show a class coarser than the model was ever seen to find it.

    `coarsest_m` has the limit of each class that the model's package states one of, in metres on
    the ground for a pixel of the network's input. Images whose scale is not known are not judged.
    """

    coarsest_m: Mapping[str, float]
    images: int = 0
    _too_coarse: dict[str, int] = field(default_factory=dict)
    _finest_m: dict[str, float] = field(default_factory=dict)

    def count(self, shown_m: float | None) -> None:
        """Count an image that shows so many metres per pixel of the network's input."""
        self.images += 1
        if shown_m is None:
            return
        for name, limit_m in self.coarsest_m.items():
            if shown_m > limit_m:
                self._too_coarse[name] = self._too_coarse.get(name, 0) + 1
                self._finest_m[name] = min(self._finest_m.get(name, shown_m), shown_m)

    def notes(self, unit: str = 'images') -> list[str]:
        """Return a sentence for each class that could not be judged somewhere."""
        return [
            f'{name} cannot be judged at this resolution in {count} of {self.images} {unit}: they '
            f'show the model {self._finest_m[name]:.2g} m per pixel or coarser, and it is known '
            f'to find {name} up to {self.coarsest_m[name]:.2g}. That nothing was found there does '
            'not say that there is nothing. Fly lower, or add --tiles.'
            for name, count in self._too_coarse.items()
        ]

    def nowhere(self) -> tuple[str, ...]:
        """Return the classes that no image shows finely enough."""
        return tuple(name for name, count in self._too_coarse.items() if count == self.images)


class FrameResolution:
    """The class resolution of a result bag's frames, from its manifest."""

    def __init__(self, manifest: Mapping[str, str]) -> None:
        self._network = NetworkFacts.read(manifest[NETWORK]) if NETWORK in manifest else None
        self._tiling = _tiling_of(manifest)
        limits = {} if self._network is None else self._network.coarsest_m
        self.counts = ClassResolution(coarsest_m=limits)

    def count(self, size_wh: tuple[int, int], metres_per_pixel: float | None) -> None:
        """Count a frame whose image shows so many metres per pixel at its centre."""
        if self._network is None or not self.counts.coarsest_m:
            return
        shown_m = None
        if metres_per_pixel is not None:
            shown_m = metres_per_pixel * reduction_of(size_wh, self._network, self._tiling)
        self.counts.count(shown_m)


def unproven_note(manifests: Iterable[Mapping[str, str]], found: Iterable[str]) -> list[str]:
    """Return a sentence on findings of classes that no photograph has proven the model on."""
    networks = [NetworkFacts.read(one[NETWORK]) for one in manifests if NETWORK in one]
    unproven = {name for one in networks for name in one.unproven}
    named = [name for name in dict.fromkeys(found) if name in unproven]
    if not named:
        return []
    return [
        f'Not proven on photographs: {", ".join(named)}. The model package states no figure of '
        'them on photographs, so look at each of these findings yourself.'
    ]


def _tiling_of(manifest: Mapping[str, str]) -> Tiling | None:
    """Return the tiling that results were made with, None without tiles."""
    values = manifest_table(manifest, PARAMETERS)
    if 'tile_size' not in values:
        return None
    return Tiling(
        size=int(values['tile_size']),
        overlap=float(values.get('tile_overlap', Tiling().overlap)),
        only_reduced=bool(values.get('auto_tiles', False)),
    )
