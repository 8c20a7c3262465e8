# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""`roof_detector detect`: runs a model on recorded inputs, every frame once."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from roof_detector.cli.georeference_options import add_georeference_options, georeferencing_of
from roof_detector.cli.offline_options import (
    EXIT_CODES,
    add_export_options,
    add_progress_options,
    add_threshold_options,
    formats_of,
    print_outcome,
    thresholds_of,
)

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from roof_detector.inference.detector import Detector
    from roof_detector.offline.outcome import InputOutcome
    from roof_detector.offline.settings import DetectSettings
    from roof_detector.vision.tiles import Tiling


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and its options."""
    parser = subparsers.add_parser(
        'detect',
        help='detect in recorded flights, videos and images, without a running ROS',
        description='Run the detector over each input and write to OUTPUT/<name>: a bag with the '
        "results under the input's own stamps, tables, timing.csv and run.json. The same input "
        'and model give the same bag, byte by byte, on the same machine.',
        epilog=EXIT_CODES,
    )
    parser.add_argument(
        'inputs',
        nargs='+',
        metavar='INPUT',
        help='rosbag2 folder, .mcap, .db3, ROS 1 .bag, video, image, orthophoto (GeoTIFF), or '
        'folder of any of these',
    )
    parser.add_argument(
        '--output',
        type=Path,
        required=True,
        metavar='DIR',
        help='folder in which each input gets a folder of its own',
    )
    parser.add_argument(
        '--image-topics',
        nargs='+',
        default=(),
        metavar='TOPIC',
        help='image topics of a bag; by default all with images of a camera, of each the raw '
        'one before the compressed',
    )
    again = parser.add_mutually_exclusive_group()
    again.add_argument('--overwrite', action='store_true', help='replace results that exist')
    again.add_argument(
        '--resume', action='store_true', help='continue a killed run of this command'
    )
    add_progress_options(parser)
    add_model_options(parser)
    add_tile_options(parser)
    _add_raster_options(parser)
    add_threshold_options(parser)
    _add_bag_options(parser)
    add_export_options(parser)
    add_georeference_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Detect in all inputs and return the exit code."""
    from roof_detector.offline.batch import make_output  # noqa: PLC0415
    from roof_detector.offline.outcome import exit_code  # noqa: PLC0415

    settings = _settings(arguments)
    make_output(arguments.output)
    outcomes = detect_and_print(
        arguments,
        arguments.inputs,
        output=arguments.output,
        settings=settings,
        resume=arguments.resume,
        interrupted='Interrupted. The same command with --resume continues here.',
    )
    return exit_code(outcomes)


def detect_and_print(
    arguments: argparse.Namespace,
    inputs: Sequence[str],
    *,
    output: Path,
    settings: DetectSettings,
    resume: bool,
    interrupted: str,
) -> list[InputOutcome]:
    """Detect in inputs, print the outcome of each, and return all; Ctrl-C says `interrupted`."""
    from roof_detector.offline.batch import detect_all  # noqa: PLC0415

    outcomes = []
    with open_detector(arguments) as detector:
        settings.thresholds.for_names(detector.names)
        try:
            for outcome in detect_all(
                inputs,
                output,
                detector=detector,
                settings=settings,
                overwrite=arguments.overwrite,
                resume=resume,
                progress=arguments.progress,
            ):
                outcomes.append(outcome)
                print_outcome(outcome, progress=arguments.progress)
        except KeyboardInterrupt:
            print(interrupted, file=sys.stderr)
            raise
    return outcomes


def add_model_options(parser: argparse.ArgumentParser) -> None:
    """Add the options for the model and what runs it."""
    group = parser.add_argument_group('the model')
    group.add_argument(
        '--model',
        default='roof_anomalies',
        help='shipped model or model file; %(default)s by default',
    )
    group.add_argument(
        '--image-size',
        type=int,
        metavar='PIXELS',
        help="side of the network's input; the model's own by default",
    )
    group.add_argument(
        '--device', default='auto', help='auto, cpu, cuda or cuda:N; %(default)s by default'
    )
    group.add_argument(
        '--backend',
        default='auto',
        help="auto, torch, onnxruntime, openvino, torchscript or tensorrt, as the model's format "
        'allows; %(default)s by default',
    )
    group.add_argument(
        '--threads',
        type=int,
        metavar='N',
        help='images inferred side by side on the CPU, each on one core; as many as there are '
        'cores by default (torch: threads of one image)',
    )
    group.add_argument(
        '--trust-model',
        action='store_true',
        help='import a .pt even where the kernel can confine no process, and run a .torchscript '
        'or .engine: it can then run any code',
    )
    group.add_argument(
        '--raw-confidence',
        action='store_true',
        help="the network's own confidences, not those that the model package calibrates",
    )
    group.add_argument(
        '--int8',
        action='store_true',
        help='run the INT8 model of a package, as the parameter int8 of the node: on a CPU that '
        'is made for it, if the package states that it loses less than 0.5 points of mAP50 on '
        'photographs; else FP32 runs, and why is printed',
    )
    group.add_argument(
        '--model-key',
        metavar='FILE',
        help='public key (PEM): only a model package signed with it is used (models sign)',
    )


