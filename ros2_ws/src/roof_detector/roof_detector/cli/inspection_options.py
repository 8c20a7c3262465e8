# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The options of commands that read inspections."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse


def add_inspections(parser: argparse.ArgumentParser) -> None:
    """Add the inspections themselves, one or more."""
    parser.add_argument(
        'inspections',
        nargs='+',
        type=Path,
        metavar='INSPECTION',
        help='folder or inspection.gpkg of an inspection, or a folder with inspections in it',
    )


def add_images_option(parser: argparse.ArgumentParser) -> None:
    """Add `--images`, which leads to recordings that are elsewhere now."""
    parser.add_argument(
        '--images', type=Path, metavar='PATH', help='where the recordings are, if they were moved'
    )
