# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""`roof_detector models`: model packages, and exports for this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from roof_detector.cli import models_export, models_package, models_prepare, models_replay

if TYPE_CHECKING:
    import argparse


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and its subcommands."""
    parser = subparsers.add_parser('models', help='import, check, sign and prepare models')
    commands = parser.add_subparsers(dest='action', metavar='COMMAND', required=True)
    models_prepare.add_parser(commands)
    export = commands.add_parser('export', help='export a model to files of other runtimes')
    models_export.add_options(export)
    models_package.add_parsers(commands)
    models_replay.add_parser(commands)
    check = commands.add_parser(
        'check',
        help='load a model and print its facts as JSON',
        description='Load a model on the CPU, run it once and print its task, classes and backend '
        'as one line of JSON.',
    )
    check.add_argument('model', help='a shipped model or a model file')
    check.set_defaults(run=run_check)


def run_check(arguments: argparse.Namespace) -> int:
    """Load one model and print what it is."""
    from roof_detector.inference.detector import Detector  # noqa: PLC0415
    from roof_detector.inference.shipped_weights import resolve_model  # noqa: PLC0415
    from roof_detector.offline.progress import print_event  # noqa: PLC0415

    with Detector.open(resolve_model(arguments.model), device='cpu') as detector:
        detector.warm_up((detector.image_size[0], detector.image_size[1]))
        print_event('model', task=detector.task, classes=detector.names, backend=detector.backend)
    return 0
