# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
# ruff: noqa: T201
"""The command `python -m training.compose`: show and prove variants of YOLO11."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import yaml

from training.compose.check import Proof, prove
from training.compose.description import Description
from training.compose.errors import ComposeError
from training.compose.rows import model_rows
from training.compose.variants import STOCK, all_variants, spread_sample


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of both subcommands."""
    parser = argparse.ArgumentParser(prog='python -m training.compose', description=__doc__)
    commands = parser.add_subparsers(dest='command', required=True)
    check = commands.add_parser(
        'check', help='build, run, fuse, export and compare variants on the CPU'
    )
    check.add_argument('descriptions', nargs='*', type=Path, help='YAML files; else all variants')
    check.add_argument('--sample', type=int, default=0, metavar='N', help='so many, evenly chosen')
    write = commands.add_parser('write', help="write ultralytics' model file of a description")
    write.add_argument('description', type=Path, help='a YAML file')
    write.add_argument('output', type=Path, help='the new model file, such as yolo11-mine.yaml')
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run one subcommand; return 1 if a variant fails, 2 for a wrong description."""
    parsed = make_parser().parse_args(arguments)
    try:
        return _write(parsed) if parsed.command == 'write' else _check(parsed)
    except ComposeError as error:
        print(error, file=sys.stderr)
        return 2


def _check(parsed: argparse.Namespace) -> int:
    given = [Description.read(path) for path in parsed.descriptions]
    variants = given or (spread_sample(parsed.sample) if parsed.sample else all_variants())
    failed = 0
    for one in variants:
        proof = prove(one)
        failed += bool(proof.problem)
        print(_line(proof), flush=True)
    print(f'{len(variants) - failed} of {len(variants)} variants pass.')
    return 1 if failed else 0


def _line(proof: Proof) -> str:
    return (
        f'{"FAILS" if proof.problem else "ok":5} {proof.parameters / 1e6:6.2f} M  '
        f'{proof.took_s:5.1f} s  {title(proof.description)}  {proof.problem}'.rstrip()
    )


def title(description: Description) -> str:
    """Return what differs from the stock network, in one line."""
    stock = {**STOCK, 'stages': {}, 'scale': 'n'}
    different = {
        key: ' '.join(value) if isinstance(value, dict) else value
        for key, value in description.as_dict().items()
        if value != stock[key]
    }
    return ', '.join(f'{key} {value}' for key, value in different.items()) or 'stock'


def _write(parsed: argparse.Namespace) -> int:
    rows = model_rows(Description.read(parsed.description))
    if parsed.output.exists():
        msg = f'{parsed.output} exists already, not overwriting.'
        raise ComposeError(msg)
    text = yaml.safe_dump(rows, sort_keys=False, default_flow_style=None, width=200)
    note = f'# Written from {parsed.description.name} by python -m training.compose.\n'
    parsed.output.write_text(note + text, encoding='utf-8')
    return 0


if __name__ == '__main__':
    sys.exit(main())
