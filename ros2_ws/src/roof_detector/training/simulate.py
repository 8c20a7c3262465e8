# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Render a training set of simulated frames in the ultralytics layout.

Run as `roof_detector simulate --output DIR --frames 2650 --val-frames 150 --seed 1`.
"""

from __future__ import annotations

import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from roof_detector.simulation import CLASS_NAMES
from training.alias import run_alias
from training.errors import TrainingError
from training.rendering import DatasetConfig, jobs, render
from training.rendering.photo_ground import find_images

if TYPE_CHECKING:
    import argparse


def render_dataset(config: DatasetConfig, *, workers: int = 1) -> None:
    """Render all worlds, with a progress bar, and write data.yaml."""
    config.output.mkdir(parents=True, exist_ok=True)
    names = ''.join(f'  {i}: {name}\n' for i, name in enumerate(CLASS_NAMES))
    text = (
        f'path: {config.output.resolve()}\ntrain: images/train\nval: images/val\nnames:\n{names}'
    )
    (config.output / 'data.yaml').write_text(text)
    # Both splits grow from the start, so that an interrupted run leaves a usable set.
    todo = sorted(jobs(config), key=lambda job: job.first)
    with tqdm(total=config.frames, unit='frame') as bar:
        if workers <= 1:
            for job in todo:
                bar.update(render(job))
            return
        with ProcessPoolExecutor(workers) as pool:
            for count in pool.map(render, todo):
                bar.update(count)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command; their defaults are those of DatasetConfig."""
    parser.description = (
        'Render a training set of simulated frames with exact labels, in the layout of '
        'ultralytics. The same seed gives the same set.'
    )
    default = DatasetConfig(output=Path(), frames=1)

    def add(name: str, **options: Any) -> None:
        if options.get('default') is not None:
            options['help'] += '; %(default)s by default'
        parser.add_argument(name, **options)

    add('--output', type=Path, required=True, help='folder of the data set')
    add('--frames', type=int, required=True, help='training and validation frames together')
    add('--val-frames', type=int, default=default.val_frames, help='how many are for validation')
    add('--seed', type=int, default=default.seed, help='the same seed gives the same set')
    add(
        '--size',
        type=int,
        nargs=2,
        metavar=('WIDTH', 'HEIGHT'),
        default=default.size_wh,
        help='size of the written images',
    )
    add(
        '--render-scale',
        type=int,
        default=default.render_scale,
        help='render so many times larger, then reduce as the node does',
    )
    add(
        '--altitude',
        type=float,
        nargs=2,
        metavar=('LOW', 'HIGH'),
        default=default.altitude_m,
        help='heights above the roof in metres, 5 to 60',
    )
    add(
        '--empty-share',
        type=float,
        default=default.empty_share,
        help='share kept of the frames without a label',
    )
    add(
        '--default-world-share',
        type=float,
        default=default.default_world_share,
        help='share of worlds as the simulated flight has them; the others vary more',
    )
    add(
        '--near-share',
        type=float,
        default=default.near_share,
        help='share of hovering poses near an object of a class drawn evenly',
    )
    add(
        '--survey-share',
        type=float,
        default=default.survey_share,
        help="share of frames from a survey flight's own path",
    )
    add(
        '--frames-per-world',
        type=int,
        default=default.frames_per_world,
        help='frames from one world',
    )
    add(
        '--backgrounds',
        type=Path,
        default=None,
        help='folder of images from above, without objects of the classes, to lay objects over',
    )
    add(
        '--background-share',
        type=float,
        default=default.background_share,
        help='share of worlds that are such images',
    )
    add(
        '--background-resolution',
        type=float,
        default=default.background_m_per_px,
        metavar='METRES',
        help='metres on the ground that one of their pixels covers',
    )
    add(
        '--parapet-share',
        type=float,
        default=default.parapet_share,
        help='share of the units over such images that stand in rows along a parapet',
    )
    add('--segments', action='store_true', help='write polygons instead of boxes')
    add('--workers', type=int, default=1, help='processes; the set does not depend on them')
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Render the set; return 2 for options that make no sense."""
    try:
        config = DatasetConfig(
            output=args.output,
            frames=args.frames,
            val_frames=args.val_frames,
            seed=args.seed,
            size_wh=tuple(args.size),
            render_scale=args.render_scale,
            altitude_m=tuple(args.altitude),
            empty_share=args.empty_share,
            default_world_share=args.default_world_share,
            near_share=args.near_share,
            survey_share=args.survey_share,
            frames_per_world=args.frames_per_world,
            segments=args.segments,
            backgrounds=args.backgrounds,
            background_share=args.background_share,
            background_m_per_px=args.background_resolution,
            parapet_share=args.parapet_share,
        )
        if config.backgrounds is not None:
            find_images(config.backgrounds)
    except TrainingError as error:
        sys.stderr.write(f'{error}\n')
        return 2
    render_dataset(config, workers=args.workers)
    return 0


def main(argv: list[str] | None = None) -> int:
    """Run `python -m training.simulate`; return the exit code."""
    return run_alias('simulate', add_options, argv)


if __name__ == '__main__':
    sys.exit(main())
