# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""`roof_detector doctor`: checks before take-off what a flight needs."""

from __future__ import annotations

import argparse
import math
from pathlib import Path


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and its options."""
    parser = subparsers.add_parser(
        'doctor',
        help='check before take-off what a flight needs',
        description='Check ROS, shared memory, model, device, disk, clock, topics and nodes; '
        'report what is wrong and the command that fixes it. The exit code is 1 if anything '
        'failed.',
    )
    parser.add_argument(
        '--model',
        default='roof_anomalies',
        help='shipped model or model file; %(default)s by default',
    )
    parser.add_argument(
        '--image-topic',
        metavar='TOPIC',
        help='image topic that must be there; any by default',
    )
    parser.add_argument(
        '--bag-directory',
        type=Path,
        default=Path('~/roof_detector_bags'),
        metavar='FOLDER',
        help='where the recorder writes; %(default)s by default',
    )
    parser.add_argument(
        '--listen-s',
        type=_seconds,
        default=3.0,
        metavar='S',
        help='how long to listen to topics; %(default)g s by default',
    )
    parser.add_argument('--json', action='store_true', help='print an object for programs')
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Examine, print each finding as it comes, and return 1 if anything failed."""
    from roof_detector.doctor.examination import Examination  # noqa: PLC0415
    from roof_detector.doctor.finding import Verdict  # noqa: PLC0415
    from roof_detector.doctor.report import as_json, as_text, summary  # noqa: PLC0415

    examination = Examination(
        model=args.model,
        bag_directory=args.bag_directory,
        image_topic=args.image_topic,
        listen_s=args.listen_s,
    )
    findings = []
    for finding in examination.findings():
        findings.append(finding)
        if not args.json:
            print(as_text(finding), flush=True)
    print(as_json(findings) if args.json else f'\n{summary(findings)}')
    return int(any(finding.verdict is Verdict.FAIL for finding in findings))


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0.5 <= seconds <= 60:
        msg = f'must be between 0.5 and 60 seconds, not {text!r}.'
        raise argparse.ArgumentTypeError(msg)
    return seconds
