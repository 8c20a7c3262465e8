# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Boxes in float32 of a network that computes with less."""

from __future__ import annotations

from typing import Any

import torch

_SAID = ('boxes', 'scores', 'mask_coefficient')


def decode_in_f32(model: Any) -> None:
    """Let the head of an ultralytics model place its boxes in float32, whatever comes before.

    With the dtype of the network they would fall on a grid: of half a pixel at 640 pixels in
    f16, of four in bf16. Call it after the model has been given its dtype.
    """
    head = model.model[-1]
    decode = head._inference
    head.dfl.float()

    def in_f32(said: dict[str, Any]) -> Any:
        # Of these, shape and dtype alone are read: the anchors are counted off by them.
        grids = [
            torch.empty((), dtype=torch.float32, device=one.device).expand(one.shape)
            for one in said['feats']
        ]
        exact = {name: said[name].float() for name in _SAID if name in said}
        return decode({**said, **exact, 'feats': grids})

    head._inference = in_f32
