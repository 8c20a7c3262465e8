# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""`roof_detector bench`: what parts cost on this machine."""

from __future__ import annotations

import argparse

from roof_detector.cli import bench_detect, bench_graph, bench_report, bench_scan, bench_soak


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and one subcommand for each part."""
    parser = subparsers.add_parser('bench', help='measure what parts cost on this machine')
    parts = parser.add_subparsers(dest='part', metavar='PART', required=True)
    for part in (bench_detect, bench_graph, bench_soak, bench_report, bench_scan):
        part.add_parser(parts)
