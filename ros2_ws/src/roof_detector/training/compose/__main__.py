# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
# ruff: noqa: T201
"""The command `python -m training.compose`: prove, write and find variants of YOLO11."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import yaml

from training.compose import search_run
from training.compose.campaign import ProofFile, left_to_do
from training.compose.check import Proof, prove
from training.compose.description import Description
from training.compose.errors import ComposeError
from training.compose.model_file import model_rows
from training.compose.pass_time import StockPass
from training.compose.variants import all_variants, spread_sample


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of all subcommands."""
    parser = argparse.ArgumentParser(prog='python -m training.compose', description=__doc__)
    commands = parser.add_subparsers(dest='command', required=True)
    check = commands.add_parser(
        'check', help='build, run, fuse, export and compare variants on the CPU'
    )
    check.add_argument('descriptions', nargs='*', type=Path, help='YAML files; else all variants')
    check.add_argument('--sample', type=int, default=0, metavar='N', help='so many, evenly chosen')
    check.add_argument(
        '--output',
        type=Path,
        metavar='FILE',
        help='a file of JSON lines for the proofs, with times beside the stock network; a run '
        'that was stopped goes on with what it lacks',
    )
    check.add_argument(
        '--side', type=int, default=64, metavar='PX', help='of the exported images; %(default)s'
    )
    check.add_argument(
        '--at-most', type=int, default=0, metavar='N', help='end after so many variants'
    )
    check.add_argument(
        '--part', default='1/1', metavar='I/N', help='every Nth variant, from the Ith on'
    )
    search = commands.add_parser('search', help='propose variants that keep to a time')
    search_run.add_options(search)
    write = commands.add_parser('write', help="write ultralytics' model file of a description")
    write.add_argument('description', type=Path, help='a YAML file')
    write.add_argument('output', type=Path, help='the new model file, such as yolo11-mine.yaml')
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run one subcommand; return 1 if a variant fails, 2 for a wrong description."""
    parsed = make_parser().parse_args(arguments)
    try:
        run = {'write': _write, 'check': _check, 'search': search_run.run}[parsed.command]
        return run(parsed)
    except ComposeError as error:
        print(error, file=sys.stderr)
        return 2


def _check(parsed: argparse.Namespace) -> int:
    given = [Description.read(path) for path in parsed.descriptions]
    variants = given or (spread_sample(parsed.sample) if parsed.sample else all_variants())
    place, count = _part(parsed.part)
    variants = variants[place - 1 :: count]
    file = ProofFile(parsed.output, side=parsed.side) if parsed.output else None
    if file is not None:
        variants = left_to_do(variants, file)
    if parsed.at_most:
        variants = variants[: parsed.at_most]
    stock = StockPass(side=parsed.side) if file is not None and variants else None
    failed = 0
    for one in variants:
        proof = prove(one, side=parsed.side, stock=stock)
        failed += bool(proof.problem)
        if file is not None:
            file.append(proof)
        print(_line(proof), flush=True)
    print(f'{len(variants) - failed} of {len(variants)} variants pass.')
    return 1 if failed else 0


def _part(text: str) -> tuple[int, int]:
    place, _, count = text.partition('/')
    if place.isdecimal() and count.isdecimal() and 0 < int(place) <= int(count):
        return int(place), int(count)
    msg = f'--part is {text!r}, expected such as 1/2 or 2/2.'
    raise ComposeError(msg)


def _line(proof: Proof) -> str:
    return (
        f'{"FAILS" if proof.problem else "ok":5} {proof.parameters / 1e6:6.2f} M  '
        f'{proof.took_s:5.1f} s  {proof.description.title}  {proof.problem}'.rstrip()
    )


def _write(parsed: argparse.Namespace) -> int:
    description = Description.read(parsed.description)
    rows = model_rows(description)
    if parsed.output.exists():
        msg = f'{parsed.output} exists already, not overwriting.'
        raise ComposeError(msg)
    text = yaml.safe_dump(rows, sort_keys=False, default_flow_style=None, width=200)
    note = f'# Written from {parsed.description.name} by python -m training.compose.\n'
    losses = f'box_loss: {description.box_loss}, class_loss: {description.class_loss}'
    note += f'# Losses are options of the training: {losses}.\n'
    parsed.output.write_text(note + text, encoding='utf-8')
    return 0


if __name__ == '__main__':
    sys.exit(main())
