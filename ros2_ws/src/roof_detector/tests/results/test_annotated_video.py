# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import av
import numpy as np
import pytest

from roof_detector.results.annotated_video import AnnotatedVideo
from roof_detector.vision.drawing import draw_detections


def write(path, frames, *, overwrite=False):
    with AnnotatedVideo(path, overwrite=overwrite) as export:
        for findings, image in frames:
            export.write(findings, image)
    return export


def read(path):
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        facts = {
            'codec': stream.codec_context.name,
            'pixels': stream.codec_context.pix_fmt,
            'size_wh': (stream.width, stream.height),
            'duration_s': float(stream.duration * stream.time_base),
        }
        return facts, [
            (float(frame.pts * frame.time_base), frame.to_ndarray(format='bgr24'))
            for frame in container.decode(stream)
        ]


def test_no_frames_make_no_video_and_a_note(tmp_path, run):
    export = write(tmp_path / 'v.mp4', [(run.frame(0), None)])
    assert list(tmp_path.iterdir()) == [] and export.paths == ()
    assert 'was not written: no frame has an image' in export.notes[0]


def test_browsers_can_play_it(tmp_path, run):
    write(tmp_path / 'v.mp4', [(run.frame(i), run.image(i)) for i in range(5)])
    facts, _ = read(tmp_path / 'v.mp4')
    assert (facts['codec'], facts['pixels']) == ('h264', 'yuv420p')
    data = (tmp_path / 'v.mp4').read_bytes()
    assert data[4:8] == b'ftyp'
    assert data.index(b'moov') < data.index(b'mdat'), 'the index must come first'


def test_frames_are_shown_as_long_as_their_stamps_say(tmp_path, run):
    after_s = [0.0, 0.1, 0.13, 1.5, 1.6, 4.0]
    frames = [
        (run.frame(i, stamp_ns=run.start_ns + round(s * 1e9)), run.image(i))
        for i, s in enumerate(after_s)
    ]
    write(tmp_path / 'v.mp4', frames)
    facts, read_back = read(tmp_path / 'v.mp4')
    assert [time for time, _ in read_back] == pytest.approx(after_s, abs=1e-4)
    assert facts['duration_s'] == pytest.approx(4.0 + 2.4, abs=0.01)


def test_each_frame_shows_what_the_node_draws(tmp_path, run):
    frames = [(run.frame(i, count=i % 3), run.image(10 * i)) for i in range(12)]
    write(tmp_path / 'v.mp4', frames)
    _, read_back = read(tmp_path / 'v.mp4')
    assert len(read_back) == 12
    for (findings, image), (_, seen) in zip(frames, read_back, strict=True):
        drawn = draw_detections(image, findings.detections, run.names)
        assert np.abs(seen.astype(int) - drawn).mean() < 12  # chroma is halved in yuv420p


def test_odd_sizes_become_even_and_other_sizes_are_fitted_whole(tmp_path, run):
    frames = [
        (run.frame(0, count=0, size_wh=(95, 63)), run.image(0, size_wh=(95, 63))),
        (run.frame(1, count=0, size_wh=(40, 90)), np.full((90, 40, 3), 200, np.uint8)),
    ]
    write(tmp_path / 'v.mp4', frames)
    facts, read_back = read(tmp_path / 'v.mp4')
    assert facts['size_wh'] == (96, 64)
    fitted = read_back[1][1]
    assert fitted[32, 48].min() > 180 and fitted[32, 8].max() < 40


def test_stamps_that_do_not_rise_are_shown_one_after_the_other(tmp_path, run):
    stamps = [5, 5, 5, 1_000_000_000]
    write(tmp_path / 'v.mp4', [(run.frame(i, stamp_ns=s), run.image(i))
                               for i, s in enumerate(stamps)])  # fmt: skip
    times = [time for time, _ in read(tmp_path / 'v.mp4')[1]]
    assert times == pytest.approx([0.0, 0.1, 0.2, 1.2], abs=1e-3)


def test_an_interrupted_video_keeps_its_unfinished_name(tmp_path, run):
    with pytest.raises(ZeroDivisionError), AnnotatedVideo(tmp_path / 'v.mp4') as export:
        export.write(run.frame(0), run.image(0))
        1 / 0  # noqa: B018
    assert not (tmp_path / 'v.mp4').exists()
