# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""From a node's parameters to a warm model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from roof_detector.inference.batching import time_batch
from roof_detector.inference.detector import Detector
from roof_detector.inference.shipped_weights import resolve_model


def open_model(
    values: dict[str, Any], *, cameras: int, inform: Callable[[str], None]
) -> tuple[Detector, int]:
    """Open and warm up the model; return it and how many pictures it is to take at once.

    Belongs into the thread that will own the model. Raises InferenceError.
    """
    detector = Detector.open(
        resolve_model(values['model']),
        device=values['device'],
        backend=values['backend'],
        image_size=values['image_size'] or None,
        trust_model=values['trust_model'],
        threads=values['threads'] or None,
    )
    detector.warm_up()
    wish = values['batch']
    if cameras == 1 or wish == 'never':
        return detector, 1
    timing = time_batch(detector, cameras)
    together = wish == 'always' or timing.pays
    inform(
        f'{cameras} pictures take {timing.batch_s * 1e3:.0f} ms in one batch, one takes '
        f'{timing.single_s * 1e3:.0f} ms: frames that wait together run '
        f'{"together" if together else "one after another"} (batch is {wish}).'
    )
    return detector, cameras if together else 1
