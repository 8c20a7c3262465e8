# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Export a checkpoint and check it: `python -m training.export best.pt --format onnx openvino`.

Each format is written completely or not at all, and only if it agrees with the checkpoint on real
frames. A format that cannot be made is reported, the others are made nevertheless, and the exit
code is then 1.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

from roof_detector.cli.trial_frames import trial_frames
from roof_detector.inference.errors import InferenceError, ParityFailed
from roof_detector.inference.export.build import build_export
from roof_detector.inference.export.recipe import FORMATS, PRECISIONS, ExportRecipe
from roof_detector.inference.shipped_weights import resolve_model
from roof_detector.inputs.errors import InputError
from roof_detector.simulation.errors import SimulationError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def main(arguments: list[str] | None = None) -> int:
    """Export as the command line says; return the exit code."""
    options = _parser().parse_args(arguments)
    try:
        recipes = [_recipe(options, name) for name in dict.fromkeys(options.format)]
        frames = trial_frames(options.frames, count=options.frame_count)
    except (InferenceError, InputError, SimulationError, OSError, ValueError) as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    exported = [_export(options, recipe, frames) for recipe in recipes]
    return 0 if all(exported) else 1


def _export(
    options: argparse.Namespace, recipe: ExportRecipe, frames: list[NDArray[np.uint8]]
) -> bool:
    """Make one export and print the result."""
    steps = len(frames) + 1
    with tqdm(total=steps, desc=recipe.format, unit='step', leave=False) as bar:

        def show(step: str) -> None:
            bar.set_postfix_str(step)
            bar.update()

        try:
            built = build_export(
                resolve_model(options.model),
                recipe,
                folder=options.output,
                frames=frames,
                trust_model=options.trust_model,
                keep_refused=options.keep,
                progress=show,
            )
        except InferenceError as error:
            bar.close()
            report = f'{error.report.table()}\n' if isinstance(error, ParityFailed) else ''
            print(f'{report}{recipe.format}: {error}', file=sys.stderr)  # noqa: T201
            return False
    print(  # noqa: T201
        f'{built.parity.table()}\n{recipe.format}: {built.path}, '
        f'{built.size_bytes / 1e6:.1f} MB, in {built.duration_s:.0f} s'
    )
    return True


def _recipe(options: argparse.Namespace, name: str) -> ExportRecipe:
    size = options.image_size
    if size is not None and len(size) > 2:
        msg = f'--image-size has {len(size)} numbers, give one side or height and width.'
        raise ValueError(msg)
    return ExportRecipe(
        format=name,
        image_size=None if size is None else (size[-1], size[0]),
        precision=options.precision,
        batch=options.batch,
        dynamic=options.dynamic,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('model', help='model package, checkpoint (.pt) or name of a shipped model')
    parser.add_argument('--format', nargs='+', choices=FORMATS, required=True)
    parser.add_argument('--output', type=Path, default=Path('exports'), help='folder of the files')
    parser.add_argument(
        '--image-size',
        type=int,
        nargs='+',
        metavar='PIXELS',
        help="one side, or height and width; the checkpoint's own by default",
    )
    parser.add_argument('--precision', choices=PRECISIONS, default='f32')
    parser.add_argument('--batch', type=int, default=1, help='images at once')
    parser.add_argument('--dynamic', action='store_true', help='take other sizes and batches too')
    parser.add_argument('--frames', help='video, bag or folder of images; simulated by default')
    parser.add_argument('--frame-count', type=int, default=8, help='most frames compared')
    parser.add_argument('--keep', action='store_true', help='keep a refused export to look into')
    parser.add_argument(
        '--trust-model',
        action='store_true',
        help='import a checkpoint even where the kernel can confine no process: it can then run '
        'any code',
    )
    return parser


if __name__ == '__main__':
    sys.exit(main())
