# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Which pictures are evaluated, and where their labels are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from roof_detector.sources.pictures import is_picture, natural_key
from training.evaluation.errors import EvaluationError

# Other names that exports give the split on which a training is judged.
_SAME_SPLIT = {'val': ('val', 'valid', 'validation'), 'test': ('test', 'testing')}


@dataclass(frozen=True)
class LabelledPicture:
    """Hold a picture's path and that of its labels, which need not exist."""

    path: Path
    label_path: Path


@dataclass(frozen=True)
class LabelledSet:
    """Hold the class names and pictures of one split of a YOLO data set."""

    source: Path
    split: str
    names: tuple[str, ...]
    pictures: tuple[LabelledPicture, ...]

    def __post_init__(self) -> None:
        if not self.pictures:
            raise EvaluationError(f'{self.source} has no picture in {self.split!r}, nothing done.')
        if len(set(self.names)) < len(self.names) or not self.names:
            raise EvaluationError(
                f'{self.source} names its classes {list(self.names)}, expected each name once.'
            )

    @classmethod
    def open(
        cls, source: str | Path, *, split: str = 'val', names: Sequence[str] = ()
    ) -> LabelledSet:
        """Open a data.yaml, the folder that holds one, or a folder of images/ and labels/.

        `names` gives the class names in order of their ids, instead of those in the data.yaml; a
        folder without one needs them. Raises EvaluationError.
        """
        path = Path(source).expanduser()
        if (path / 'data.yaml').is_file():
            path = path / 'data.yaml'
        if path.is_dir():
            return cls(path, *_open_folder(path, split=split, names=tuple(names)))
        if path.suffix not in ('.yaml', '.yml') or not path.is_file():
            raise EvaluationError(
                f'{path} does not exist or is no data set, give a data.yaml or a folder with '
                'images/ and labels/.'
            )
        return cls(path, split, *_open_yaml(path, split=split, names=tuple(names)))


def _open_folder(
    folder: Path, *, split: str, names: tuple[str, ...]
) -> tuple[str, tuple[str, ...], tuple[LabelledPicture, ...]]:
    if not names:
        raise EvaluationError(
            f'{folder} has no data.yaml that names its classes, name them in order of their ids: '
            '--names equip drain'
        )
    inside = [folder / 'images' / name for name in _SAME_SPLIT.get(split, (split,))]
    pictures = next((one for one in inside if one.is_dir()), folder / 'images')
    if not pictures.is_dir():
        raise EvaluationError(f'{folder} has no folder images/, expected images/ and labels/.')
    chosen = 'all' if pictures.name == 'images' else split
    return chosen, names, _pictures_below(pictures)


def _open_yaml(
    path: Path, *, split: str, names: tuple[str, ...]
) -> tuple[tuple[str, ...], tuple[LabelledPicture, ...]]:
    try:
        content = yaml.safe_load(path.read_text())
    except yaml.YAMLError as error:
        raise EvaluationError(f'{path} is not YAML: {" ".join(str(error).split())}') from error
    if not isinstance(content, dict):
        raise EvaluationError(f'{path} is not a data.yaml, expected names, train and val.')
    own = _read_names(content.get('names'), path=path)
    if names and len(names) != len(own):
        raise EvaluationError(
            f'{path} has {len(own)} classes ({", ".join(own)}), but {len(names)} names were given.'
        )
    entries = next((content[k] for k in _SAME_SPLIT.get(split, (split,)) if content.get(k)), None)
    if entries is None:
        raise EvaluationError(f'{path} has no split {split!r}, choose another with --split.')
    root = path.parent / Path(str(content.get('path') or '.')).expanduser()
    pictures: list[LabelledPicture] = []
    for entry in [entries] if isinstance(entries, str) else entries:
        pictures.extend(_pictures_of_entry(str(entry), root=root, yaml_path=path))
    return names or own, tuple(dict.fromkeys(pictures))


def _read_names(value: Any, *, path: Path) -> tuple[str, ...]:
    if isinstance(value, dict) and sorted(value) == list(range(len(value))):
        value = [value[i] for i in range(len(value))]
    if not isinstance(value, list) or not value:
        raise EvaluationError(
            f'{path} names its classes {value!r}, expected a list or a mapping from 0 upwards.'
        )
    return tuple(str(name) for name in value)


def _pictures_of_entry(entry: str, *, root: Path, yaml_path: Path) -> list[LabelledPicture]:
    # Exports of Roboflow write ../valid/images for a folder that lies beside data.yaml.
    beside = yaml_path.parent
    candidates = (root / entry, beside / entry, beside / entry.removeprefix('../'))
    found = next((one for one in candidates if one.exists()), None)
    if found is None:
        raise EvaluationError(
            f'{yaml_path} points to {candidates[0]}, which does not exist: correct the entry path '
            'or the split.'
        )
    if found.is_dir():
        return list(_pictures_below(found))
    listed = [line.strip() for line in found.read_text().splitlines() if line.strip()]
    return [_labelled(_listed_picture(line, listing=found, root=root)) for line in listed]


def _listed_picture(line: str, *, listing: Path, root: Path) -> Path:
    candidates = (root / line, listing.parent / line)
    found = next((one for one in candidates if one.is_file()), None)
    if found is None:
        raise EvaluationError(f'{listing} lists {line}, which does not exist.')
    return found


def _pictures_below(folder: Path) -> tuple[LabelledPicture, ...]:
    paths = [path for path in folder.rglob('*') if is_picture(path)]
    return tuple(_labelled(p) for p in sorted(paths, key=lambda path: natural_key(str(path))))


def _labelled(path: Path) -> LabelledPicture:
    """Find the labels where YOLO keeps them: the last folder images is labels there."""
    parts = list(path.with_suffix('.txt').parts)
    places = [i for i, part in enumerate(parts[:-1]) if part == 'images']
    if places:
        parts[places[-1]] = 'labels'
    return LabelledPicture(path, Path(*parts))
