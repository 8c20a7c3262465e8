# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The check of a data set, which finds every fault at once."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from training.dataset.error import DatasetError
from training.dataset.fault import Fault, FaultLog
from training.dataset.image_facts import ImageFacts, facts_of_all
from training.dataset.labelled_set import UNSPLIT, LabelledSet, Sample
from training.dataset.likeness import alike
from training.dataset.reader import OpenSet, open_set
from training.dataset.report import Report, SplitCount
from training.dataset.source_name import SourceName

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from roof_detector.vision.content_identity import ContentIdentity


def check(path: Path | str, *, names: Sequence[str] = ()) -> Report:
    """Check a folder, a .zip, a data.yaml or a COCO file and report every fault.

    It never raises for faults of the data: they are in the report. `names` are the class names of
    a set that has none.
    """
    try:
        with open_set(path, names=tuple(names)) as found:
            facts = facts_of_all(sample.image_path for sample in found.labelled.samples)
            return inspect(found, facts, path=str(path))
    except (DatasetError, OSError) as error:
        return Report(
            path=str(path),
            faults=(Fault(file=str(path), line=0, kind='unreadable', text=str(error)),),
        )


def inspect(found: OpenSet, facts: dict[Path, ImageFacts], *, path: str) -> Report:
    """Check a set that was read, with the facts of its images."""
    labelled = found.labelled
    log = FaultLog(found.log.root, list(found.log.faults), list(found.log.warnings))
    for sample in labelled.samples:
        _check_image(sample, facts[sample.image_path], log)
        _check_repeats(sample, log)
    _check_splits(labelled, log)
    _check_copies(labelled.samples, facts, log)
    _check_shared_labels(labelled.samples, log)
    _check_likeness(labelled.samples, facts, log)
    _check_videos(labelled.samples, log)
    _check_labels(labelled, log)
    log.warnings += found.log.skipped_warnings()
    splits = {
        split: SplitCount(
            len(samples),
            sum(not sample.instances for sample in samples),
            sum(len(sample.instances) for sample in samples),
        )
        for split in labelled.splits
        if (samples := labelled.of_split(split))
    }
    return Report(
        path=path,
        kind=labelled.kind,
        task=labelled.task,
        names=labelled.names,
        splits=splits,
        faults=tuple(sorted(log.faults)),
        warnings=tuple(sorted(log.warnings)),
        skipped=dict(found.log.skipped),
    )


def _check_image(sample: Sample, facts: ImageFacts, log: FaultLog) -> None:
    if facts.problem:
        log.fault('image_unreadable', sample.image_path, f'{facts.problem}; replace or remove it.')
        return
    if facts.rotated:
        text = (
            f'is turned by EXIF (orientation {facts.orientation}), which some tools obey and some '
            'do not, so that its labels may lie elsewhere; `convert` writes upright images.'
        )
        note = log.fault if sample.instances else log.caution
        note('rotated', sample.image_path, text)
    elif sample.stated_wh not in (None, facts.size_wh) and sample.label_file is not None:
        text = (
            f'states {sample.stated_wh} for {sample.image_path.name}, which has {facts.size_wh}.'
        )
        log.fault('size', sample.label_file, text)


def _check_repeats(sample: Sample, log: FaultLog) -> None:
    seen: dict[tuple[int, bytes], int] = {}
    for instance in sample.instances:
        key = instance.class_id, instance.box_xyxy.tobytes()
        if key in seen and sample.label_file is not None:
            text = f'repeats line {seen[key]}; training counts it once.'
            log.caution('repeated', sample.label_file, text, line=instance.line)
        seen.setdefault(key, instance.line)


def _check_splits(labelled: LabelledSet, log: FaultLog) -> None:
    if not labelled.samples:
        return
    if labelled.splits == (UNSPLIT,):
        text = 'is not split into train and val; `split` does that.'
        log.caution('unsplit', labelled.root, text)
    else:
        if outside := len(labelled.of_split(UNSPLIT)):
            text = (
                f'has {outside} image(s) in no split, which training does not see; `split` does.'
            )
            log.caution('unsplit', labelled.root, text)
        for split in ('train', 'val'):
            if split not in labelled.splits:
                text = f'has no images in {split}, which training needs; `split` makes both.'
                log.fault('split_missing', labelled.root, text)


