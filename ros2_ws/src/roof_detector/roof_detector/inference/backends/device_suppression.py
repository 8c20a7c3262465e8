# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Greedy suppression of overlapping boxes without a loop over boxes."""

from __future__ import annotations

import torch


def keep_best(boxes_xyxy: torch.Tensor, class_ids: torch.Tensor, *, iou: float) -> torch.Tensor:
    """Tell which boxes (n, 4), sorted by falling score, greedy suppression keeps: (n,) bool.

    A box is kept when no kept one before it, of its class, overlaps it by more than `iou`. That
    rule has one solution, and repeating it on all boxes at once reaches it: after k rounds, all
    boxes are settled that end a chain of at most k overlaps. Chains are short, where a loop over
    boxes would wait for the device once a box.
    """
    overlap = _overlap(boxes_xyxy, iou=iou) & (class_ids[:, None] == class_ids)
    overlap = overlap.triu(diagonal=1)  # [i, j]: i comes before j
    kept = torch.ones(len(boxes_xyxy), dtype=torch.bool, device=boxes_xyxy.device)
    while True:
        settled = ~(overlap & kept[:, None]).any(dim=0)
        if torch.equal(settled, kept):
            return kept
        kept = settled


def _overlap(boxes_xyxy: torch.Tensor, *, iou: float) -> torch.Tensor:
    """Tell which pairs overlap by more than `iou`: (n, n) bool."""
    left_top = torch.maximum(boxes_xyxy[:, None, :2], boxes_xyxy[:, :2])
    right_bottom = torch.minimum(boxes_xyxy[:, None, 2:], boxes_xyxy[:, 2:])
    shared = (right_bottom - left_top).clamp_(min=0).prod(dim=-1)
    areas = (boxes_xyxy[:, 2:] - boxes_xyxy[:, :2]).prod(dim=-1)
    return shared > iou * (areas[:, None] + areas - shared)
