# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The commented reference of all options: configs/reference.yaml."""

from __future__ import annotations

import textwrap
from dataclasses import MISSING, fields
from pathlib import Path

import yaml

from training.config_option import expected
from training.train_config import TrainConfig

REFERENCE = Path(__file__).parent / 'configs' / 'reference.yaml'
_EXAMPLES = {'model': 'yolo11n-ContextGuided.yaml', 'data': 'runs/simulated/data.yaml'}
_HEAD = """\
# Every option of `roof_detector train`: its default, its range and the reason.
# Write into a configuration of your own only what differs; model and data must be given.
# This file is written by `roof_detector train --reference`.
"""


def reference() -> str:
    """Return the text of the reference."""
    parts = [_HEAD]
    for one in fields(TrainConfig):
        required = one.default is MISSING
        value = _EXAMPLES[one.name] if required else one.default
        comment = textwrap.fill(
            one.metadata['reason'], 97, initial_indent='# ', subsequent_indent='# '
        )
        range_of = f'# Required: {expected(one)}.' if required else f'# {expected(one)}.'
        line = yaml.safe_dump({one.name: value}, default_flow_style=False).strip()
        parts.append(f'\n{comment}\n{range_of}\n{line}\n')
    return ''.join(parts)
