# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
# ruff: noqa: T201
"""The check command: it reports every fault of a set; exit code 1 with faults, 0 without."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from training.dataset.content_hash import dataset_hash
from training.dataset.inspection import check

if TYPE_CHECKING:
    import argparse


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """Add this subcommand."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        'check', help='report every fault, with file and line', description=__doc__
    )
    parser.add_argument('--json', action='store_true', help='print the report as JSON')
    parser.add_argument('--hash', action='store_true', help="add the hash of the set's content")
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Check and print."""
    report = check(arguments.path, names=arguments.names)
    digest = None
    if arguments.hash and report.kind != 'unknown':
        digest = dataset_hash(arguments.path, names=arguments.names)
    if arguments.json:
        content = report.as_dict()
        if digest is not None:
            content['hash'] = digest
        print(json.dumps(content, indent=2, ensure_ascii=False))
    else:
        print(report)
        if digest is not None:
            print(f'hash {digest}')
    return 1 if report.faults else 0
