# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Packets of H.264 and H.265 that come one by one, of streams that PyAV encoded."""

from __future__ import annotations

import numpy as np
import pytest

from roof_detector.inputs.video_packets import PacketDecoder, codec_of
from roof_detector.vision.errors import AwaitingKeyframe, BadPacket, UnsupportedEncoding

CODECS = ['libx264', 'libx265']


@pytest.fixture(scope='module')
def streams(encode_video):
    """Return 25 numbered images of 64x48 by codec and number of B-frames, a keyframe each 10."""
    images = [np.full((48, 64, 3), 8 + 8 * number, np.uint8) for number in range(25)]
    return {
        (codec, b_frames): encode_video(images, codec=codec, b_frames=b_frames)
        for codec in CODECS
        for b_frames in (0, 3)
    }


def shown(decoder, packets, *, encoding):
    """Return what each packet gave: the numbers of its pictures, or the error's name."""
    found = []
    for number, data, is_keyframe in packets:
        try:
            pictures = decoder.decode(
                data, encoding=encoding, token=number, is_keyframe=is_keyframe
            )
        except (AwaitingKeyframe, BadPacket, UnsupportedEncoding) as error:
            found.append(type(error).__name__)
            continue
        for one in pictures:
            assert round((one.to_bgr().mean() - 8) / 8) == one.token, (
                'the stamp of another picture'
            )
            found.append(one.token)
    return found


@pytest.mark.parametrize('codec', CODECS)
@pytest.mark.parametrize('b_frames', [0, 3])
def test_every_picture_comes_in_the_order_shown_with_its_own_token(streams, codec, b_frames):
    decoder = PacketDecoder()
    found = shown(decoder, streams[codec, b_frames], encoding=codec)
    assert len(found) == 25 or b_frames, 'a stream without B-frames is not held back'
    found += [one.token for one in decoder.flush()]
    assert found == list(range(25))
    assert decoder.lost == 0


@pytest.mark.parametrize('codec', CODECS)
def test_a_stream_that_is_joined_midway_begins_at_the_next_keyframe(streams, codec):
    decoder = PacketDecoder()
    found = shown(decoder, streams[codec, 0][4:], encoding=codec)
    assert found == ['AwaitingKeyframe'] * 6 + list(range(10, 25))


def test_after_a_loss_it_waits_for_a_keyframe_and_counts_what_was_begun(streams):
    decoder = PacketDecoder()
    packets = streams['libx264', 3]
    shown(decoder, packets[:8], encoding='h264')
    begun = 8 - len(shown(PacketDecoder(), packets[:8], encoding='h264'))
    assert begun > 0
    decoder.lose()
    assert decoder.is_waiting and decoder.take_lost() == begun and decoder.lost == 0
    found = shown(decoder, packets[9:], encoding='h264')
    assert found[0] == 'AwaitingKeyframe' and 10 in found
    assert [one for one in found if isinstance(one, int)] == sorted(
        one for one in found if isinstance(one, int)
    )


@pytest.mark.parametrize('codec', CODECS)
def test_a_damaged_packet_costs_the_pictures_up_to_the_next_keyframe(streams, codec):
    packets = list(streams[codec, 0])
    number, data, is_keyframe = packets[3]
    noise = np.random.default_rng(1).integers(0, 256, 300, dtype=np.uint8)
    packets[3] = number, data[:6] + bytes(noise), is_keyframe
    found = shown(PacketDecoder(), packets, encoding=codec)
    assert found[:3] == [0, 1, 2] and found[-15:] == list(range(10, 25))
    assert 3 not in found and 4 not in found
    assert 'BadPacket' in found


@pytest.mark.parametrize('length', [0, 3, 4, 5])
def test_a_packet_that_is_cut_short_is_bad(streams, length):
    decoder = PacketDecoder()
    _, data, _ = streams['libx264', 0][0]
    with pytest.raises(BadPacket):
        decoder.decode(b'\0\0\1\x65'[:length] or b'', encoding='h264', token=0)
    with pytest.raises(BadPacket, match='Annex B'):
        decoder.decode(data.replace(b'\0\0\1', b'\0\0\2'), encoding='h264', token=0)
    assert decoder.is_waiting


def test_a_stream_that_never_sends_a_keyframe_is_told_from_one_that_is_damaged(streams):
    decoder = PacketDecoder()
    packets = [one for one in streams['libx264', 0] if not one[2]] * 20
    found = shown(decoder, packets, encoding='h264')
    assert set(found) == {'AwaitingKeyframe'}
    assert decoder.lost == 0 and not decoder._pending


def test_the_size_and_the_codec_may_change_midway(streams, encode_video):
    larger = encode_video([np.full((96, 128, 3), 8 + 8 * number, np.uint8) for number in range(3)])
    decoder = PacketDecoder()
    assert shown(decoder, streams['libx264', 0][:3], encoding='h264') == [0, 1, 2]
    (picture,) = decoder.decode(larger[0][1], encoding='h264;yuv420p;bgr8', token=0)
    assert picture.size_wh == (128, 96) and picture.to_bgr().shape == (96, 128, 3)
    assert shown(decoder, streams['libx265', 0][:3], encoding='hevc') == [0, 1, 2]
    assert (
        shown(decoder, streams['libx264', 0][5:], encoding='h264')[:5] == ['AwaitingKeyframe'] * 5
    )


def test_parameters_may_travel_in_a_packet_of_their_own(streams):
    _, data, _ = streams['libx264', 0][0]
    picture_at = data.index(b'\0\0\1\x65')
    decoder = PacketDecoder()
    assert decoder.decode(data[:picture_at], encoding='h264', token='parameters') == []
    (picture,) = decoder.decode(data[picture_at:], encoding='h264', token='picture')
    assert picture.token == 'picture'


def test_what_is_begun_is_bounded_whatever_comes(streams):
    """Bytes of any kind never make the decoder hold more than a stream may reorder."""
    random = np.random.default_rng(5)
    packets = streams['libx264', 3]
    decoder = PacketDecoder()
    for _ in range(400):
        number, data, is_keyframe = packets[random.integers(len(packets))]
        damaged = bytearray(data)
        for place in random.integers(0, len(data), random.integers(0, 3)):
            damaged[place] = random.integers(256)
        shown_or_refused(decoder, bytes(damaged), number, is_keyframe=is_keyframe)
        assert len(decoder._pending) <= 32 and len(decoder._parameters) <= 1 << 16


def shown_or_refused(decoder, data, number, *, is_keyframe):
    try:
        decoder.decode(data, encoding='h264', token=number, is_keyframe=is_keyframe)
    except (AwaitingKeyframe, BadPacket):
        return


def test_encodings_are_named_as_publishers_name_them():
    for name in ('h264', 'libx264', 'H.264', 'h264_nvenc', 'h264;nv12;bgr8;bgr8', 'avc1'):
        assert codec_of(name) == 'h264'
    for name in ('h265', 'hevc', 'hevc_vaapi', 'libx265'):
        assert codec_of(name) == 'hevc'
    for name in ('vp9', 'av1', '', 'mjpeg', 'x' * 500):
        with pytest.raises(UnsupportedEncoding, match=r'expected H\.264 or H\.265'):
            codec_of(name)
