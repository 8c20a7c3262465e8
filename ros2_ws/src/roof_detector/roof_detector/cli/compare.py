# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""`roof_detector compare`: compares two models or settings over one flight."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from roof_detector.cli.offline_options import add_images_option

if TYPE_CHECKING:
    import argparse

_OURS = 'comparison.json'


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and its options."""
    parser = subparsers.add_parser(
        'compare',
        help='report how far two runs over one flight agree, and show where they differ',
        description='Compare the results of two runs over the same flight: a table by class, '
        'comparison.json, and the frames that differ most side by side, with the detections of '
        'one run alone in colour and those of both in grey. The exit code is 3 if the runs do '
        'not hold the same frames, or their images are not found.',
    )
    parser.add_argument('a', type=Path, metavar='RUN_A', help='folder of results, or a bag')
    parser.add_argument('b', type=Path, metavar='RUN_B', help='the same, of the other run')
    parser.add_argument(
        '--output',
        type=Path,
        metavar='DIR',
        help='folder for images and JSON; nothing is written without it',
    )
    parser.add_argument('--overwrite', action='store_true', help='replace files that exist')
    parser.add_argument(
        '--iou',
        type=float,
        default=0.5,
        metavar='SHARE',
        help='minimum IoU at which two boxes are one object; %(default)s by default',
    )
    parser.add_argument(
        '--frames',
        type=int,
        default=12,
        metavar='N',
        help='number of differing frames to show, 0 for none; %(default)s by default',
    )
    add_images_option(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Compare, print the table, and write images and JSON to the output folder."""
    from roof_detector.offline.batch import make_output  # noqa: PLC0415
    from roof_detector.offline.comparison import compare  # noqa: PLC0415
    from roof_detector.offline.comparison_images import (  # noqa: PLC0415
        side_by_side_images,
        write_images,
    )
    from roof_detector.offline.comparison_report import as_json, as_table  # noqa: PLC0415
    from roof_detector.offline.errors import ReplayError  # noqa: PLC0415
    from roof_detector.offline.outcome import ALL_DONE, DONE_WITH_LOSSES  # noqa: PLC0415
    from roof_detector.offline.result_bag import ResultBag  # noqa: PLC0415

    if not 0.0 < arguments.iou <= 1.0 or arguments.frames < 0:
        msg = f'--iou {arguments.iou} and --frames {arguments.frames}: expected 0 < iou <= 1.'
        raise ReplayError(msg)
    output = arguments.output
    if output is not None:
        if (output / _OURS).exists() and not arguments.overwrite:
            msg = f'{output / _OURS} exists already and is not overwritten; add --overwrite.'
            raise ReplayError(msg)
        make_output(output)
    sentence = ''
    with ResultBag(arguments.a) as a, ResultBag(arguments.b) as b:
        comparison = compare(a, b, min_iou=arguments.iou, worst=max(arguments.frames, 1))
        print(as_table(comparison, min_iou=arguments.iou))
        if output is not None:
            content = as_json(comparison, a=a, b=b, min_iou=arguments.iou)
            (output / _OURS).write_text(json.dumps(content, indent=2) + '\n')
            if arguments.frames:
                images, sentence = side_by_side_images(comparison, a, b, images=arguments.images)
                write_images(output, images)
                if sentence:
                    print(sentence, file=sys.stderr)
            print(f'See {output}.')
    return DONE_WITH_LOSSES if comparison.warnings() or sentence else ALL_DONE
