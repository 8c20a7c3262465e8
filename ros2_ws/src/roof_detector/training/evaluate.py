# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Measure models as the node runs them: `roof_detector evaluate MODEL --data data.yaml`."""

from __future__ import annotations

import sys
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

from roof_detector.inference.options import PRECISIONS
from roof_detector.vision.thresholds import Thresholds
from training.alias import run_alias

if TYPE_CHECKING:
    import argparse

    from roof_detector.vision.tiles import Tiling

_THRESHOLDS = Thresholds()  # the node's defaults


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.description = (
        'Measure models on labelled images with the letterbox, suppression and thresholds of the '
        'node: average precision, confusion, the best confidences, and images of mistakes.'
    )
    parser.add_argument('models', nargs='+', metavar='MODEL', help='file, or a shipped model')
    data = parser.add_mutually_exclusive_group(required=True)
    data.add_argument(
        '--data',
        type=Path,
        help='data.yaml, folder or .zip of a data set of any format that training.dataset reads',
    )
    data.add_argument(
        '--suite',
        metavar='YAML',
        help='fixed list of image sets: real.yaml, the photographs, or a file of your own',
    )
    parser.add_argument(
        '--data-folder', type=Path, metavar='FOLDER',
        help='where the images of a suite lie; ROOF_DETECTOR_DATA by default',
    )  # fmt: skip
    parser.add_argument(
        '--roles', nargs='+', choices=('train', 'validate', 'evaluate'),
        default=('train', 'validate', 'evaluate'),
        help='sets of a suite that are measured, by what they may be used for; all by default',
    )  # fmt: skip
    parser.add_argument(
        '--card', type=Path, metavar='CARD',
        help='model card that takes the tables of a suite, in place',
    )  # fmt: skip
    parser.add_argument(
        '--write-package', type=Path, metavar='ZIP',
        help='write the model package again with what a suite measured: working range, recall by '
        'resolution and calibrated confidences of each class',
    )  # fmt: skip
    parser.add_argument(
        '--raw-confidence',
        action='store_true',
        help="the network's own confidences, not those that a package calibrates; with "
        '--write-package none is calibrated',
    )
    parser.add_argument(
        '--tiles',
        action='store_true',
        help='run inference on overlapping tiles of each image as well, as detect --tiles does',
    )
    parser.add_argument(
        '--tile-size', type=int, metavar='PIXELS',
        help="side of a tile; the size of the network's input by default",
    )  # fmt: skip
    parser.add_argument(
        '--names',
        nargs='+',
        default=[],
        help='class names in order of their ids, as the model has',
    )
    parser.add_argument('--split', default='val', help='split of the data; %(default)s by default')
    parser.add_argument(
        '--skip-faulty', action='store_true', help='leave out images with faulty labels'
    )
    parser.add_argument(
        '--image-size', type=int, nargs='+', metavar='PIXELS',
        help="side of the network's input, by default the model's own; a row for each",
    )  # fmt: skip
    parser.add_argument(
        '--output',
        type=Path,
        default=Path('runs/evaluate'),
        help='folder of the report; %(default)s by default',
    )
    parser.add_argument('--overwrite', action='store_true', help='replace an earlier report')
    parser.add_argument(
        '--device', default='auto', help='auto, cpu, cuda or cuda:N; auto by default'
    )
    parser.add_argument(
        '--backend', default='auto', help='that runs the network; chosen for the file by default'
    )
    parser.add_argument(
        '--precision', nargs='+', choices=PRECISIONS, default=['auto'],
        help='that the network is computed in; a row for each; auto by default',
    )  # fmt: skip
    parser.add_argument('--threads', type=int, help='CPU threads of the backend')
    parser.add_argument(
        '--trust-model',
        action='store_true',
        help='import a .pt even where the kernel can confine no process: it can then run any code',
    )
    parser.add_argument(
        '--confidence', type=float, default=_THRESHOLDS.confidence,
        help='minimum score of what counts in confusion and mistakes; %(default)s by default',
    )  # fmt: skip
    parser.add_argument(
        '--iou', type=float, default=_THRESHOLDS.iou, help='of suppression; %(default)s by default'
    )
    parser.add_argument(
        '--max-detections', type=int, default=_THRESHOLDS.max_detections,
        help='most in one image; %(default)s by default',
    )  # fmt: skip
    parser.add_argument(
        '--least-precision',
        type=float,
        default=0.0,
        help='that the best confidence must reach; 0 by default',
    )
    parser.add_argument(
        '--write-parameters', type=Path, metavar='YAML',
        help="write each class's best confidence as a parameter file of the node; of a suite, "
        'that on its sets of the role validate',
    )  # fmt: skip
    parser.add_argument(
        '--gallery',
        type=int,
        default=24,
        help='images of each kind of mistake; %(default)s by default',
    )
    parser.add_argument(
        '--resamples',
        type=int,
        default=1000,
        help='drawings for the interval; %(default)s by default',
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Evaluate every model at every size, write the report and print its tables."""
    return _run_suite(arguments) if arguments.suite else _run_data(arguments)


def _run_data(arguments: argparse.Namespace) -> int:
    from training.evaluation import EvaluationError, evaluate, open_split  # noqa: PLC0415
    from training.evaluation.comparison import label_all  # noqa: PLC0415
    from training.evaluation.output_folder import check_free, write_output  # noqa: PLC0415
    from training.evaluation.parameter_file import write_parameters  # noqa: PLC0415
    from training.evaluation.report import terminal_text  # noqa: PLC0415

    sizes = arguments.image_size or [None]
    parameters: Path | None = arguments.write_parameters
    rows = list(product(arguments.models, sizes, arguments.precision))
    if parameters and len(rows) > 1:
        msg = (
            '--write-parameters holds for one model at one size in one precision: name one MODEL, '
            'one --image-size and one --precision.'
        )
        raise EvaluationError(msg)
    check_free(arguments.output, overwrite=arguments.overwrite)
    if parameters and parameters.exists() and not arguments.overwrite:
        msg = f'{parameters} exists already, not overwritten. Add --overwrite.'
        raise EvaluationError(msg)
    with open_split(
        arguments.data,
        split=arguments.split,
        names=arguments.names,
        skip_faulty=arguments.skip_faulty,
    ) as data:
        labelled = label_all(
            [
                evaluate(
                    model,
                    data,
                    image_size=size,
                    device=arguments.device,
                    backend=arguments.backend,
                    precision=precision,
                    threads=arguments.threads,
                    trust_model=arguments.trust_model,
                    confidence=arguments.confidence,
                    iou=arguments.iou,
                    max_detections=arguments.max_detections,
                    least_precision=arguments.least_precision,
                    resamples=arguments.resamples,
                    tiling=_tiling(arguments),
                    calibrate=not arguments.raw_confidence,
                )
                for model, size, precision in rows
            ]
        )
        write_output(
            labelled, arguments.output, gallery=arguments.gallery, overwrite=arguments.overwrite
        )
    print(f'\n{terminal_text(labelled, output=arguments.output)}')  # noqa: T201
    if parameters:
        write_parameters(next(iter(labelled.values())), parameters, overwrite=arguments.overwrite)
        print(parameters)  # noqa: T201
    return 0


def _run_suite(arguments: argparse.Namespace) -> int:
    """Measure every model on a suite, write its tables and print them."""
    from training.evaluation import EvaluationError  # noqa: PLC0415
    from training.evaluation.parameter_file import write_text  # noqa: PLC0415
    from training.suites import SuiteOptions, read_suite, run_suite  # noqa: PLC0415
    from training.suites.card import write_card_section  # noqa: PLC0415
    from training.suites.measured_package import (  # noqa: PLC0415
        is_calibrated,
        state_recall,
        write_measured,
    )
    from training.suites.suite_images import data_folder  # noqa: PLC0415
    from training.suites.suite_parameters import suite_parameter_text  # noqa: PLC0415
    from training.suites.suite_report import suite_text, write_suite  # noqa: PLC0415

    if arguments.tiles or arguments.image_size:
        msg = 'A suite says itself how its images are shown: leave out --tiles and --image-size.'
        raise EvaluationError(msg)
    is_one = len(arguments.models) == len(arguments.precision) == 1
    parameters: Path | None = arguments.write_parameters
    if (arguments.card or arguments.write_package or parameters) and not is_one:
        msg = (
            '--card, --write-package and --write-parameters are of one model in one precision: '
            'name one MODEL and one --precision.'
        )
        raise EvaluationError(msg)
    if parameters and parameters.exists() and not arguments.overwrite:
        msg = f'{parameters} exists already, not overwritten. Add --overwrite.'
        raise EvaluationError(msg)
    suite, folder = read_suite(arguments.suite), data_folder(arguments.data_folder)
    results = []
    for model, precision in product(arguments.models, arguments.precision):
        options = SuiteOptions(
            confidence=arguments.confidence,
            iou=arguments.iou,
            max_detections=arguments.max_detections,
            roles=tuple(arguments.roles),
            resamples=arguments.resamples,
            device=arguments.device,
            backend=arguments.backend,
            precision=precision,
            threads=arguments.threads,
            trust_model=arguments.trust_model,
            # What calibrates is fitted to the network's own confidences.
            calibrate=not (arguments.raw_confidence or arguments.write_package),
        )
        results.append(run_suite(model, suite, folder, options=options))
        print(f'\n{suite_text(results[-1])}')  # noqa: T201
        write_suite(results, arguments.output, overwrite=arguments.overwrite or len(results) > 1)
    print(arguments.output / 'suite.md')  # noqa: T201
    if arguments.write_package:
        said = write_measured(
            arguments.models[0],
            results[0],
            arguments.write_package,
            calibrate=not arguments.raw_confidence,
        )
        print(said)  # noqa: T201
        if is_calibrated(arguments.write_package):
            # What flies has other confidences: its thresholds let other detections through.
            flying = replace(options, calibrate=True)
            results = [run_suite(arguments.write_package, suite, folder, options=flying)]
            print(f'\n{suite_text(results[0])}')  # noqa: T201
            write_suite(results, arguments.output, overwrite=True)
            print(state_recall(arguments.write_package, results[0]))  # noqa: T201
    if arguments.card:
        write_card_section(arguments.card, results[0])
        print(arguments.card)  # noqa: T201
    if parameters:
        text = suite_parameter_text(
            results[0],
            thresholds=Thresholds(
                confidence=arguments.confidence,
                iou=arguments.iou,
                max_detections=arguments.max_detections,
            ),
            least_precision=arguments.least_precision,
            calibrate=not arguments.raw_confidence,
        )
        write_text(text, parameters, overwrite=arguments.overwrite)
        print(parameters)  # noqa: T201
    return 0


def _tiling(arguments: argparse.Namespace) -> Tiling | None:
    """Return the tiling of the options, that of a flight."""
    from roof_detector.vision.tiles import Tiling  # noqa: PLC0415
    from training.evaluation import EvaluationError  # noqa: PLC0415

    if arguments.tile_size is not None and not arguments.tiles:
        msg = '--tile-size needs --tiles: add it, or leave --tile-size out.'
        raise EvaluationError(msg)
    return Tiling(size=arguments.tile_size or 0) if arguments.tiles else None


def main(argv: list[str] | None = None) -> int:
    """Run `python -m training.evaluate`; return the exit code."""
    return run_alias('evaluate', add_options, argv)


if __name__ == '__main__':
    sys.exit(main())
