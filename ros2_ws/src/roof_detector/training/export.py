# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""`python -m training.export`: the same as `roof_detector models export`."""

from __future__ import annotations

import sys

from roof_detector.cli.models_export import add_options
from training.alias import run_alias


def main(argv: list[str] | None = None) -> int:
    """Export as the command line says; return the exit code."""
    return run_alias('export', add_options, argv)


if __name__ == '__main__':
    sys.exit(main())
