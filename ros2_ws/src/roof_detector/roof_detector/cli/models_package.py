# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""`roof_detector models import, golden, show, key, sign, verify`: handles model packages."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from roof_detector.inference.options import PACKAGE_BACKENDS
from roof_detector.inputs.plain_text import plain_text

if TYPE_CHECKING:
    import argparse


def add_parsers(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands and their options."""
    _add_import(subparsers)
    _add_golden(subparsers)
    _add_show(subparsers)
    _add_scale(subparsers)
    _add_key(subparsers)
    _add_sign(subparsers)
    _add_verify(subparsers)


def _add_import(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser(
        'import',
        help='make a model package of an ultralytics checkpoint (.pt)',
        description='Make a model package of an ultralytics checkpoint. A .pt is a program: it is '
        'read in a process that the kernel confines (no network, no other programs, no files '
        'but its own, limits of memory and time), and what comes out of that is read as data. '
        'The package holds the network as ONNX and as safetensors with its architecture, and '
        'golden images with their expected detections.',
    )
    parser.add_argument('checkpoint', type=Path, help='file (.pt) to import')
    parser.add_argument(
        '--output',
        type=Path,
        metavar='FILE',
        help='where to write the package (.zip); beside the checkpoint, with its name, by default',
    )
    parser.add_argument('--name', help="name of the model; the output's name by default")
    parser.add_argument(
        '--licence', metavar='TEXT', help='AGPL-3.0-only by default, because ultralytics is'
    )
    parser.add_argument(
        '--trust',
        action='store_true',
        help='import even where the kernel can confine no process: the checkpoint can then run '
        'any code',
    )
    _add_metres_per_pixel(parser, required=False)
    parser.add_argument('--again', action='store_true', help='replace an existing package')
    parser.set_defaults(run=_import)


def _add_golden(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser(
        'golden',
        help='give a model package golden images of your own',
        description='Write a package again with golden images made of yours: each is reduced to '
        'an input of the network, and what the network detects in it now must be detected '
        'wherever the package is used. Choose images in which it finds each of its classes. The '
        'new package is not signed.',
    )
    parser.add_argument('package', help='package (.zip or folder) or name of a shipped model')
    parser.add_argument('images', nargs='+', type=Path, metavar='IMAGE', help='image file')
    parser.add_argument(
        '--output', type=Path, required=True, metavar='FILE', help='where to write it (.zip)'
    )
    parser.add_argument('--again', action='store_true', help='replace an existing package')
    parser.set_defaults(run=_golden)


def _add_show(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser(
        'show',
        help='show the content of a model package, with the hash of every file',
        description='Check a model package and print its manifest as JSON, with its own hash.',
    )
    parser.add_argument('model', help='package (.zip or folder) or name of a shipped model')
    parser.set_defaults(run=_show)


def _add_metres_per_pixel(parser: argparse.ArgumentParser, *, required: bool) -> None:
    parser.add_argument(
        '--metres-per-pixel',
        type=float,
        nargs=2,
        required=required,
        metavar=('LOW', 'HIGH'),
        help='ground resolution that the model was trained at, as its input shows it: '
        'orthophotos are brought to it',
    )


def _add_scale(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser(
        'scale',
        help='state in a model package at which ground resolution it was trained',
        description='Write into the manifest of a package, in place, at which metres per pixel '
        'the model was trained. A signature is removed, because it was of the manifest before.',
    )
    parser.add_argument('package', type=Path, help='package (.zip) to change')
    _add_metres_per_pixel(parser, required=True)
    parser.set_defaults(run=_scale)


def _add_key(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser(
        'key',
        help='make a pair of keys to sign packages with',
        description='Write model_key.pem, which signs and stays secret, and model_key.pub, '
        'which checks signatures and goes on the drones.',
    )
    parser.add_argument('folder', type=Path, help='where to write them')
    parser.set_defaults(run=_key)


def _add_sign(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser(
        'sign',
        help='sign a model package',
        description='Sign a package in place. A password of the key is read from the environment '
        'variable ROOF_DETECTOR_KEY_PASSWORD.',
    )
    parser.add_argument('package', type=Path, help='package (.zip or folder) to sign')
    parser.add_argument(
        '--key', type=Path, required=True, metavar='FILE', help='private key (PEM), elliptic curve'
    )
    parser.set_defaults(run=_sign)


def _add_verify(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser(
        'verify',
        help='check a model package: its files, its signature and its detections',
        description='Check the hash of every file of a package, with --key the signature, and '
        'run its golden images. The exit code is 0 if the package is valid.',
    )
    parser.add_argument('model', help='package (.zip or folder) or name of a shipped model')
    parser.add_argument(
        '--key', type=Path, metavar='FILE', help='public key (PEM) of the required signature'
    )
    parser.add_argument(
        '--backend',
        choices=PACKAGE_BACKENDS,
        default='onnxruntime',
        help='backend for the golden images; %(default)s by default',
    )
    parser.set_defaults(run=_verify)


def _import(arguments: argparse.Namespace) -> int:
    from roof_detector.inference.package.checkpoint_package import import_files  # noqa: PLC0415
    from roof_detector.inference.package.container import write_zip  # noqa: PLC0415
    from roof_detector.inference.package.model_package import ModelPackage  # noqa: PLC0415
    from roof_detector.inference.package.scale import with_metres_per_pixel  # noqa: PLC0415

    checkpoint = arguments.checkpoint.expanduser()
    output = _checked_output(arguments.output or checkpoint.with_suffix('.zip'), arguments)
    files = import_files(
        checkpoint,
        trust=arguments.trust,
        name=arguments.name or output.stem,
        licence=arguments.licence,
    )
    if arguments.metres_per_pixel:
        files = with_metres_per_pixel(files, arguments.metres_per_pixel)
    output.parent.mkdir(parents=True, exist_ok=True)
    write_zip(output, files)
    print(_described(ModelPackage.open(output)))
    return 0


def _golden(arguments: argparse.Namespace) -> int:
    from roof_detector.inference.package.container import write_zip  # noqa: PLC0415
    from roof_detector.inference.package.golden_making import with_golden_images  # noqa: PLC0415
    from roof_detector.inference.package.model_package import ModelPackage  # noqa: PLC0415
    from roof_detector.inference.shipped_weights import resolve_model  # noqa: PLC0415
    from roof_detector.inputs.image_decoding import read_image  # noqa: PLC0415

    output = _checked_output(arguments.output, arguments)
    package = ModelPackage.open(resolve_model(arguments.package))
    images = [read_image(path.expanduser()) for path in arguments.images]
    files, golden = with_golden_images(package, images)
    output.parent.mkdir(parents=True, exist_ok=True)
    write_zip(output, files)
    for path, one in zip(arguments.images, golden, strict=True):
        counts = Counter(found.class_name for found in one.detections)
        found = ', '.join(f'{count} {name}' for name, count in sorted(counts.items()))
        print(plain_text(f'{path.name}: {found or "nothing is detected in it"}'))
    missing = set(package.manifest.class_names) - {
        found.class_name for one in golden for found in one.detections
    }
    if missing:
        print(plain_text(f'No golden image shows {", ".join(sorted(missing))}.'))
    print(plain_text(_described(ModelPackage.open(output))))
    return 0


def _checked_output(output: Path, arguments: argparse.Namespace) -> Path:
    from roof_detector.inference.errors import ExportFailed  # noqa: PLC0415

    output = output.expanduser()
    if output.suffix != '.zip':
        msg = f'{output} does not end in .zip, as a package does.'
        raise ExportFailed(msg)
    if output.exists() and not arguments.again:
        msg = f'{output} exists already, not overwriting it without --again.'
        raise ExportFailed(msg)
    return output


def _show(arguments: argparse.Namespace) -> int:
    import json  # noqa: PLC0415

    from roof_detector.inference.package.model_package import ModelPackage  # noqa: PLC0415
    from roof_detector.inference.shipped_weights import resolve_model  # noqa: PLC0415

    package = ModelPackage.open(resolve_model(arguments.model))
    values = json.loads(package.manifest.as_bytes())
    print(json.dumps({'sha256': package.sha256, 'signed': package.is_signed, **values}, indent=1))
    return 0


def _scale(arguments: argparse.Namespace) -> int:
    from roof_detector.inference.errors import BadModel  # noqa: PLC0415
    from roof_detector.inference.package.container import write_zip  # noqa: PLC0415
    from roof_detector.inference.package.model_package import ModelPackage  # noqa: PLC0415
    from roof_detector.inference.package.scale import with_metres_per_pixel  # noqa: PLC0415

    path = arguments.package.expanduser()
    if path.is_dir():
        msg = f'{path} is a folder, expected a package in one file (.zip).'
        raise BadModel(msg)
    package = ModelPackage.open(path)
    write_zip(path, with_metres_per_pixel(package.files, arguments.metres_per_pixel))
    removed = ' Its signature was removed: sign it again.' if package.is_signed else ''
    print(_described(ModelPackage.open(path)) + removed)
    return 0


def _key(arguments: argparse.Namespace) -> int:
    from roof_detector.inference.package.signature import make_key  # noqa: PLC0415

    private, public = make_key(arguments.folder.expanduser())
    print(f'{private} signs packages: keep it secret.\n{public} checks them: models verify --key.')
    return 0


def _sign(arguments: argparse.Namespace) -> int:
    from roof_detector.inference.package.signature import sign_package  # noqa: PLC0415

    package = arguments.package.expanduser()
    sign_package(
        package,
        private_key=arguments.key.expanduser(),
        password=os.environ.get('ROOF_DETECTOR_KEY_PASSWORD'),
    )
    print(f'{package} is signed.')
    return 0


def _verify(arguments: argparse.Namespace) -> int:
    from roof_detector.inference.detector import Detector  # noqa: PLC0415
    from roof_detector.inference.errors import BadModel  # noqa: PLC0415
    from roof_detector.inference.package.container import is_package  # noqa: PLC0415
    from roof_detector.inference.package.model_package import ModelPackage  # noqa: PLC0415
    from roof_detector.inference.package.signature import verify_package  # noqa: PLC0415
    from roof_detector.inference.shipped_weights import resolve_model  # noqa: PLC0415

    path = resolve_model(arguments.model)
    if not is_package(path):
        msg = f'{path} is not a model package: roof_detector models import makes one.'
        raise BadModel(msg)
    package = ModelPackage.open(path)
    if arguments.key:
        verify_package(package, public_key=arguments.key.expanduser())
    Detector.open(path, device='cpu', backend=arguments.backend).close()
    signed = 'signed by the owner of the key' if arguments.key else 'signature not checked'
    print(
        f'{_described(package)} Every file is as in its manifest, {signed}, and its golden '
        'images pass.'
    )
    return 0


def _described(package: object) -> str:
    from roof_detector.inference.package.model_package import ModelPackage  # noqa: PLC0415

    assert isinstance(package, ModelPackage)
    manifest = package.manifest
    scale = ''
    if manifest.metres_per_pixel is not None:
        low_m, high_m = manifest.metres_per_pixel
        scale = f' of {low_m:g} to {high_m:g} m on the ground'
    return (
        f'{package.path}: {manifest.task} of {", ".join(manifest.class_names)}, '
        f'{manifest.image_size_wh[0]}x{manifest.image_size_wh[1]} pixels{scale}, weights in '
        f'{manifest.precision}, SHA-256 of the manifest {package.sha256}.'
    )
