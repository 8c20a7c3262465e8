# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The option of commands that may have to import a checkpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse


def add_trust_option(parser: argparse.ArgumentParser) -> None:
    """Add `--trust-model`."""
    parser.add_argument(
        '--trust-model',
        action='store_true',
        help='import a checkpoint even where the kernel can confine no process: it can then run '
        'any code',
    )
