# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""`roof_detector compare`: two models or settings over one flight."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from roof_detector.cli.offline_options import add_images_option

_OURS = 'comparison.json'


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and its options."""
    parser = subparsers.add_parser(
        'compare',
        help='say how far two runs over one flight agree, and show where they do not',
        description='Compare the results of two runs over the same flight: a table by class, '
        'comparison.json, and side by side the frames that differ most, what one run found alone '
        'in colour and what both found in grey. The exit code is 3 when the runs do not hold the '
        'same frames, or their images are not found.',
    )
    parser.add_argument('a', type=Path, metavar='RUN_A', help='folder of results, or a bag')
    parser.add_argument('b', type=Path, metavar='RUN_B', help='the same, of the other run')
    parser.add_argument(
        '--output',
        type=Path,
        metavar='DIR',
        help='for pictures and JSON; nothing is written without it',
    )
    parser.add_argument('--overwrite', action='store_true', help='replace files that exist')
    parser.add_argument(
        '--iou',
        type=float,
        default=0.5,
        metavar='SHARE',
        help='overlap from which two boxes are one; %(default)s by default',
    )
    parser.add_argument(
        '--pictures',
        type=int,
        default=12,
        metavar='N',
        help='frames shown, 0 for none; %(default)s by default',
    )
    add_images_option(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Compare, print the table, and write pictures and JSON where asked to."""
    from roof_detector.offline.batch import make_output  # noqa: PLC0415
    from roof_detector.offline.comparison import compare  # noqa: PLC0415
    from roof_detector.offline.comparison_images import write_pictures  # noqa: PLC0415
    from roof_detector.offline.comparison_report import as_json, as_table  # noqa: PLC0415
    from roof_detector.offline.comparison_video import pictures_of  # noqa: PLC0415
    from roof_detector.offline.errors import ReplayError  # noqa: PLC0415
    from roof_detector.offline.outcome import ALL_DONE, DONE_WITH_LOSSES  # noqa: PLC0415
    from roof_detector.offline.result_bag import ResultBag  # noqa: PLC0415

    if not 0.0 < arguments.iou <= 1.0 or arguments.pictures < 0:
        msg = f'--iou {arguments.iou} and --pictures {arguments.pictures}: expected 0 < iou <= 1.'
        raise ReplayError(msg)
    output = arguments.output
    if output is not None:
        if (output / _OURS).exists() and not arguments.overwrite:
            msg = f'{output / _OURS} exists already and is not overwritten; add --overwrite.'
            raise ReplayError(msg)
        make_output(output)
    sentence = ''
    with ResultBag(arguments.a) as a, ResultBag(arguments.b) as b:
        comparison = compare(a, b, least_iou=arguments.iou, worst=max(arguments.pictures, 1))
        print(as_table(comparison, least_iou=arguments.iou))
        if output is not None:
            content = as_json(comparison, a=a, b=b, least_iou=arguments.iou)
            (output / _OURS).write_text(json.dumps(content, indent=2) + '\n')
            if arguments.pictures:
                pictures, sentence = pictures_of(comparison, a, b, images=arguments.images)
                write_pictures(output, pictures)
                if sentence:
                    print(sentence, file=sys.stderr)
            print(f'See {output}.')
    return DONE_WITH_LOSSES if comparison.troubles() or sentence else ALL_DONE
