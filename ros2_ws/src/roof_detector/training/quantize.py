# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Make an INT8 model: `python -m training.quantize best.pt --data data.yaml`.

It is kept only if it detects nearly as well as in FP32 on the labelled images; the table shows the
difference. Give it to the node as model.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tqdm import tqdm

from roof_detector.cli.trial_frames import trial_frames
from roof_detector.inference.errors import InferenceError
from roof_detector.inference.shipped_weights import resolve_model
from roof_detector.inputs.errors import InputError
from roof_detector.simulation.errors import SimulationError
from training.evaluation import EvaluationError, open_split
from training.quantization.kind import KINDS
from training.quantization.quantization import TooLossy, quantize


def main(arguments: list[str] | None = None) -> int:
    """Quantize as the command line says; return 1 with a message if nothing was kept."""
    options = _parser().parse_args(arguments)
    try:
        frames = trial_frames(options.calibration, count=options.calibration_count)
        with (
            open_split(options.data, split=options.split, names=options.names) as data,
            tqdm(total=3, unit='step', leave=False) as bar,
        ):

            def show(step: str) -> None:
                bar.set_description(step)
                bar.update()

            made = quantize(
                resolve_model(options.model),
                options.format,
                data,
                frames=frames,
                folder=options.output,
                most_lost=options.most_lost,
                threads=options.threads,
                trust_model=options.trust_model,
                progress=show,
            )
    except TooLossy as error:
        print(f'{error.loss.table()}\n{error}', file=sys.stderr)  # noqa: T201
        return 1
    except (EvaluationError, InferenceError, InputError, SimulationError, OSError) as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    print(  # noqa: T201
        f'{made.loss.table()}\n{made.path}: measured on {made.loss.pictures} images with '
        f'{made.loss.instances} objects'
    )
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog='python -m training.quantize', description=__doc__)
    parser.add_argument('model', help='checkpoint (.pt) or name of a shipped model')
    parser.add_argument(
        '--data', type=Path, required=True, help='labelled images, as for training.evaluate'
    )
    parser.add_argument('--split', default='val', help='split of the data (%(default)s)')
    parser.add_argument('--names', nargs='+', default=[], help='class names in order of their ids')
    parser.add_argument(
        '--format',
        choices=KINDS,
        default='openvino',
        help='openvino for x86 processors, onnx for others, engine for the CUDA device of this '
        'machine (%(default)s)',
    )
    parser.add_argument(
        '--calibration',
        metavar='INPUT',
        help='video, bag or folder of images that are not in --data; simulated by default',
    )
    parser.add_argument(
        '--calibration-count', type=int, default=100, help='most images (%(default)s)'
    )
    parser.add_argument(
        '--most-lost',
        type=float,
        default=0.01,
        help='by how much mAP50, in 0..1, may fall (%(default)s)',
    )
    parser.add_argument(
        '--output', type=Path, default=Path('exports'), help='folder of the export'
    )
    parser.add_argument('--threads', type=int, help='CPU threads while measuring')
    parser.add_argument(
        '--trust-model',
        action='store_true',
        help='import a checkpoint even where the kernel can confine no process: it can then run '
        'any code',
    )
    return parser


if __name__ == '__main__':
    sys.exit(main())
