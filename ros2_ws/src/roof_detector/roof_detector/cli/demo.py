# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""`roof_detector demo`: flies once with every node and sums up the bag."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

    from roof_detector.demo.demo_run import DemoRun

# No shipped model was trained on this seed, the first from 990 000 on with flat roofs and all five
# classes.
DEMO_SEED = 990_003
_OURS = ('bag', 'annotated', 'logs', 'contact_sheet.jpg', 'inspection', 'summary.json')

_CREDENTIALS = 'camera_credentials'


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and its options."""
    parser = subparsers.add_parser(
        'demo',
        help='run every node over a simulated roof or your own recording',
        description='Start camera, detector and recorder as processes, fly, and sum up the bag.',
    )
    parser.add_argument(
        '--input',
        metavar='INPUT',
        help='video file, image, folder of images, bag, camera index or stream URL; '
        'a simulated flight by default',
    )
    parser.add_argument(
        '--output',
        type=Path,
        default=Path('demo_output'),
        metavar='DIR',
        help='folder for bag, images and logs, which replace those of an earlier demo; '
        '%(default)s by default',
    )
    parser.add_argument(
        '--model',
        default='roof_anomalies',
        help='shipped model or model file; %(default)s by default',
    )
    parser.add_argument(
        '--confidence',
        type=float,
        default=0.25,
        metavar='CONFIDENCE',
        help='minimum confidence; %(default)s by default',
    )
    parser.add_argument(
        '--frames',
        type=int,
        default=240,
        metavar='N',
        help='frames of the simulated flight; %(default)s by default',
    )
    parser.add_argument(
        '--seed',
        type=int,
        default=DEMO_SEED,
        metavar='N',
        help='seed of the simulated flight; %(default)s by default',
    )
    parser.add_argument(
        '--rate',
        type=float,
        default=0.0,
        metavar='HZ',
        help="frames per second; by default 0, the source's own",
    )
    parser.add_argument(
        '--duration',
        type=float,
        metavar='S',
        help='seconds after which a camera or stream ends',
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Fly, summarise, and return 0 if every frame is accounted for."""
    from roof_detector.demo.annotated_images import write_annotated  # noqa: PLC0415
    from roof_detector.demo.finding_summary import summarise_findings  # noqa: PLC0415
    from roof_detector.demo.flight_report import as_json, as_table  # noqa: PLC0415
    from roof_detector.demo.flight_summary import summarise_flight  # noqa: PLC0415
    from roof_detector.inputs.open_input import is_live, open_input  # noqa: PLC0415

    if arguments.input is not None and not is_live(arguments.input):
        open_input(
            arguments.input
        ).close()  # an unreadable input is reported before any node starts
    output = _fresh_folder(arguments.output)
    try:
        bag = _demo_run(arguments, output).fly()
    finally:
        (output / _CREDENTIALS).unlink(missing_ok=True)
    summary = summarise_flight(bag)
    sheet = output / 'contact_sheet.jpg'
    image_count = write_annotated(bag, output / 'annotated', sheet=sheet)
    files = {'bag': str(bag)}
    if image_count:
        files |= {'annotated frames': str(output / 'annotated'), 'contact sheet': str(sheet)}
    found = None
    if summary.detected:
        seed = arguments.seed if arguments.input is None else None
        found = summarise_findings(bag, output, seed=seed)
        files['inspection'] = str(output / 'inspection')
    files['summary'] = str(output / 'summary.json')
    (output / 'summary.json').write_text(
        json.dumps(as_json(summary, found, files=files), indent=2)
    )
    print(f'\n{as_table(summary, found, files=files)}\n')
    if not summary.detected:
        print(f'No frame was detected: see the logs in {output / "logs"}.')
        return 1
    if summary.unaccounted:
        print(f'{summary.unaccounted} frames are unaccounted for: see {output / "logs"}.')
        return 1
    return 0


def _demo_run(arguments: argparse.Namespace, output: Path) -> DemoRun:
    from roof_detector.demo.demo_run import DemoRun  # noqa: PLC0415

    camera: dict[str, object] = {'wait_for_subscribers': 1, 'wait_for_all_topics': True}
    if arguments.rate:
        camera['rate_hz'] = arguments.rate
    simulated = arguments.input is None
    if simulated:
        camera |= {'seed': arguments.seed, 'frames': arguments.frames}
    else:
        camera |= _source(arguments.input, output)
    return DemoRun(
        output=output,
        camera_node='simulated_flight' if simulated else 'camera',
        camera=camera,
        detector={'model': arguments.model, 'confidence': arguments.confidence},
        frames=arguments.frames if simulated else None,
        duration_s=arguments.duration,
    )


def _source(address: str, output: Path) -> dict[str, object]:
    """Return the camera's parameters for a source; a password goes to a file of its own."""
    from roof_detector.inputs.addresses import split_credentials  # noqa: PLC0415
    from roof_detector.inputs.secret_file import hide_argument  # noqa: PLC0415

    plain, credentials = split_credentials(address)
    if not credentials:
        return {'source': address}
    hide_argument(address)
    path = output / _CREDENTIALS
    path.touch(mode=0o600)
    path.write_text(credentials + '\n')
    return {'source': plain, 'credentials_file': str(path)}


def _fresh_folder(output: Path) -> Path:
    """Make the output folder, without the files of an earlier demo."""
    for name in _OURS:
        path = output / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    output.mkdir(parents=True, exist_ok=True)
    return output
