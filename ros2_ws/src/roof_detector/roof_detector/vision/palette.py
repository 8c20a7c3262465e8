# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""One colour per class name, the same in every image."""

from __future__ import annotations

import zlib

Colour = tuple[int, int, int]

# Okabe and Ito's colours, distinguishable by colour-blind people too, as blue, green, red; without
# black and grey, which vanish on roofs. https://jfly.uni-koeln.de/color/
_OKABE_ITO: tuple[Colour, ...] = (
    (0, 159, 230),  # orange
    (233, 180, 86),  # sky blue
    (66, 228, 240),  # yellow
    (115, 158, 0),  # bluish green
    (167, 121, 204),  # reddish purple
    (0, 94, 213),  # vermilion
    (178, 114, 0),  # blue
)


def class_colours(names: tuple[str, ...]) -> tuple[Colour, ...]:
    """Return a colour as blue, green, red for each name.

    A name gets the colour that its letters choose, or the next free one, so that it keeps its
    colour in other models with mostly the same classes.
    """
    taken: dict[str, int] = {}
    free: set[int] = set(range(len(_OKABE_ITO)))
    for name in sorted(names):
        wanted = zlib.crc32(name.encode()) % len(_OKABE_ITO)
        choices = [(wanted + i) % len(_OKABE_ITO) for i in range(len(_OKABE_ITO))]
        taken[name] = next((i for i in choices if i in free), wanted)
        free.discard(taken[name])
    return tuple(_OKABE_ITO[taken[name]] for name in names)
