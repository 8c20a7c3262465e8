# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The little set of conftest.py, as each annotation tool exports it."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

from .conftest import NAMES, OUTLINES, SIZE_WH, box_of, yolo_lines

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import SetMaker

SPLITS = {0: 'train', 1: 'train', 2: 'train', 3: 'valid'}
WIDTH, HEIGHT = SIZE_WH


def objects(number: int) -> list[tuple[str, tuple[float, ...], list[tuple[int, int]]]]:
    return [(NAMES[c], box_of(outline), outline) for c, outline in OUTLINES[number]]


def images(make: SetMaker, folder: str = '{split}') -> dict[int, Path]:
    return {
        number: make.write_image(
            make.root / folder.format(split=split) / f'roof {number}.png', number
        )
        for number, split in SPLITS.items()
    }


def put(path: Path, content: Any, *, lines: bool = False) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if lines:
        path.write_text(''.join(f'{json.dumps(one)}\n' for one in content))
    else:
        path.write_text(content if isinstance(content, str) else json.dumps(content, indent=1))


def table(rows: list[list[Any]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()


def xy(outline: list[tuple[int, int]]) -> list[dict[str, int]]:
    return [{'x': x, 'y': y} for x, y in outline]


def labelme(make: SetMaker) -> None:
    for number, path in images(make).items():
        shapes = [
            {'label': name, 'points': outline, 'shape_type': 'polygon', 'flags': {}}
            for name, _, outline in objects(number)
        ]
        content = {
            'version': '5.4.1', 'shapes': shapes, 'imagePath': f'..\\raw\\{path.name}',
            'imageData': 'A' * 999, 'imageHeight': HEIGHT, 'imageWidth': WIDTH,
        }  # fmt: skip
        put(path.with_suffix('.json'), content)


def labelme_rectangles(make: SetMaker) -> None:
    for number, path in images(make).items():
        shapes = [
            {'label': name, 'points': [box[2:], box[:2]], 'shape_type': 'rectangle'}
            for name, box, _ in objects(number)
        ]
        content = {'shapes': shapes, 'imagePath': path.name, 'imageData': None}
        put(path.with_suffix('.json'), content)


def _studio_region(name: str, box: tuple[float, ...]) -> dict[str, Any]:
    x0, y0, x1, y1 = box
    value = {
        'x': x0 / WIDTH * 100, 'y': y0 / HEIGHT * 100, 'width': (x1 - x0) / WIDTH * 100,
        'height': (y1 - y0) / HEIGHT * 100, 'rotation': 0, 'rectanglelabels': [name],
    }  # fmt: skip
    return {
        'original_width': WIDTH, 'original_height': HEIGHT, 'type': 'rectanglelabels',
        'value': value,
    }  # fmt: skip


def label_studio(make: SetMaker) -> None:
    tasks = [
        {
            'id': number,
            'data': {'image': f'/data/upload/1/{number}123abcd-{path.name.replace(" ", "_")}'},
            'annotations': [
                {'id': 7, 'was_cancelled': False,
                 'result': [_studio_region(name, box) for name, box, _ in objects(number)]}
            ],
        }
        for number, path in images(make).items()
    ]  # fmt: skip
    put(make.root / 'project-1-at-2026.json', tasks)


def label_studio_min(make: SetMaker) -> None:
    tasks = []
    for number, path in images(make).items():
        regions = [_studio_region(name, box) for name, box, _ in objects(number)]
        label = [
            {**r['value'], 'original_width': WIDTH, 'original_height': HEIGHT} for r in regions
        ]
        image = f'/data/local-files/?d=roofs/{SPLITS[number]}/{path.name.replace(" ", "%20")}'
        tasks.append({'image': image, 'id': number, 'annotator': 1, 'annotation_id': 2}
                     | ({'label': label} if label else {}))  # fmt: skip
    put(make.root / 'min.json', tasks)


def via_project(make: SetMaker) -> None:
    entries = {
        f'{path.name}123': {
            'filename': path.name, 'size': 123, 'file_attributes': {},
            'regions': [
                {'shape_attributes': {
                    'name': 'polygon',
                    'all_points_x': [x for x, _ in outline],
                    'all_points_y': [y for _, y in outline],
                }, 'region_attributes': {'label': name}}
                for name, _, outline in objects(number)
            ],
        }
        for number, path in images(make).items()
    }  # fmt: skip
    put(make.root / 'via_project.json', {'_via_settings': {}, '_via_img_metadata': entries})


def via_csv(make: SetMaker) -> None:
    rows: list[list[Any]] = [
        ['filename', 'file_size', 'file_attributes', 'region_count', 'region_id',
         'region_shape_attributes', 'region_attributes']
    ]  # fmt: skip
    for number, path in images(make).items():
        found = objects(number)
        for i, (name, (x0, y0, x1, y1), _) in enumerate(found):
            shape = {'name': 'rect', 'x': x0, 'y': y0, 'width': x1 - x0, 'height': y1 - y0}
            attributes = json.dumps({'class': name})
            rows.append([path.name, 1, '{}', len(found), i, json.dumps(shape), attributes])
        if not found:
            rows.append([path.name, 1, '{}', 0, 0, '{}', '{}'])
    put(make.root / 'via_region_data.csv', table(rows))


def createml(make: SetMaker) -> None:
    written = images(make)
    for split in ('train', 'valid'):
        entries = [
            {'image': path.name, 'annotations': [
                {'label': name, 'coordinates': {
                    'x': (x0 + x1) / 2, 'y': (y0 + y1) / 2, 'width': x1 - x0, 'height': y1 - y0,
                }} for name, (x0, y0, x1, y1), _ in objects(number)
            ]}
            for number, path in written.items() if SPLITS[number] == split
        ]  # fmt: skip
        put(make.root / split / '_annotations.createml.json', entries)


def supervisely(make: SetMaker) -> None:
    for number, path in images(make, '{split}/img').items():
        found = [
            {'classTitle': name, 'geometryType': 'polygon',
             'points': {'exterior': outline, 'interior': []}}
            for name, _, outline in objects(number)
        ]  # fmt: skip
        content = {'description': '', 'tags': [], 'size': {'height': HEIGHT, 'width': WIDTH},
                   'objects': found}  # fmt: skip
        put(path.parent.parent / 'ann' / f'{path.name}.json', content)
    put(make.root / 'meta.json', {'classes': [{'title': name} for name in NAMES], 'tags': []})


def datumaro(make: SetMaker) -> None:
    written = images(make, 'images/{split}')
    for split in ('train', 'valid'):
        items = [
            {'id': path.stem, 'image': {'path': path.name, 'size': [HEIGHT, WIDTH]},
             'annotations': [
                {'type': 'bbox', 'label_id': NAMES.index(name),
                 'bbox': [x0, y0, x1 - x0, y1 - y0]}
                for name, (x0, y0, x1, y1), _ in objects(number)
            ]}
            for number, path in written.items() if SPLITS[number] == split
        ]  # fmt: skip
        labels = {'label': {'labels': [{'name': name, 'parent': ''} for name in NAMES]}}
        content = {'info': {}, 'categories': labels, 'items': items}
        put(make.root / 'annotations' / f'{split}.json', content)


def superannotate(make: SetMaker) -> None:
    for number, path in images(make).items():
        instances = [
            {'type': 'bbox', 'className': name, 'classId': 1,
             'points': {'x1': x0, 'y1': y0, 'x2': x1, 'y2': y1}}
            for name, (x0, y0, x1, y1), _ in objects(number)
        ]  # fmt: skip
        metadata = {'name': path.name, 'width': WIDTH, 'height': HEIGHT}
        content = {'metadata': metadata, 'instances': instances, 'tags': []}
        put(path.with_name(f'{path.name}.json'), content)
    classes = [{'id': 1, 'name': NAMES[0]}, {'id': 2, 'name': NAMES[1]}]
    put(make.root / 'classes/classes.json', classes)


def labelbox(make: SetMaker) -> None:
    rows = [
        {'data_row': {'id': 'c1', 'external_id': path.name, 'row_data': 'https://x/y'},
         'media_attributes': {'width': WIDTH, 'height': HEIGHT},
         'projects': {'p': {'labels': [{'annotations': {'objects': [
             {'name': name, 'bounding_box': {
                 'top': y0, 'left': x0, 'height': y1 - y0, 'width': x1 - x0}}
             for name, (x0, y0, x1, y1), _ in objects(number)
         ]}}]}}}
        for number, path in images(make).items()
    ]  # fmt: skip
    put(make.root / 'export.ndjson', rows, lines=True)


def darwin(make: SetMaker) -> None:
    for number, path in images(make).items():
        annotations = [
            {'name': name, 'slot_names': ['0'], 'polygon': {'paths': [xy(outline)]},
             'bounding_box': {'x': 0, 'y': 0, 'w': 1, 'h': 1}}
            for name, _, outline in objects(number)
        ]  # fmt: skip
        item = {'name': path.name, 'path': '/', 'slots': [{'width': WIDTH, 'height': HEIGHT}]}
        content = {'version': '2.0', 'item': item, 'annotations': annotations}
        put(path.with_suffix('.json'), content)


def fiftyone(make: SetMaker) -> None:
    samples = [
        {'filepath': f'data/{path.name}', 'tags': [SPLITS[number]],
         'metadata': {'_cls': 'ImageMetadata', 'width': WIDTH, 'height': HEIGHT},
         'ground_truth': {'_cls': 'Detections', 'detections': [
             {'_cls': 'Detection', 'label': name, 'bounding_box': [
                 x0 / WIDTH, y0 / HEIGHT, (x1 - x0) / WIDTH, (y1 - y0) / HEIGHT]}
             for name, (x0, y0, x1, y1), _ in objects(number)
         ]}}
        for number, path in images(make, 'data').items()
    ]  # fmt: skip
    put(make.root / 'samples.json', {'samples': samples})
    put(make.root / 'metadata.json', {'name': 'roofs', 'version': '0.24'})


def vott(make: SetMaker) -> None:
    assets = {
        str(number): {
            'asset': {'name': path.name, 'size': {'width': WIDTH, 'height': HEIGHT}},
            'regions': [
                {'type': 'RECTANGLE', 'tags': [name], 'boundingBox': {
                    'left': x0, 'top': y0, 'width': x1 - x0, 'height': y1 - y0}}
                for name, (x0, y0, x1, y1), _ in objects(number)
            ],
        }
        for number, path in images(make).items()
    }  # fmt: skip
    put(make.root / 'roofs-export.json', {'name': 'roofs', 'assets': assets})


def bdd(make: SetMaker) -> None:
    frames = [
        {'name': path.name, 'labels': [
            {'category': name, 'box2d': dict(zip(('x1', 'y1', 'x2', 'y2'), box, strict=True))}
            for name, box, _ in objects(number)
        ]}
        for number, path in images(make).items()
    ]  # fmt: skip
    put(make.root / 'det.json', frames)


def ground_truth(make: SetMaker) -> None:
    rows = [
        {'source-ref': f's3://bucket/roofs/{path.name}',
         'job': {'image_size': [{'width': WIDTH, 'height': HEIGHT, 'depth': 3}], 'annotations': [
             {'class_id': NAMES.index(name), 'left': x0, 'top': y0, 'width': x1 - x0,
              'height': y1 - y0}
             for name, (x0, y0, x1, y1), _ in objects(number)
         ]},
         'job-metadata': {'class-map': {str(i): name for i, name in enumerate(NAMES)}}}
        for number, path in images(make).items()
    ]  # fmt: skip
    put(make.root / 'output.manifest', rows, lines=True)


def tensorflow_csv(make: SetMaker) -> None:
    written = images(make)
    for split in ('train', 'valid'):
        rows: list[list[Any]] = [
            ['filename', 'width', 'height', 'class', 'xmin', 'ymin', 'xmax', 'ymax']
        ]
        for number, path in written.items():
            if SPLITS[number] == split:
                rows += [
                    [path.name, WIDTH, HEIGHT, name, *box] for name, box, _ in objects(number)
                ]
        put(make.root / split / '_annotations.csv', table(rows))


def open_images(make: SetMaker) -> None:
    written = images(make)
    codes = {'equip': '/m/01', 'drain': '/m/02'}
    for split in ('train', 'valid'):
        rows: list[list[Any]] = [
            ['ImageID', 'Source', 'LabelName', 'Confidence', 'XMin', 'XMax', 'YMin', 'YMax',
             'IsOccluded', 'IsGroupOf']
        ]  # fmt: skip
        for number, path in written.items():
            for name, (x0, y0, x1, y1), _ in objects(number):
                if SPLITS[number] == split:
                    shares = [x0 / WIDTH, x1 / WIDTH, y0 / HEIGHT, y1 / HEIGHT]
                    rows.append([path.stem, 'x', codes[name], 1, *shares, 0, 0])
        put(make.root / f'{split}-annotations-bbox.csv', table(rows))
    descriptions = table([[code, name] for name, code in codes.items()])
    put(make.root / 'class-descriptions-boxable.csv', descriptions)


def retinanet(make: SetMaker) -> None:
    rows: list[list[Any]] = []
    for number, path in images(make).items():
        found = [[f'{SPLITS[number]}/{path.name}', *box, name] for name, box, _ in objects(number)]
        rows += found or [[f'{SPLITS[number]}/{path.name}', '', '', '', '', '']]
    put(make.root / 'annotations.csv', table(rows))


def automl(make: SetMaker) -> None:
    rows: list[list[Any]] = []
    for number, path in images(make).items():
        split = {'train': 'TRAIN', 'valid': 'VALIDATE'}[SPLITS[number]]
        for name, (x0, y0, x1, y1), _ in objects(number):
            corners = [x0 / WIDTH, y0 / HEIGHT, '', '', x1 / WIDTH, y1 / HEIGHT, '', '']
            rows.append([split, f'gs://bucket/{path.name}', name, *corners])
    put(make.root / 'automl.csv', table(rows))


def cvat_images(make: SetMaker) -> None:
    parts = []
    for number, path in images(make).items():
        shapes = ''.join(
            f'<polygon label="{name}" source="manual" occluded="0" '
            f'points="{";".join(f"{x:.2f},{y:.2f}" for x, y in outline)}" z_order="0"/>\n'
            for name, _, outline in objects(number)
        )
        subset = SPLITS[number].replace('valid', 'Validation')
        parts.append(
            f'<image id="{number}" name="{path.name}" subset="{subset}" width="{WIDTH}" '
            f'height="{HEIGHT}">\n{shapes}</image>\n'
        )
    labels = ''.join(f'<label><name>{name}</name></label>' for name in NAMES)
    meta = f'<meta><task><labels>{labels}</labels></task></meta>'
    text = f'<?xml version="1.0"?>\n<annotations>\n<version>1.1</version>{meta}\n{"".join(parts)}'
    put(make.root / 'annotations.xml', f'{text}</annotations>\n')


def labelme_xml(make: SetMaker) -> None:
    for number, path in images(make).items():
        found = ''.join(
            f'<object><name>{name}</name><deleted>0</deleted><polygon>'
            + ''.join(f'<pt><x>{x}</x><y>{y}</y></pt>' for x, y in outline)
            + '</polygon></object>\n'
            for name, _, outline in objects(number)
        )
        put(
            path.with_suffix('.xml'),
            f'<annotation><filename>{path.name}</filename><folder></folder>\n<imagesize>'
            f'<nrows>{HEIGHT}</nrows><ncols>{WIDTH}</ncols></imagesize>{found or "<!--<pt>-->"}'
            '</annotation>',
        )


def dlib(make: SetMaker) -> None:
    parts = []
    for number, path in images(make).items():
        boxes = ''.join(
            f'<box top="{y0:g}" left="{x0:g}" width="{x1 - x0:g}" height="{y1 - y0:g}">'
            f'<label>{name}</label></box>'
            for name, (x0, y0, x1, y1), _ in objects(number)
        )
        parts.append(f'<image file="{SPLITS[number]}/{path.name}">{boxes}</image>\n')
    put(make.root / 'set.xml', f'<dataset><images>\n{"".join(parts)}</images></dataset>')


def kitti(make: SetMaker) -> None:
    for number, path in images(make, '{split}/image_2').items():
        lines = [
            f'{name} 0.00 0 -1.57 {" ".join(f"{value:.2f}" for value in box)} 1 1 1 0 0 0 0\n'
            for name, box, _ in objects(number)
        ]
        lines.append('DontCare -1 -1 -10 1.0 1.0 9.0 9.0 -1 -1 -1 -1000 -1000 -1000 -10\n')
        put(path.parent.parent / 'label_2' / f'{path.stem}.txt', ''.join(lines))


def dota(make: SetMaker) -> None:
    for number, path in images(make, '{split}/images').items():
        lines = [
            f'{x0} {y0} {x1} {y0} {x1} {y1} {x0} {y1} {name} 0\n'
            for name, (x0, y0, x1, y1), _ in objects(number)
        ]
        text = f'imagesource:GoogleEarth\ngsd:0.1\n{"".join(lines)}'
        put(path.parent.parent / 'labelTxt' / f'{path.stem}.txt', text)


def keras_text(make: SetMaker) -> None:
    written = images(make)
    for split in ('train', 'valid'):
        lines = []
        for number, path in written.items():
            boxes = (
                ','.join(f'{v:g}' for v in box) + f',{NAMES.index(name)}'
                for name, box, _ in objects(number)
            )
            if SPLITS[number] == split:
                lines.append(' '.join((path.name, *boxes)) + '\n')
        put(make.root / split / '_annotations.txt', ''.join(lines))
        put(make.root / split / '_classes.txt', 'equip\ndrain\n')


def darknet(make: SetMaker) -> None:
    lists: dict[str, list[str]] = {'train': [], 'valid': []}
    for number, path in images(make, 'obj_{split}_data').items():
        path.with_suffix('.txt').write_text(yolo_lines(number, segment=False))
        lists[SPLITS[number]].append(f'data/{path.parent.name}/{path.name}\n')
    put(make.root / 'obj.names', 'equip\ndrain\n')
    for split, lines in lists.items():
        put(make.root / f'{split}.txt', ''.join(lines))
    put(
        make.root / 'obj.data',
        'classes = 2\ntrain = data/train.txt\nvalid = data/valid.txt\nnames = data/obj.names\n'
        'backup = backup/\n',
    )


TOOLS = {
    'labelme': labelme,
    'labelme rectangles': labelme_rectangles,
    'label_studio': label_studio,
    'label_studio min': label_studio_min,
    'via': via_project,
    'via csv': via_csv,
    'createml': createml,
    'supervisely': supervisely,
    'datumaro': datumaro,
    'superannotate': superannotate,
    'labelbox': labelbox,
    'darwin': darwin,
    'fiftyone': fiftyone,
    'vott': vott,
    'bdd': bdd,
    'ground_truth': ground_truth,
    'csv': tensorflow_csv,
    'open_images': open_images,
    'retinanet': retinanet,
    'automl': automl,
    'cvat': cvat_images,
    'labelme_xml': labelme_xml,
    'dlib': dlib,
    'kitti': kitti,
    'dota': dota,
    'keras_yolo': keras_text,
    'darknet': darknet,
}
OUTLINED = {'labelme', 'via', 'supervisely', 'darwin', 'cvat', 'labelme_xml', 'dota'}
