# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Make an INT8 model: `roof_detector quantize best.pt --data data.yaml`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from roof_detector.cli.trust_option import add_trust_option
from training.alias import run_alias

if TYPE_CHECKING:
    import argparse


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.description = (
        'Make an INT8 model. It is kept only if it detects nearly as well as in FP32 on labelled '
        'images; the table shows the difference. Give it to the node as model.'
    )
    parser.add_argument('model', help='checkpoint (.pt) or name of a shipped model')
    parser.add_argument(
        '--data', type=Path, required=True, help='labelled images, as for evaluate'
    )
    parser.add_argument('--split', default='val', help='split of the data; %(default)s by default')
    parser.add_argument('--names', nargs='+', default=[], help='class names in order of their ids')
    parser.add_argument(
        '--format',
        choices=('openvino', 'onnx', 'engine'),
        default='openvino',
        help='openvino for x86 CPUs, onnx for others, engine for the CUDA device of this '
        'machine; %(default)s by default',
    )
    parser.add_argument(
        '--calibration',
        metavar='INPUT',
        help='video, bag or folder of images that are not in --data; simulated by default',
    )
    parser.add_argument(
        '--calibration-count', type=int, default=100, help='most images; %(default)s by default'
    )
    parser.add_argument(
        '--most-lost',
        type=float,
        default=0.01,
        help='by how much mAP50, in 0..1, may fall; %(default)s by default',
    )
    parser.add_argument(
        '--output',
        type=Path,
        default=Path('exports'),
        help='folder of the export; %(default)s by default',
    )
    parser.add_argument(
        '--write-package',
        type=Path,
        metavar='FILE.zip',
        help='write the package of the model again with the INT8 model and its loss in it, for '
        "the node's parameter int8; with --format openvino or onnx and --measured-on",
    )
    parser.add_argument(
        '--measured-on',
        choices=('photographs', 'simulation'),
        help='what the labelled images are; only what was measured on photographs runs by itself',
    )
    parser.add_argument('--threads', type=int, help='CPU threads while measuring')
    add_trust_option(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Quantize and print what is lost; return 1 if that is too much."""
    from tqdm import tqdm  # noqa: PLC0415

    from roof_detector.inference.shipped_weights import resolve_model  # noqa: PLC0415
    from roof_detector.offline.trial_frames import trial_frames  # noqa: PLC0415
    from training.evaluation import open_split  # noqa: PLC0415
    from training.quantization.quantization import TooLossy, quantize  # noqa: PLC0415

    package = arguments.write_package
    if package is not None and (arguments.format == 'engine' or arguments.measured_on is None):
        print(  # noqa: T201
            '--write-package needs --format openvino or onnx, and --measured-on.', file=sys.stderr
        )
        return 2
    frames = trial_frames(arguments.calibration, count=arguments.calibration_count)
    try:
        with (
            open_split(arguments.data, split=arguments.split, names=arguments.names) as data,
            tqdm(total=3, unit='step', leave=False) as bar,
        ):

            def show(step: str) -> None:
                bar.set_description(step)
                bar.update()

            made = quantize(
                resolve_model(arguments.model),
                arguments.format,
                data,
                frames=frames,
                folder=arguments.output,
                most_lost=arguments.most_lost,
                threads=arguments.threads,
                trust_model=arguments.trust_model,
                progress=show,
            )
    except TooLossy as error:
        print(f'{error.loss.table()}\n{error}', file=sys.stderr)  # noqa: T201
        return 1
    print(  # noqa: T201
        f'{made.loss.table()}\n{made.path}: measured on {made.loss.images} images with '
        f'{made.loss.instances} objects'
    )
    if package is not None:
        from training.quantization.int8_package import write_int8_package  # noqa: PLC0415

        print(write_int8_package(arguments.model, made, package, on=arguments.measured_on))  # noqa: T201
    return 0


def main(argv: list[str] | None = None) -> int:
    """Run `python -m training.quantize`; return the exit code."""
    return run_alias('quantize', add_options, argv)


if __name__ == '__main__':
    sys.exit(main())