def _check_copies(samples: Sequence[Sample], facts: dict[Path, ImageFacts], log: FaultLog) -> None:
    """Log images that are in two splits: by path, by content, or as copies of one upload.

    A camera names its images alike in every flight, so the same name alone is no fault.
    """
    paths: dict[Path, Sample] = {}
    contents: dict[ContentIdentity, Sample] = {}
    uploads: dict[str, Sample] = {}
    for sample in samples:
        path, content = sample.image_path.resolve(), facts[sample.image_path].content
        if path in paths:
            if paths[path].split != sample.split:
                text = f'is in {paths[path].split} and in {sample.split}; keep it in one.'
                log.fault('split_overlap', sample.image_path, text)
            continue
        paths[path] = sample
        same = sample if content is None else contents.setdefault(content, sample)
        if same is not sample:
            where = f'{log.shown(same.image_path)} ({same.split})'
            if same.split != sample.split:
                text = f'({sample.split}) is byte for byte {where}; keep it in one split.'
                log.fault('duplicate', sample.image_path, text)
            else:
                log.caution('duplicate', sample.image_path, f'is byte for byte {where}.')
            continue
        name = SourceName.of(sample.image_path)
        other = uploads.setdefault(name.source, sample) if name.is_copy else sample
        if other.split != sample.split:
            text = (
                f'({sample.split}) was uploaded under the name of {log.shown(other.image_path)} '
                f'({other.split}): if both are copies of one image, keep them in one split.'
            )
            log.caution('same_name', sample.image_path, text)


def _check_shared_labels(samples: Sequence[Sample], log: FaultLog) -> None:
    """Log label files that belong to two images by name, as a.txt to a.jpg and a.png."""
    first: dict[Path, Sample] = {}
    for sample in samples:
        if sample.label_file is None or sample.label_file.suffix != '.txt':
            continue
        if sample.label_file.stem != sample.image_path.stem:
            continue  # one file for many images, which it names
        other = first.setdefault(sample.label_file, sample)
        if other.image_path.resolve() != sample.image_path.resolve():
            text = (
                f'labels {log.shown(other.image_path)} and {log.shown(sample.image_path)} alike; '
                'rename one of them, with labels of its own.'
            )
            log.fault('label_shared', sample.label_file, text)


def _check_likeness(
    samples: Sequence[Sample], facts: dict[Path, ImageFacts], log: FaultLog
) -> None:
    # One of each content: equal files are reported already, and comparing all pairs of them costs.
    one_each = list(
        {
            facts[sample.image_path].content or sample.image_path: sample
            for sample in reversed(samples)
        }.values()
    )[::-1]
    for i, j in alike([facts[sample.image_path].thumbnail for sample in one_each]):
        a, b = one_each[i], one_each[j]
        if facts[a.image_path].content == facts[b.image_path].content:
            continue  # reported already
        if a.split != b.split:
            text = (
                f'({b.split}) shows the same as {log.shown(a.image_path)} ({a.split}), perhaps '
                'turned or mirrored; keep both in one split.'
            )
            log.fault('duplicate', b.image_path, text)
        else:
            text = f'shows the same as {log.shown(a.image_path)}, perhaps turned or mirrored.'
            log.caution('duplicate', b.image_path, text)


def _check_videos(samples: Sequence[Sample], log: FaultLog) -> None:
    found: dict[str, dict[str, Path]] = defaultdict(dict)
    for sample in samples:
        name = SourceName.of(sample.image_path)
        if name.video is not None and name.tile_xy is None:
            found[name.video].setdefault(sample.split, sample.image_path)
    for video, splits in sorted(found.items()):
        if len(splits) > 1:
            text = (
                f'is of {video!r}, which has frames in {", ".join(sorted(splits))}: neighbours '
                'nearly repeat each other, so that measured numbers flatter; `split` fixes it.'
            )
            log.caution('video', next(iter(splits.values())), text)


def _check_labels(labelled: LabelledSet, log: FaultLog) -> None:
    shapes = {bool(instance.polygons) for _, instance in labelled.instances()}
    if len(shapes) > 1:
        text = 'has boxes in some files and polygons in others; it trains for boxes only.'
        log.caution('mixed', labelled.root, text)
    if labelled.samples and not shapes and not log.faults:
        log.fault('empty', labelled.root, 'has no label at all; nothing can be learned from it.')
    used = {instance.class_id for _, instance in labelled.instances()}
    if used:
        for class_id, name in enumerate(labelled.names):
            if class_id not in used:
                text = f'has no instance of class {class_id}, {name!r}.'
                log.caution('unused_class', labelled.root, text)
