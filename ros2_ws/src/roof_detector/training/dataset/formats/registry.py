# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The table of all formats of labels, in the order in which a file is tried for each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from training.dataset.coco import is_coco, read_coco
from training.dataset.formats import (
    bdd,
    createml,
    csv_rows,
    csv_tables,
    cvat,
    darknet,
    darwin,
    datumaro,
    dlib,
    fiftyone,
    ground_truth,
    keras_text,
    label_studio,
    labelbox,
    labelme,
    labelme_xml,
    mot,
    superannotate,
    supervisely,
    text_labels,
    via,
    vott,
)
from training.dataset.formats.format import Format
from training.dataset.formats.refused import REFUSED
from training.dataset.voc import is_voc, read_voc

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from training.dataset.fault import FaultLog
    from training.dataset.labelled_set import LabelledSet


def _coco(
    files: Sequence[Path], root: Path, log: FaultLog, _names: tuple[str, ...]
) -> LabelledSet:
    return read_coco(list(files), root, log)


def _voc(files: Sequence[Path], root: Path, log: FaultLog, names: tuple[str, ...]) -> LabelledSet:
    return read_voc(list(files), root, log, names=names)


YOLO = Format(
    key='yolo',
    title='YOLO of ultralytics and Roboflow, with data.yaml, classes.txt or --names',
    holds='boxes, outlines, oriented boxes (as outlines), the boxes of poses',
)
COCO = Format(
    key='coco',
    title='COCO JSON, also Roboflow (_annotations.coco.json in each split) and COCO keypoints',
    holds='boxes, polygons, run-length masks; crowds are left out',
    read=_coco,
    json=is_coco,
    tokens=('"images"', '"annotations"', '"categories"'),
)
VOC = Format(
    key='voc',
    title='Pascal VOC XML, also of Roboflow, RectLabel, LabelImg and roLabelImg',
    holds='boxes (also rotated), polygons',
    read=_voc,
    xml=is_voc,
)
# REFUSED stand before readers that would take a part of them for their own.
FORMATS: tuple[Format, ...] = (
    YOLO,
    darknet.FORMAT,
    *REFUSED,
    COCO,
    labelme.FORMAT,
    label_studio.FORMAT,
    superannotate.FORMAT,
    darwin.FORMAT,
    datumaro.FORMAT,
    supervisely.FORMAT,
    fiftyone.FORMAT,
    labelbox.FORMAT,
    ground_truth.FORMAT,
    createml.FORMAT,
    vott.FORMAT,
    bdd.FORMAT,
    via.FORMAT,
    csv_tables.OPEN_IMAGES,
    csv_tables.FORMAT,
    csv_rows.RETINANET,
    csv_rows.AUTOML,
    labelme_xml.FORMAT,
    cvat.FORMAT,
    dlib.FORMAT,
    VOC,
    text_labels.KITTI,
    text_labels.DOTA,
    text_labels.VISDRONE,
    mot.FORMAT,
    keras_text.FORMAT,
)
