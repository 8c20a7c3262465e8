# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import pytest
import torch
from torch.testing import assert_close
from ultralytics import YOLO

from roof_detector.blocks import DyHeadDetect, DyHeadSegment


@pytest.mark.parametrize(
    ('name', 'task', 'head', 'hidden'),
    [
        ('yolo11n-DyHead.yaml', 'detect', DyHeadDetect, 64),
        ('yolo11s-DyHead.yaml', 'detect', DyHeadDetect, 128),
        ('yolo11m-DyHead-seg.yaml', 'segment', DyHeadSegment, 256),
    ],
)
def test_the_scale_sets_the_width_and_the_strides_are_right(name, task, head, hidden):
    model = YOLO(name, verbose=False)
    assert model.task == task
    assert model.model.stride.tolist() == [8, 16, 32]
    last = model.model.model[-1]
    assert type(last) is head
    assert last.cv2[0][0].conv.in_channels == hidden
    assert not last.legacy
    for branch, stride in zip(last.cv3, (8, 16, 32), strict=True):
        prior = torch.tensor(5 / 80 / (640 / stride) ** 2).log()
        assert_close(branch[-1].bias.detach(), prior.expand(80))


def test_width_and_number_of_blocks_are_options():
    head = DyHeadDetect(3, ch=(16, 24, 40), hidden=32, blocks=2)
    head.stride = torch.tensor([8.0, 16.0, 32.0])
    levels = [torch.randn(1, c, s, s) for c, s in ((16, 8), (24, 4), (40, 2))]
    assert head.eval()(levels)[0].shape == (1, 7, 84)
    assert len(head.neck.attend) == 2
    assert [x.shape[1] for x in levels] == [16, 24, 40], 'the list of the caller was changed'
