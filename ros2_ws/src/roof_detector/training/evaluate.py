# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Measure models as the node runs them: `python -m training.evaluate MODEL --data data.yaml`."""

from __future__ import annotations

import argparse
import sys
from itertools import product
from pathlib import Path

from roof_detector.inference.errors import InferenceError
from roof_detector.inference.precision import PRECISIONS
from roof_detector.inputs.errors import InputError
from roof_detector.vision.errors import VisionError
from training.evaluation import EvaluationError, evaluate, open_split
from training.evaluation.comparison import label_all
from training.evaluation.evaluator import DEFAULT_THRESHOLDS
from training.evaluation.output_folder import check_free, write_output
from training.evaluation.parameter_file import write_parameters
from training.evaluation.report import terminal_text


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog='python -m training.evaluate', description=__doc__)
    parser.add_argument('models', nargs='+', metavar='MODEL', help='file, or a shipped model')
    parser.add_argument(
        '--data',
        type=Path,
        required=True,
        help='data.yaml, folder or .zip of a data set: YOLO, COCO, Pascal VOC, Roboflow',
    )
    parser.add_argument(
        '--names',
        nargs='+',
        default=[],
        help='class names in order of their ids, as the model has',
    )
    parser.add_argument('--split', default='val', help='split of the data (%(default)s)')
    parser.add_argument(
        '--skip-faulty', action='store_true', help='leave out images with faulty labels'
    )
    parser.add_argument(
        '--image-size', type=int, nargs='+', metavar='PIXELS',
        help="side of the network's input, by default the model's own; a row for each",
    )  # fmt: skip
    parser.add_argument('--output', type=Path, default=Path('runs/evaluate'))
    parser.add_argument('--overwrite', action='store_true', help='replace an earlier report')
    parser.add_argument('--device', default='auto', help='auto, cpu, cuda or cuda:N')
    parser.add_argument('--backend', default='auto')
    parser.add_argument(
        '--precision', nargs='+', choices=PRECISIONS, default=['auto'],
        help='that the network is computed in; a row for each (auto)',
    )  # fmt: skip
    parser.add_argument('--threads', type=int, help='CPU threads of the backend')
    parser.add_argument(
        '--trust-model',
        action='store_true',
        help='import a .pt even where the kernel can confine no process: it can then run any code',
    )
    parser.add_argument(
        '--confidence', type=float, default=DEFAULT_THRESHOLDS.confidence,
        help='least score at which confusion and mistakes are counted (%(default)s)',
    )  # fmt: skip
    parser.add_argument(
        '--iou', type=float, default=DEFAULT_THRESHOLDS.iou, help='of suppression (%(default)s)'
    )
    parser.add_argument(
        '--max-detections', type=int, default=DEFAULT_THRESHOLDS.max_detections,
        help='most in one image (%(default)s)',
    )  # fmt: skip
    parser.add_argument(
        '--least-precision', type=float, default=0.0, help='that the best confidence must reach'
    )
    parser.add_argument(
        '--write-parameters', type=Path, metavar='YAML',
        help="write each class's best confidence as a parameter file of the node",
    )  # fmt: skip
    parser.add_argument(
        '--gallery', type=int, default=24, help='images of each kind of mistake (%(default)s)'
    )
    parser.add_argument(
        '--resamples', type=int, default=1000, help='drawings for the interval (%(default)s)'
    )
    return parser.parse_args(arguments)


def run(arguments: argparse.Namespace) -> None:
    """Evaluate every model at every size, write the report and print its tables."""
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


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return 1 with a message for an error that the user can fix."""
    try:
        run(parse(arguments))
    except (EvaluationError, InferenceError, InputError, VisionError) as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