def add_tile_options(parser: argparse.ArgumentParser) -> None:
    """Add the options for inference on tiles."""
    group = parser.add_argument_group('small objects in large frames')
    group.add_argument(
        '--tiles',
        action='store_true',
        help='run inference on overlapping tiles of each frame as well',
    )
    group.add_argument(
        '--auto-tiles',
        action='store_true',
        help='on tiles only of frames that the network would see at less than a quarter of their '
        'size, and at a quarter of it',
    )
    group.add_argument(
        '--tile-size',
        type=int,
        metavar='PIXELS',
        help="side of a tile; the size of the network's input by default",
    )
    group.add_argument(
        '--tile-overlap',
        type=float,
        metavar='FRACTION',
        help='fraction of a tile that its neighbour shows as well; 0.2 by default',
    )


def _add_raster_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group('orthophotos')
    group.add_argument(
        '--metres-per-pixel',
        type=float,
        nargs=2,
        metavar=('LOW', 'HIGH'),
        help='ground resolution that an orthophoto is brought to for the network; by default the '
        'one that the model package states, or else its own',
    )


def _add_bag_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group('the result bag')
    group.add_argument(
        '--copy-topics',
        nargs='*',
        metavar='TOPIC',
        help="topics of a bag to copy unchanged, also as patterns ('*' for all); camera info, fix "
        'and pose by default',
    )
    group.add_argument('--annotated', action='store_true', help='add annotated images')
    group.add_argument(
        '--jpeg-quality',
        type=int,
        default=85,
        metavar='Q',
        help='JPEG quality of these, from 1 to 100; %(default)s by default',
    )
    group.add_argument(
        '--keep-candidates',
        type=float,
        metavar='CONFIDENCE',
        help='keep all candidates of at least this confidence for "roof_detector '
        'rethreshold", such as 0.05; none by default',
    )


def _settings(arguments: argparse.Namespace) -> DetectSettings:
    from roof_detector.offline.settings import DetectSettings, OutputSettings  # noqa: PLC0415

    output = OutputSettings(
        formats=formats_of(arguments),
        annotated=arguments.annotated,
        jpeg_quality=arguments.jpeg_quality,
        keep_candidates=arguments.keep_candidates,
        image_topics=tuple(arguments.image_topics),
        copy_topics=None if arguments.copy_topics is None else tuple(arguments.copy_topics),
        georeferencing=georeferencing_of(arguments),
    )
    return DetectSettings(
        thresholds_of(arguments), output, tiling_of(arguments), _metres_per_pixel(arguments)
    )


def _metres_per_pixel(arguments: argparse.Namespace) -> tuple[float, float] | None:
    if arguments.metres_per_pixel is None:
        return None
    from roof_detector.inference.package.manifest import (  # noqa: PLC0415
        check_metres_per_pixel,
    )

    return check_metres_per_pixel(tuple(arguments.metres_per_pixel))


def tiling_of(arguments: argparse.Namespace) -> Tiling | None:
    """Return the tiling of the options, None without; raise VisionError if they clash."""
    from roof_detector.vision.errors import VisionError  # noqa: PLC0415
    from roof_detector.vision.tiles import Tiling  # noqa: PLC0415

    chosen = {'size': arguments.tile_size, 'overlap': arguments.tile_overlap}
    given = {name: value for name, value in chosen.items() if value is not None}
    if arguments.tiles and arguments.auto_tiles:
        msg = '--tiles and --auto-tiles exclude each other: leave one of them out.'
        raise VisionError(msg)
    if given and not (arguments.tiles or arguments.auto_tiles):
        msg = (
            '--tile-size and --tile-overlap need --tiles or --auto-tiles: add one, or leave them '
            'out.'
        )
        raise VisionError(msg)
    if arguments.auto_tiles:
        return Tiling(**given, only_reduced=True)
    return Tiling(**given) if arguments.tiles else None


def open_detector(arguments: argparse.Namespace) -> Detector:
    """Open the detector of the options."""
    from roof_detector.inference.detector import Detector  # noqa: PLC0415
    from roof_detector.inference.device_name import available_cores  # noqa: PLC0415
    from roof_detector.inference.export.export_cache import ExportCache  # noqa: PLC0415
    from roof_detector.inference.shipped_weights import resolve_model  # noqa: PLC0415

    detector = Detector.open(
        resolve_model(arguments.model),
        device=arguments.device,
        backend=arguments.backend,
        cache=ExportCache.usual(),  # as the node
        image_size=arguments.image_size,
        trust_model=arguments.trust_model,
        model_key=arguments.model_key,
        threads=arguments.threads,
        lanes=arguments.threads or available_cores(),
        calibrate=not arguments.raw_confidence,
        int8=arguments.int8,
    )
    if arguments.int8 and detector.precision != 'int8':
        reason = dict(detector.choice.passed_over).get('int8', 'only packages have one')
        print(f'--int8: no INT8 model runs, {reason.rstrip(".")}.', file=sys.stderr)
    return detector
