# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Images and videos dropped on the page, in a real browser."""

from __future__ import annotations

import csv
import io
import re

import cv2
import numpy as np
import openpyxl
import pytest

from roof_detector.inference.detector import Detector
from roof_detector.vision.thresholds import Thresholds

FRAMES = 150


@pytest.fixture(scope='module')
def site(grounded):
    return grounded


@pytest.fixture(scope='module')
def page(new_page):
    page = new_page()
    page.get_by_role('tab', name='Files').click()
    page.locator('file-drop input[multiple]').wait_for(state='attached')
    page.locator('.q-tab-panel .q-select').first.click()
    page.get_by_role('option', name='tiny.onnx').click()
    page.locator('file-drop[options*="tiny.onnx"]').wait_for()
    return page


def noise(number):
    return np.random.default_rng(number).integers(0, 256, (60, 80, 3), dtype=np.uint8)


def drop(page, *paths):
    page.set_input_files('file-drop input[multiple]', [str(path) for path in paths])


def newest(page, title, state):
    row = page.locator('.job-row').first
    row.get_by_text(title).wait_for()
    row.get_by_text(state, exact=True).wait_for()
    return row


def test_an_image_gives_the_detector_s_boxes_and_an_excel_file_with_the_same_rows(
    page, site, tmp_path
):
    image = tmp_path / 'my roof.png'
    cv2.imwrite(str(image), noise(1))
    drop(page, image)
    newest(page, 'my roof.png', 'done')
    page.locator('before-after img.before').wait_for()
    page.wait_for_function(
        '[...document.querySelectorAll("before-after img")].every(one => one.naturalWidth === 80)'
    )
    with page.expect_download() as download:
        page.get_by_role('link', name='Excel').click()
    sheet = openpyxl.load_workbook(io.BytesIO(download.value.path().read_bytes()))['detections']
    heading, *rows = sheet.iter_rows(values_only=True)
    found = [dict(zip(heading, row, strict=True)) for row in rows]
    with Detector.open(site.folder / 'models/tiny.onnx', device='cpu') as detector:
        expected = detector.detect(noise(1), Thresholds())
    sides = ('left_px', 'top_px', 'right_px', 'bottom_px')
    boxes = [[row[side] for side in sides] for row in found]
    assert len(found) > 3
    np.testing.assert_allclose(boxes, expected.boxes_xyxy, atol=0.01)
    np.testing.assert_allclose([r['confidence'] for r in found], expected.scores, atol=1e-5)
    with page.expect_download() as download:
        page.get_by_role('link', name='CSV').click()
    text = download.value.path().read_text(encoding='utf-8')
    classes = [row['class'] for row in csv.DictReader(text.splitlines())]
    assert classes == [row['class'] for row in found]
    left, top, right, bottom = (round(found[0][side]) for side in sides)
    row = page.get_by_role('row').filter(has_text=f'{left}, {top} → {right}, {bottom}').first
    row.get_by_text(found[0]['class'], exact=True).wait_for()


def was_cancelled(page, video, frames):
    """Cancel the job of a video at work; return False for one that was done before that."""
    drop(page, video)
    row = page.locator('.job-row').first
    row.get_by_text(video.name).wait_for()
    progress = row.get_by_text(re.compile(rf'[1-9]\d* / {frames} · .* per second · .* left'))
    done = row.get_by_text('done', exact=True)
    progress.or_(done).first.wait_for()
    row.get_by_role('button', name='Cancel').or_(done).first.click()
    row.get_by_text('cancelled', exact=True).or_(done).first.wait_for()
    return not done.count()


def test_a_video_shows_its_progress_and_can_be_cancelled_and_taken_up_again(
    page, numbered_images, tmp_path
):
    for frames in (FRAMES, 10 * FRAMES, 100 * FRAMES):  # a page that gets no core comes too late
        name = f'flight_{frames}.avi'
        video = numbered_images.write_video(tmp_path / name, frames=frames)
        if was_cancelled(page, video, frames):
            break
    row = newest(page, name, 'cancelled')
    row.get_by_role('button').filter(has_text='replay').click()
    newest(page, name, 'done')
    page.locator('before-after video.after').wait_for()
    page.wait_for_function(f'document.querySelector("video.after").duration > {frames / 20 - 0.5}')


def test_a_file_that_is_no_image_is_refused_with_the_reason(page, tmp_path):
    bad = tmp_path / 'roof.jpg'
    bad.write_text('I am no image')
    drop(page, bad)
    page.get_by_text('roof.jpg is neither an image nor a video').wait_for()


def test_an_image_that_is_cut_short_fails_with_the_reason(page, tmp_path):
    cut = tmp_path / 'cut.png'
    cut.write_bytes(cv2.imencode('.png', noise(2))[1].tobytes()[:500])
    drop(page, cut)
    row = newest(page, 'cut.png', 'failed')
    assert 'None of 1 images can be read' in row.inner_text()
