# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""`python -m training.<command>`: the same as `roof_detector <command>`."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from roof_detector.cli.exit_code import exit_code_of
from roof_detector.inference.missing_extra import not_installed

if TYPE_CHECKING:
    from collections.abc import Callable


def run_alias(
    name: str, add_options: Callable[[argparse.ArgumentParser], None], argv: list[str] | None
) -> int:
    """Read the options of a command, run it, and return its exit code."""
    parser = argparse.ArgumentParser(prog=f'python -m training.{name}')
    try:
        add_options(parser)
    except ModuleNotFoundError as error:
        sys.exit(not_installed(error))
    return exit_code_of(parser.parse_args(argv))
