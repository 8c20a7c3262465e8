# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Formats that are known but not read, each with what to export instead."""

from __future__ import annotations

from typing import Any

from training.dataset.formats.format import Format
from training.dataset.json_file import is_list_of

_AS_COCO = 'export COCO JSON instead'


def _is_panoptic(content: Any) -> bool:
    return isinstance(content, dict) and is_list_of(content.get('annotations'), 'segments_info')


def _is_classes_table(rows: list[list[str]]) -> bool:
    """Return whether a table ticks whole images: a file name, then zeros and ones."""
    if rows[0][0].strip().lower() not in {'filename', 'image', 'file'} or len(rows) < 2:
        return False
    return all(value.strip() in {'0', '1'} for row in rows[1:] for value in row[1:])


def _is_label_studio_table(rows: list[list[str]]) -> bool:
    header = {cell.strip().lower() for cell in rows[0]}
    return {'annotation_id', 'annotator', 'lead_time'} <= header


def _is_table_of_mask_values(rows: list[list[str]]) -> bool:
    """Return whether a table names the values in images that are masks, as Roboflow's does."""
    return [cell.strip().lower() for cell in rows[0]] == ['pixel value', 'class']


def _is_text_of_boxes(content: Any) -> bool:
    """Return whether JSON lines ask a language model for boxes, as PaliGemma reads them."""
    return isinstance(content, dict) and {'image', 'prefix', 'suffix'} <= content.keys()


def _is_chat(content: Any) -> bool:
    return isinstance(content, dict) and isinstance(content.get('messages'), list)


def _is_coco_results(content: Any) -> bool:
    return is_list_of(content, 'image_id', 'category_id', 'score')


def _is_captions(content: Any) -> bool:
    return (
        isinstance(content, dict)
        and is_list_of(content.get('annotations'), 'image_id', 'caption')
        and 'images' in content
    )


def _is_via3(content: Any) -> bool:
    return (
        isinstance(content, dict) and {'project', 'config', 'view', 'metadata'} <= content.keys()
    )


def _is_geojson(content: Any) -> bool:
    return isinstance(content, dict) and content.get('type') == 'FeatureCollection'


def _is_sly_video(content: Any) -> bool:
    return isinstance(content, dict) and {'framesCount', 'frames', 'objects'} <= content.keys()


def _is_scale(content: Any) -> bool:
    return is_list_of(content, 'task_id', 'response')


def _is_cityscapes(content: Any) -> bool:
    return isinstance(content, dict) and {'imgHeight', 'imgWidth', 'objects'} <= content.keys()


def _is_openlabel(content: Any) -> bool:
    return isinstance(content, dict) and ('openlabel' in content or 'vcd' in content)


REFUSED = (
    Format(
        key='tfrecord',
        title='TFRecord',
        holds='',
        instead=f'its records need TensorFlow; {_AS_COCO}',
        suffixes=('.tfrecord', '.tfrecords', '.record'),
    ),
    Format(
        key='parquet',
        title='Parquet, Arrow (Hugging Face)',
        holds='',
        instead='save its images as files and its boxes as COCO JSON',
        suffixes=('.parquet', '.arrow'),
    ),
    Format(
        key='coco_panoptic',
        title='COCO panoptic',
        holds='',
        instead='its masks are in PNG files beside; export COCO instances instead',
        json=_is_panoptic,
    ),
    Format(
        key='coco_results',
        title='COCO results',
        holds='',
        instead='these are predictions with scores and no labels; give the annotations',
        json=_is_coco_results,
    ),
    Format(
        key='coco_captions',
        title='COCO captions',
        holds='',
        instead='these are sentences about images; give the file of instances',
        json=_is_captions,
    ),
    Format(
        key='via3',
        title='VGG Image Annotator 3',
        holds='',
        instead='export "VIA 2 annotations" or COCO in VIA 3',
        json=_is_via3,
    ),
    Format(
        key='supervisely_video',
        title='Supervisely videos',
        holds='',
        instead='export its frames as images, with the labels of images',
        json=_is_sly_video,
    ),
    Format(key='scale', title='Scale AI tasks', holds='', instead=_AS_COCO, json=_is_scale),
    Format(
        key='cityscapes',
        title='Cityscapes polygons',
        holds='',
        instead=_AS_COCO,
        json=_is_cityscapes,
    ),
    Format(
        key='openlabel', title='ASAM OpenLABEL', holds='', instead=_AS_COCO, json=_is_openlabel
    ),
    Format(
        key='geojson',
        title='GeoJSON outlines',
        holds='',
        instead=(
            'outlines on Earth belong to an orthophoto: '
            'python -m training.orthophoto ORTHOPHOTO --outlines FILE makes a set of both'
        ),
        json=_is_geojson,
    ),
    Format(
        key='label_studio_table',
        title='Label Studio (CSV)',
        holds='',
        instead='export JSON or COCO in Label Studio',
        table=_is_label_studio_table,
    ),
    Format(
        key='mask_values',
        title='Semantic masks of Roboflow',
        holds='',
        instead='masks of a class do not tell its objects apart; export COCO Segmentation',
        table=_is_table_of_mask_values,
    ),
    Format(
        key='text_of_boxes',
        title='PaliGemma and Florence-2 (JSON lines)',
        holds='',
        instead=f'its boxes are words for a language model; {_AS_COCO}',
        json=_is_text_of_boxes,
    ),
    Format(
        key='chat',
        title='Conversations with a language model (JSON lines)',
        holds='',
        instead=_AS_COCO,
        json=_is_chat,
    ),
    Format(
        key='image_classes',
        title='Classes of whole images (CSV)',
        holds='',
        instead='a detector needs boxes; label them, or export an object detection format',
        table=_is_classes_table,
    ),
)
