# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The necks: how the maps of the backbone exchange what they hold.

Each writes its rows and returns the names of the head's inputs, the finest first. `t` are the
stages on the way from the top, `d` those on the way back down.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from training.compose.parts import BIFPN_CHANNELS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from training.compose.rows import Rows


def pan(rows: Rows) -> list[str]:
    """Write YOLO11's own neck: up and down, neighbours joined (PANet, arXiv:1803.01534)."""
    levels = rows.description.levels
    above = 'top'
    for level in range(4, levels[0] - 1, -1):
        rows.upsampling(above)
        rows.concatenation('', f'b{level}')
        rows.stage(f't{level}')
        above = f't{level}'
    return _way_down(rows, above)


def bifpn(rows: Rows) -> list[str]:
    """Write one layer of BiFPN (EfficientDet, arXiv:1911.09070, section 3.3 and figure 2d).

    Maps of equal channels are added with learned weights, and levels between the ends are added
    again on the way down.
    """
    levels = rows.description.levels
    for level in levels:
        source = rows.named['top' if level == 5 else f'b{level}']
        rows.row(f'in{level}', source, 1, 'Conv', [BIFPN_CHANNELS, 1, 1])
    above = 'in5'
    for level in range(4, levels[0] - 1, -1):
        rows.upsampling(above, f'up{level}')
        rows.weighted_sum(f'in{level}', f'up{level}')
        rows.stage(f't{level}')
        above = f't{level}'
    inputs = [above]
    for level in levels[1:]:
        rows.downsampling(inputs[-1], f'down{level}')
        between = [f't{level}'] if level < 5 else []
        rows.weighted_sum(f'in{level}', *between, f'down{level}')
        rows.stage(f'd{level}')
        inputs.append(f'd{level}')
    return inputs


def gfpn(rows: Rows) -> list[str]:
    """Write an efficient GFPN (DAMO-YOLO, arXiv:2211.15444, section 2.2), a queen fusion.

    On the way from the top a level sees the finer map of the backbone too, and on the way back the
    finer one of the first way; upsampling stands in the first way alone.
    """
    levels = rows.description.levels
    for level in reversed(levels):
        names = ['top' if level == 5 else f'b{level}']
        if level < 5:
            rows.upsampling(f't{level + 1}', f'up{level}')
            names.append(f'up{level}')
        if level > levels[0]:
            channels = rows.description.channels_of(f't{level}') // 2
            rows.downsampling(f'b{level - 1}', f'finer{level}', channels=channels)
            names.append(f'finer{level}')
        rows.concatenation(*names)
        rows.stage(f't{level}')
    inputs = [f't{levels[0]}']
    for level in levels[1:]:
        rows.downsampling(inputs[-1], f'down{level}')
        names = [f't{level}', f'down{level}']
        if f't{level - 1}' != inputs[-1]:
            rows.downsampling(f't{level - 1}', f'queen{level}')
            names.append(f'queen{level}')
        rows.concatenation(*names)
        rows.stage(f'd{level}')
        inputs.append(f'd{level}')
    return inputs


def asf(rows: Rows) -> list[str]:
    """Write a neck as ASF-YOLO has it (arXiv:2312.06458, sections 3.2 and 3.3).

    Levels between the ends join three maps (MixedPool brings the finer one down), and the finest
    input of the head gets what the same filters find in the maps of all levels (ScaleSequence),
    by a weighted sum in place of the paper's attention, which is a part of its own here.
    """
    levels = rows.description.levels
    above = 'top'
    for level in range(4, levels[0] - 1, -1):
        names = [f'up{level}', f'b{level}']
        rows.upsampling(above, f'up{level}')
        if level > levels[0]:
            channels = rows.description.channels_of(f't{level}') // 2
            source = rows.named[f'b{level - 1}']
            rows.row(f'finer{level}', source, 1, 'MixedPool', [channels, 1, 2])
            names.append(f'finer{level}')
        rows.concatenation(*names)
        rows.stage(f't{level}')
        above = f't{level}'
    channels = rows.description.channels_of(above)
    sequence = []
    for place, name in enumerate([above, f't{levels[0] + 1}', f't{levels[0] + 2}']):
        source = rows.named.get(name, rows.named['top'])
        rows.row(f'sequence{place}', source, 1, 'Conv', [channels, 1, 1])
        if place:
            rows.row(f'sequence{place}', -1, 1, 'nn.Upsample', ['None', 2**place, 'nearest'])
        sequence.append(f'sequence{place}')
    rows.concatenation(*sequence)
    rows.row('scales', -1, 1, 'ScaleSequence', [channels, 1, 1, {'scales': len(sequence)}])
    inputs = _way_down(rows, above)
    rows.weighted_sum(above, 'scales', name=above)
    return inputs


NECK_ROWS: Final[Mapping[str, Callable[[Rows], list[str]]]] = MappingProxyType(
    {'pan': pan, 'bifpn': bifpn, 'gfpn': gfpn, 'asf': asf}
)


def _way_down(rows: Rows, finest: str) -> list[str]:
    """Write PANet's way back down, and return the head's inputs."""
    inputs = [finest]
    for level in rows.description.levels[1:]:
        rows.downsampling(inputs[-1])
        rows.concatenation('', 'top' if level == 5 else f't{level}')
        rows.stage(f'd{level}')
        inputs.append(f'd{level}')
    return inputs
