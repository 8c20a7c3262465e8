# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Detection on a whole card: each recording has its results, and nothing is left out silently."""

from __future__ import annotations

import cv2


def test_every_recording_of_a_card_is_detected_in(flights, tmp_path, detect):
    media = tmp_path / 'card' / 'DCIM' / '100MEDIA'
    media.mkdir(parents=True)
    for number in range(2):
        cv2.imwrite(str(media / f'DJI_{number:04d}.JPG'), flights.image(number))
    size_wh = flights.SIZE_WH
    writer = cv2.VideoWriter(
        str(media / 'DJI_0002.MP4'), cv2.VideoWriter_fourcc(*'mp4v'), 5.0, size_wh
    )
    for number in range(3):
        writer.write(flights.image(number))
    writer.release()
    (media / 'DJI_0002.LRF').touch()
    (media / 'notes.txt').touch()
    flights.write(tmp_path / 'card' / 'flight')
    outcomes = list(detect(tmp_path / 'card'))
    assert [one.failure for one in outcomes] == ['', '', '']
    assert {str(one.output.relative_to(tmp_path / 'out')): one.frames for one in outcomes} == {
        'card/DCIM/100MEDIA/images': 2,
        'card/DCIM/100MEDIA/DJI_0002': 3,
        'card/flight': 6,
    }
    assert any('1 files of' in note and '1 .txt' in note for note in outcomes[-1].notes)
