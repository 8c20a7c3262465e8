# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The loss of an INT8 model, and whether it is too high."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from training.evaluation import Evaluation

_ROW = '{:<10} {:>7} {:>9} {:>12}'


@dataclass(frozen=True, kw_only=True)
class Loss:
    """Mean average precision before and after, and the duration of a forward pass.

    `map50` and `map50_95` are pairs: of the export in f32 and of the INT8 one, on
    `images` labelled ones with `instances` objects.
    """

    images: int
    instances: int
    map50: tuple[float, float]
    map50_95: tuple[float, float]
    forward_ms: tuple[float, float]

    @classmethod
    def between(cls, whole: Evaluation, small: Evaluation) -> Loss:
        """Compare two evaluations of the same data."""

        def pair(one: float | None, other: float | None) -> tuple[float, float]:
            return round(one or 0.0, 4), round(other or 0.0, 4)

        return cls(
            images=len(whole.images),
            instances=whole.instances,
            map50=pair(whole.map50, small.map50),
            map50_95=pair(whole.map50_95, small.map50_95),
            forward_ms=pair(whole.speed.forward_ms, small.speed.forward_ms),
        )

    @property
    def lost(self) -> float:
        """Return by how much mAP50 fell; negative where it rose."""
        return self.map50[0] - self.map50[1]

    def table(self) -> str:
        """Return a table for a terminal."""
        rows = [_ROW.format('', 'mAP50', 'mAP50-95', 'forward pass')]
        for place, name in enumerate(('f32', 'int8')):
            values = self.map50[place], self.map50_95[place], self.forward_ms[place]
            rows.append(
                _ROW.format(name, f'{values[0]:.3f}', f'{values[1]:.3f}', f'{values[2]:.1f} ms')
            )
        return '\n'.join(rows)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as YAML takes it."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in asdict(self).items()
        }
