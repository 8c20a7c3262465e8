# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The writer of YOLO sets: images, label files and a data.yaml that works after any move."""

from __future__ import annotations

import contextlib
import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt
import yaml

from roof_detector.inputs.errors import InputError
from roof_detector.inputs.image_decoding import read_image
from training.dataset.error import DatasetError
from training.dataset.labelled_set import UNSPLIT
from training.dataset.outline import joined

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from roof_detector.inference.options import Task
    from training.dataset.instance import Instance
    from training.dataset.piece import Piece

MARK = '# Written by roof_detector'
_JPEG_QUALITY = 95
_LOSSLESS = frozenset({'.bmp', '.png', '.tif', '.tiff'})


@contextlib.contextmanager
def fresh_folder(output: Path, *, overwrite: bool = False) -> Iterator[Path]:
    """Yield a folder to write into that becomes `output` on success, else is removed.

    Raises DatasetError if `output` exists; with `overwrite`, unless this writer made it.
    """
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        if not overwrite:
            msg = f'{output} exists already, not overwriting. Give another folder or --overwrite.'
            raise DatasetError(msg)
        described = output.glob('data*.yaml') if output.is_dir() else ()
        if not any(file.read_text().startswith(MARK) for file in described):
            msg = (
                f'{output} was not written by this command and is left alone; remove it yourself.'
            )
            raise DatasetError(msg)
    staging = output.with_name(f'.{output.name}.part')
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(parents=True)
    try:
        yield staging
        if output.exists():
            shutil.rmtree(output)
        staging.rename(output)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def write_pieces(pieces: Iterable[Piece], folder: Path, *, task: Task) -> dict[str, list[Path]]:
    """Write images and labels and return each split's images, relative to the folder."""
    written: dict[str, list[Path]] = {}
    stems, names = _FreeNames(), _FreeNames()
    pixels = _Pixels()
    for piece in pieces:
        # All tiles of an image share one name, which no tile of another image has.
        stem = stems.of(piece.image_path.stem, key=piece.image_path)
        name = names.of(stem + piece.name.removeprefix(piece.image_path.stem))
        target = Path('images', piece.split, f'{name}{_suffix(piece)}')
        for path in (folder / target, folder / 'labels' / piece.split / f'{name}.txt'):
            path.parent.mkdir(parents=True, exist_ok=True)
        if piece.window is None and piece.upright:
            shutil.copyfile(piece.image_path, folder / target)
        else:
            _write_image(folder / target, pixels.of(piece))
        lines = ''.join(f'{label_line(one, task=task)}\n' for one in piece.instances)
        (folder / 'labels' / piece.split / f'{name}.txt').write_text(lines)
        written.setdefault(piece.split, []).append(target)
    return written


def write_data_yaml(
    path: Path, names: tuple[str, ...], splits: dict[str, str], *, remark: str = ''
) -> None:
    """Write a data.yaml; without `path:` its folders are relative to it."""
    content = yaml.safe_dump({**splits, 'nc': len(names)}, sort_keys=False, allow_unicode=True)
    # In quotes, for YAML 1.1 takes no, on, null and 1.0 for other values than their text.
    content += 'names:\n' + ''.join(
        f'  {number}: {json.dumps(name, ensure_ascii=False)}\n'
        for number, name in enumerate(names)
    )
    notes = ''.join(f'# {line}\n' for line in remark.splitlines())
    path.write_text(f'{MARK}; edit freely.\n{notes}{content}', encoding='utf-8')


def split_folders(written: dict[str, list[Path]]) -> dict[str, str]:
    """Return data.yaml's entries for the splits that were written."""
    known: tuple[str, ...] = ('train', 'val', 'test')
    entries = {split: f'images/{split}' for split in known if split in written}
    # A set that is not split yet is described as a whole, so that it can be checked and split.
    return entries or {'train': f'images/{UNSPLIT}'}


def label_line(instance: Instance, *, task: Task) -> str:
    """Return a line `class x y w h`, or `class x1 y1 x2 y2 ...`, in shares of the image."""
    if task == 'segment':
        numbers = joined(instance.polygons).reshape(-1)
    else:
        low, high = instance.box_xyxy[:2], instance.box_xyxy[2:]
        numbers = np.concatenate([(low + high) / 2, high - low])
    return f'{instance.class_id} ' + ' '.join(f'{value:.6f}' for value in numbers)


class _FreeNames:
    """A source of unused names, whatever their case: numbered if needed."""

    def __init__(self) -> None:
        self._taken: set[str] = set()
        self._given: dict[Path, str] = {}
        self._next: dict[str, int] = {}

    def of(self, wanted: str, *, key: Path | None = None) -> str:
        """Return an unused name, always the same for one key."""
        if key is not None and key in self._given:
            return self._given[key]
        name, again = wanted, self._next.get(wanted.lower(), 2)
        while name.lower() in self._taken:
            name, again = f'{wanted}_{again}', again + 1
        self._next[wanted.lower()] = again  # so that many images of one name cost no search each
        self._taken.add(name.lower())
        if key is not None:
            self._given[key] = name
        return name


class _Pixels:
    """The pixels of the last image, which many tiles share."""

    def __init__(self) -> None:
        self._path: Path | None = None
        self._image: npt.NDArray[np.uint8] | None = None

    def of(self, piece: Piece) -> npt.NDArray[np.uint8]:
        if piece.image_path != self._path or self._image is None:
            try:
                image = read_image(piece.image_path)  # upright, as EXIF demands
            except InputError as error:
                msg = f'{error} Replace or remove it.'
                raise DatasetError(msg) from error
            self._path, self._image = piece.image_path, image
        if piece.window is None:
            return self._image
        left, top, right, bottom = piece.window
        return self._image[top:bottom, left:right]


def _suffix(piece: Piece) -> str:
    suffix = piece.image_path.suffix.lower()
    if piece.window is None and piece.upright:
        return suffix
    return '.png' if suffix in _LOSSLESS else '.jpg'


def _write_image(path: Path, image: npt.NDArray[np.uint8]) -> None:
    options = [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY] if path.suffix == '.jpg' else []
    done, packed = cv2.imencode(path.suffix, image, options)
    if not done:
        msg = f'{path.name} cannot be encoded as {path.suffix}.'
        raise DatasetError(msg)
    path.write_bytes(packed.tobytes())
