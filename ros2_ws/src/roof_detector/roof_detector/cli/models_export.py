# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""`roof_detector models export`: exports a model to files of other runtimes, and checks them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from roof_detector.cli.trust_option import add_trust_option
from roof_detector.inference.options import EXPORT_FORMATS, EXPORT_PRECISIONS

if TYPE_CHECKING:
    import argparse

    import numpy as np
    from numpy.typing import NDArray

    from roof_detector.inference.export.recipe import ExportRecipe
    from roof_detector.inference.options import ExportFormat


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.description = (
        'Export a model to files of other runtimes. Each is written completely or not at all, '
        'and only if it agrees with the model on real frames. A format that cannot be made is '
        'reported, the others are made nevertheless, and the exit code is then 1.'
    )
    parser.add_argument('model', help='model package, checkpoint (.pt) or name of a shipped model')
    parser.add_argument(
        '--format',
        nargs='+',
        choices=EXPORT_FORMATS,
        required=True,
        help='of the files to write',
    )
    parser.add_argument(
        '--output',
        type=Path,
        default=Path('exports'),
        help='folder of the files; %(default)s by default',
    )
    parser.add_argument(
        '--image-size',
        type=int,
        nargs='+',
        metavar='PIXELS',
        help="one side, or height and width; the checkpoint's own by default",
    )
    parser.add_argument(
        '--precision',
        choices=EXPORT_PRECISIONS,
        default='f32',
        help='of the weights; %(default)s by default',
    )
    parser.add_argument('--batch', type=int, default=1, help='images at once; 1 by default')
    parser.add_argument('--dynamic', action='store_true', help='take other sizes and batches too')
    parser.add_argument('--frames', help='video, bag or folder of images; simulated by default')
    parser.add_argument(
        '--frame-count', type=int, default=8, help='most frames compared; %(default)s by default'
    )
    parser.add_argument('--keep', action='store_true', help='keep a refused export to look into')
    add_trust_option(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Make every export and return the exit code."""
    from roof_detector.offline.trial_frames import trial_frames  # noqa: PLC0415

    recipes = [_recipe(arguments, name) for name in dict.fromkeys(arguments.format)]
    frames = trial_frames(arguments.frames, count=arguments.frame_count)
    exported = [_export(arguments, recipe, frames) for recipe in recipes]
    return 0 if all(exported) else 1


def _export(
    options: argparse.Namespace, recipe: ExportRecipe, frames: list[NDArray[np.uint8]]
) -> bool:
    """Make one export and print the result."""
    from tqdm import tqdm  # noqa: PLC0415

    from roof_detector.inference.errors import InferenceError, ParityFailed  # noqa: PLC0415
    from roof_detector.inference.export.build import build_export  # noqa: PLC0415
    from roof_detector.inference.shipped_weights import resolve_model  # noqa: PLC0415

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
            print(f'{report}{recipe.format}: {error}', file=sys.stderr)
            return False
    print(
        f'{built.parity.table()}\n{recipe.format}: {built.path}, '
        f'{built.size_bytes / 1e6:.1f} MB, in {built.duration_s:.0f} s'
    )
    return True


def _recipe(options: argparse.Namespace, name: ExportFormat) -> ExportRecipe:
    from roof_detector.inference.export.recipe import ExportRecipe  # noqa: PLC0415

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
