# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The page `docs/reference/formats.md`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from generation.image_samples import IMAGE_GROUPS
from generation.video_samples import VIDEO_GROUPS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from generation.format_sample import Sample

_HEAD = """# Formats that are read

What becomes of each kind of file that cameras write. Each row is a file that a test makes, reads
and compares with the truth, pixel by pixel; `make generate` writes the page from the same table
(`generation/*_samples.py`). A file reads right or is refused with the reason; what is read in part
is reported, in the run's notes (`run.json`) and on the screen.

- Files are recognised by their content, whatever their names say.
- Photos are turned as their EXIF says. Images of bags are not: their camera info describes the
  pixels as they are stored.
- More than 8 bits a value are brought to 8 by the range that the file declares or its format
  implies. Grey values that fill less than a quarter of that range, as those of thermal and
  multispectral sensors, are stretched to what they fill, and floating-point values without a range
  too: both are reported.
- Videos are turned by their display matrix, their pixels made square and their colours converted
  by the matrix (BT.601, 709, 2020) and range that they state; where they state none, by BT.601 in
  limited range, as FFmpeg does. Frames have their times of presentation, whatever the rate. High
  dynamic range is not tone-mapped.
- A transport stream states neither length nor number of frames: that its end is missing shows only
  where it was cut within a packet.
- ICC profiles are not applied and transparency is ignored, as in the images that networks are
  trained on.
- Images of more than 250 million pixels are refused.
"""
_TABLE = '| file | what happens |\n| --- | --- |'


def format_reference() -> str:
    """Return the page: a table for each group of formats."""
    groups: dict[str, Iterable[Sample]] = {**IMAGE_GROUPS, **VIDEO_GROUPS}
    lines = [_HEAD]
    for title, samples in groups.items():
        lines += [f'## {title}\n', _TABLE, *(sample.row() for sample in samples), '']
    return '\n'.join(lines).rstrip('\n') + '\n'
