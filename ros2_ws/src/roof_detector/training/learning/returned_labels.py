# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Labels that a labelling tool gives back, matched to the frames of their selection."""

from __future__ import annotations

import contextlib
import tempfile
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import numpy as np

from training.dataset.archive import opened
from training.dataset.error import DatasetError
from training.dataset.labelled_set import IMAGE_SUFFIXES, hidden
from training.dataset.reader import open_set
from training.learning.frame_labels import FrameLabels, label_box
from training.learning.selection_folder import IMAGES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from training.dataset.labelled_set import LabelledSet
    from training.learning.selection_folder import Selection

_MOST_NAMED = 10
_ABSENT = 'image_missing'


@dataclass(kw_only=True)
class ReturnedLabels:
    """The frames that were labelled, by name; `lost` says in sentences what could not be used."""

    frames: dict[str, FrameLabels] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)

    def add(self, other: ReturnedLabels, source: Path) -> None:
        """Add those of another file; the labels of a frame that is labelled already are lost."""
        twice = sorted(self.frames.keys() & other.frames.keys())
        if twice:
            self.lost.append(
                f'{source} labels {_listed(twice)} again; the labels that came first are kept.'
            )
        self.frames = {**other.frames, **self.frames}
        self.lost += other.lost


def take_back(
    folder: Path, selection: Selection, labels: Sequence[Path], *, names: Sequence[str] = ()
) -> ReturnedLabels:
    """Read label files, folders or zips of any format; one that is damaged stops no other.

    `folder` is that of the selection, whose images count, whatever a label file brings along. A
    frame that no file mentions is not labelled; one that is listed without objects shows nothing.
    `names` are the class names of files without any.
    """
    found = ReturnedLabels()
    for source in labels:
        try:
            found.add(_of_file(folder, selection, source, tuple(names)), source)
        except (DatasetError, OSError) as error:
            found.lost.append(f'{source} is not used: {error}')
    return found


def _of_file(
    folder: Path, selection: Selection, source: Path, names: tuple[str, ...]
) -> ReturnedLabels:
    known = {one.labelled.stem.lower(): one.labelled for one in selection.frames}
    found = ReturnedLabels()
    with opened(source) as place, tempfile.TemporaryDirectory(prefix='roof_detector-labels-') as t:
        stage = Path(t).resolve()
        strangers = _stage(place, stage, folder / IMAGES, known)
        with open_set(stage, names=names or _plain_names(place, selection)) as opened_set:
            labelled, log = opened_set.labelled, opened_set.log
    faults = [one for one in log.faults if one.kind not in (_ABSENT, 'split_missing')]
    absent = [str(one) for one in log.faults if one.kind == _ABSENT]
    absent += [f'{one}: labels a frame that the selection does not have.' for one in strangers]
    for sentences, what in (
        (absent, 'frames that the selection does not have'),
        (faults, 'labels that cannot be used; their frames are left out'),
    ):
        if sentences:
            shown = ' '.join(str(one) for one in sentences[:_MOST_NAMED])
            more = (
                f' and {len(sentences) - _MOST_NAMED} more' if len(sentences) > _MOST_NAMED else ''
            )
            found.lost.append(f'{source} has {len(sentences)} {what}: {shown}{more}')
    found.lost += [f'{source}: {one}' for one in log.skipped_warnings()]
    found.frames = dict(_frames(labelled, known))
    if not found.frames:
        found.lost.append(f'{source} labels no frame of the selection.')
    return found


def _frames(
    labelled: LabelledSet, known: dict[str, FrameLabels]
) -> Iterator[tuple[str, FrameLabels]]:
    for sample in labelled.samples:
        frame = known.get(sample.image_path.stem.lower())
        if frame is None or sample.label_file is None or not sample.sound:
            continue
        scale = np.array((*frame.size_wh, *frame.size_wh), np.float64)
        boxes = (
            label_box(labelled.names[one.class_id], (one.box_xyxy * scale).tolist(), frame.size_wh)
            for one in sample.instances
        )
        yield (
            frame.name,
            FrameLabels(
                name=frame.name,
                size_wh=frame.size_wh,
                boxes=tuple(one for one in boxes if one is not None),
            ),
        )


def _stage(place: Path, stage: Path, images: Path, known: dict[str, FrameLabels]) -> list[str]:
    """Put labels and the selection's own images together; return images it does not have."""
    strangers: list[str] = []
    linked: set[str] = set()
    root = place if place.is_dir() else place.parent
    files = sorted(place.rglob('*')) if place.is_dir() else [place]
    for file in files:
        if not file.is_file() or hidden(file, root):
            continue
        target = stage / file.relative_to(root)
        if file.suffix.lower() in IMAGE_SUFFIXES:
            frame = known.get(file.stem.lower())
            if frame is None:
                strangers.append(file.relative_to(root).as_posix())
                continue
            if frame.name in linked:
                continue
            linked.add(frame.name)
            _link(images / frame.name, target.with_name(frame.name))
        else:
            _link(file, target)
    for label in sorted(stage.rglob('*.txt')):  # of YOLO: images are where their labels are not
        frame = known.get(label.stem.lower())
        if frame is not None and frame.name not in linked:
            linked.add(frame.name)
            _link(images / frame.name, _beside(label.relative_to(stage), stage, frame.name))
    for frame in known.values():
        if frame.name not in linked:
            _link(images / frame.name, stage / IMAGES / frame.name)
    return strangers


def _beside(label: Path, stage: Path, name: str) -> Path:
    parts = list(PurePosixPath(label.as_posix()).parts)
    for k in range(len(parts) - 2, -1, -1):
        if parts[k] == 'labels':
            parts[k] = 'images'
            break
    return stage.joinpath(*parts[:-1], name)


def _link(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if not source.is_file():
        msg = f'{source} of the selection is not there any more; restore it from a copy.'
        raise DatasetError(msg)
    with contextlib.suppress(FileExistsError):
        target.symlink_to(source.resolve())


def _plain_names(place: Path, selection: Selection) -> tuple[str, ...]:
    """Return the selection's classes for plain YOLO files, which name none themselves."""
    named = ('data.yaml', 'classes.txt', 'obj.names', '*.json', '*.xml', '*.csv')
    if place.is_dir() and not any(next(place.rglob(one), None) for one in named):
        return selection.names
    return ()


def _listed(names: Sequence[str]) -> str:
    shown = ', '.join(names[:_MOST_NAMED])
    return f'{shown} and {len(names) - _MOST_NAMED} more' if len(names) > _MOST_NAMED else shown
