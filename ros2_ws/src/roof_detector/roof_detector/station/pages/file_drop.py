# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The area that files are dropped on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nicegui import ui

if TYPE_CHECKING:
    from roof_detector.station.context import StationContext


def build(context: StationContext, *, target: str, label: str, hint: str) -> ui.element:
    """Build a drop area that uploads files to an address; target `jobs` makes jobs of them."""
    text, limit_bytes = context.text, context.upload_limit_bytes
    drop = ui.element('file-drop')
    drop.props['target'] = target
    drop.props['label'] = text(label)
    drop.props['hint'] = text(hint)
    drop.props['lost'] = text('connection_lost')
    drop.props['limit'] = limit_bytes
    drop.props['too-large'] = text('too_large', name='%', limit_mb=limit_bytes // 1_000_000)
    return drop
