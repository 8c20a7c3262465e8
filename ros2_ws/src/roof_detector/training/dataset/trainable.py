# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The files that training reads: exactly the set that was checked."""

from __future__ import annotations

from pathlib import Path

from training.dataset.error import DatasetError
from training.dataset.reader import open_set
from training.dataset.yolo import KIND
from training.dataset.yolo_writer import write_data_yaml


def trainable_data_yaml(path: Path | str, folder: Path | str) -> Path:
    """Write into `folder` a data.yaml and lists with the absolute paths of a set's images.

    ultralytics resolves relative paths in other places than tools do, `../train/images` for one;
    absolute paths are unambiguous. Raises DatasetError for a set that cannot be trained on
    unchanged: a zip, another format than YOLO, a set without train and val.
    """
    path, folder = Path(path), Path(folder)
    if path.suffix.lower() == '.zip':
        msg = f'{path} is packed; unpack it with: {_command("convert", path)}'
        raise DatasetError(msg)
    with open_set(path) as found:
        labelled = found.labelled
        if labelled.kind != KIND:
            msg = (
                f'{path} is in the format {labelled.kind}, training reads YOLO; '
                f'convert it with: {_command("convert", path)}'
            )
            raise DatasetError(msg)
        if absent := [name for name in ('train', 'val') if name not in labelled.splits]:
            msg = (
                f'{path} has no {" and no ".join(absent)}; '
                f'split it with: {_command("split", path)}'
            )
            raise DatasetError(msg)
        folder.mkdir(parents=True, exist_ok=True)
        lists = {split: folder.resolve() / f'{split}.txt' for split in labelled.splits}
        for split, file in lists.items():
            images = (sample.image_path.absolute() for sample in labelled.of_split(split))
            file.write_text(''.join(f'{image_path}\n' for image_path in images), encoding='utf-8')
        described = folder / 'data.yaml'
        write_data_yaml(
            described, labelled.names, {split: str(file) for split, file in lists.items()}
        )
    return described


def _command(name: str, path: Path) -> str:
    return f'roof_detector dataset {name} {path} --output {path.stem}_yolo'
