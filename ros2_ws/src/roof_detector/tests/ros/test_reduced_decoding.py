# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A JPEG far larger than the network's input, over DDS."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from sensor_msgs.msg import CompressedImage

SIZE_WH = (2560, 1440)


def boxes(result):
    return np.array(
        [
            (box.center.position.x, box.center.position.y, box.size_x, box.size_y)
            for box in (detection.bbox for detection in result.detections)
        ]
    )


def test_boxes_and_annotated_images_are_in_pixels_of_the_full_size(graph, make_probe, roof_bgr):
    probe = make_probe(graph, transport='compressed')
    large_bgr = cv2.resize(roof_bgr, SIZE_WH, interpolation=cv2.INTER_CUBIC)
    jpeg = cv2.imencode('.jpg', large_bgr, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()
    reduced = probe.send_and_wait(jpeg)
    assert probe.set('reduced_decoding', False).successful
    full = probe.send_and_wait(jpeg)
    sure = [d for d in full.detections if d.results[0].hypothesis.score > 0.5]
    assert sure
    found = boxes(reduced)
    for detection in sure:
        box = detection.bbox
        wanted = (box.center.position.x, box.center.position.y, box.size_x, box.size_y)
        # Four input pixels: what another filter between sizes may do to a blurred edge.
        assert np.abs(found - wanted).max(axis=1).min() <= 4 * SIZE_WH[0] / 640

    assert probe.set('reduced_decoding', True).successful
    drawn = []
    probe.node.create_subscription(
        CompressedImage, '/detector/image_annotated/compressed', drawn.append, 5
    )

    def drawn_after_another_frame():
        probe.send_and_wait(jpeg)
        return drawn

    probe.graph.wait_until(drawn_after_another_frame, what='an annotated image')
    image = cv2.imdecode(np.frombuffer(drawn[-1].data, np.uint8), cv2.IMREAD_COLOR)
    assert image.shape == large_bgr.shape
    assert drawn[-1].header in [result.header for result in probe.results]
    # Drawn upon the full image, not upon an enlarged small one.
    difference = cv2.absdiff(image, large_bgr).max(axis=-1)
    assert np.median(difference) <= 12
    assert (difference > 60).mean() > 0.001, 'nothing was drawn'


@pytest.fixture(scope='module')
def segment_pt(tmp_path_factory):
    """Return a segmentation model with random weights, as its trainer would save it."""
    import torch

    from roof_detector.inference.quiet_ultralytics import import_quietly

    tasks = import_quietly('ultralytics.nn.tasks')
    torch.manual_seed(3)
    model = tasks.SegmentationModel('yolo11n-seg.yaml', nc=2, verbose=False)
    model.names, model.args = {0: 'a', 1: 'b'}, {'imgsz': 320}
    path = tmp_path_factory.mktemp('segment') / 'any.pt'
    torch.save({'model': model.half(), 'train_args': {'imgsz': 320, 'task': 'segment'}}, path)
    return path


def test_masks_of_a_reduced_image_are_of_the_full_size(graph, make_probe, roof_bgr, segment_pt):
    from sensor_msgs.msg import Image

    arguments = [f'model:={segment_pt}', 'confidence:=0.0', 'max_detections:=40']
    probe = make_probe(graph, transport='compressed', arguments=arguments, backend='torch')
    jpeg = cv2.imencode('.jpg', cv2.resize(roof_bgr, SIZE_WH))[1].tobytes()
    masks = []
    probe.node.create_subscription(Image, '/detector/masks', masks.append, 5)

    def masks_after_another_frame():
        probe.send_and_wait(jpeg)
        return masks

    probe.graph.wait_until(masks_after_another_frame, what='masks')
    result = next(one for one in probe.results if one.header == masks[-1].header)
    assert len(result.detections) == 40
    assert (masks[-1].width, masks[-1].height, masks[-1].encoding) == (*SIZE_WH, '16UC1')
    index = np.frombuffer(masks[-1].data, np.uint16).reshape(SIZE_WH[::-1])
    assert 0 < index.max() <= 40
    rows, columns = np.nonzero(index == index.max())
    box = result.detections[index.max() - 1].bbox
    assert abs(columns.mean() - box.center.position.x) <= box.size_x / 2
    assert abs(rows.mean() - box.center.position.y) <= box.size_y / 2
