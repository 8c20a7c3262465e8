# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The options of commands that read inspections, and those that limit what they find."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping
    from typing import Literal


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


def file_or_none(text: str) -> Path | Literal['none']:
    """Return the file that a person names, or the word none."""
    return 'none' if text == 'none' else Path(text)


def add_limits(
    parser: argparse._ActionsContainer,
    limits: Mapping[str, tuple[float, str]],
    *,
    prefix: str = '',
    metavar: str = 'X',
) -> None:
    """Add an option for each limit by its name, with its default and its meaning."""
    for name, (default, meaning) in limits.items():
        parser.add_argument(
            f'--{prefix}{name.replace("_", "-")}',
            type=float,
            default=default,
            metavar=metavar,
            help=f'{meaning}; %(default)s by default',
        )
