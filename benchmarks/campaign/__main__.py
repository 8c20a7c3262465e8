# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Run all campaigns: `python -m benchmarks.campaign [--short] [NAME ...]`."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path
from time import monotonic

from benchmarks.campaign.promises import PAGE, page

HERE = Path(__file__).resolve().parent
# How a module of this folder ends that is a campaign; its docstring in result.py indents it too.
_RUNS_ONE = "if __name__ == '__main__':\n    sys.exit(run_campaign("


def campaigns() -> tuple[str, ...]:
    """Return the names of all campaigns, which are modules of this folder."""
    return tuple(sorted(one.stem for one in HERE.glob('*.py') if _RUNS_ONE in one.read_text()))


def main() -> int:
    """Run the given campaigns, or all; return 0 if every promise held."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('names', nargs='*', metavar='NAME', choices=[*campaigns(), []])
    parser.add_argument('--short', action='store_true', help='some seconds each')
    parser.add_argument('--seed', type=int, default=0)
    options = parser.parse_args()
    began_s, failed = monotonic(), []
    choice = ['--seed', str(options.seed), *(['--short'] if options.short else [])]
    for name in options.names or campaigns():
        command = [sys.executable, '-m', f'benchmarks.campaign.{name}', *choice]
        if subprocess.run(command, check=False).returncode:
            failed.append(name)
    if not options.short:
        PAGE.write_text(page())
    print(f'All campaigns: {monotonic() - began_s:.0f} s, failed: {", ".join(failed) or "none"}')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
