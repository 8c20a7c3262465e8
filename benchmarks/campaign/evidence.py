# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Results of inputs that changed since: no image is ever shown with another one's results.

Each try writes results over a folder of images or a bag, changes the input at random (files or
messages deleted, renamed, exchanged, replaced, damaged, added), and exports the images. What comes
out under a name must have the very pixels that were looked at under it; what does not come out
must be named; what is still there under any name must come out; what is new must be named.
"""

from __future__ import annotations

import sys
import tempfile
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

from benchmarks.campaign.result import CampaignOptions, Tally, run_campaign
from roof_detector.bags.finding_messages import detections_bytes, header_values
from roof_detector.bags.message_bytes import message_bytes
from roof_detector.bags.writer import BagWriter
from roof_detector.inputs.frame import Frame
from roof_detector.inputs.input_files import files_text
from roof_detector.inputs.open_input import open_recording
from roof_detector.offline.exporting import export_results
from roof_detector.offline.frame_record import FrameRecord
from roof_detector.offline.georeferencing import GeoreferenceSettings
from roof_detector.offline.journal import Inferred
from roof_detector.offline.result_writer import ResultWriter
from roof_detector.offline.settings import DetectSettings, NetworkFacts
from roof_detector.vision.detections import Detections

if TYPE_CHECKING:
    import random

    from roof_detector.inputs.input import RecordedInput

_TRIES, _SHORT_TRIES = 900, 18
_SIDE_PX = 12
_IMAGE = 'sensor_msgs/msg/Image'
_NETWORK = NetworkFacts(
    model='m.onnx',
    model_sha256='0' * 64,
    names=('roof',),
    task='detect',
    backend='none',
    device='cpu',
    image_size=(32, 32),
    stride=32,
    fixed_size=True,
)

Image = npt.NDArray[np.uint8]


def attempt(options: CampaignOptions, tally: Tally) -> None:
    """Change folders and bags, and judge what is exported."""
    chance = options.random()
    with tempfile.TemporaryDirectory(prefix='roof_detector-evidence-') as root:
        for number in range(_SHORT_TRIES if options.short else _TRIES):
            place = Path(root, str(number))
            place.mkdir()
            kind, found = (
                ('folder', _try_folder(place, chance))
                if number % 3
                else ('bag', _try_bag(place, chance))
            )
            tally.check(kind, f'try {number}: {found}', holds=not found)


def _try_folder(place: Path, chance: random.Random) -> str:
    """Return what is wrong, '' if nothing is."""
    folder = place / 'photos'
    folder.mkdir()
    suffixes = ('.png', '.bmp', '.PNG')
    seen = {f'p{k}{chance.choice(suffixes)}': _noise(chance) for k in range(chance.randint(1, 6))}
    for name, image in seen.items():
        _write(folder / name, image)
    _write_results(open_recording(folder), place / 'results')
    contents = {path.read_bytes(): path.name for path in folder.iterdir()}
    changes = [_change(folder, chance) for _ in range(chance.randint(0, 4))]
    if not any(folder.iterdir()):
        return ''
    tally = export_results(
        place / 'results',
        place / 'out',
        ('images',),
        georeferencing=GeoreferenceSettings(),
        images=folder,
        progress='none',
    )
    reported = ' '.join((*tally.warnings, *tally.notes))
    still = {contents[p.read_bytes()] for p in folder.iterdir() if p.read_bytes() in contents}
    for path in folder.iterdir():
        if path.read_bytes() not in contents and path.name not in reported:
            return f'{path.name} is new or changed and not named after {changes}'
    wrong = _judge(place / 'out/images', seen, still, reported)
    return wrong and f'{wrong}: {reported} after {changes}'


def _try_bag(place: Path, chance: random.Random) -> str:
    images = {k: _noise(chance) for k in range(chance.randint(1, 6))}
    # Some cameras give several frames one stamp, and some clocks go back.
    stamps = {k: 10**18 + chance.choice((k, k // 2, -k % 3)) * 10**8 for k in images}
    _write_bag(place / 'flight', [(stamps[k], images[k]) for k in images])
    _write_results(open_recording(place / 'flight'), place / 'results')
    kept = [k for k in images if chance.random() < 0.8]
    changed = {k for k in kept if chance.random() < 0.3}
    messages = [(stamps[k], _noise(chance) if k in changed else images[k]) for k in kept]
    if chance.random() < 0.3:
        messages.insert(chance.randint(0, len(messages)), (chance.choice(stamps), _noise(chance)))
    if not messages:
        return ''
    _write_bag(place / 'changed' / 'flight', messages)
    tally = export_results(
        place / 'results',
        place / 'out',
        ('images',),
        georeferencing=GeoreferenceSettings(),
        images=place / 'changed' / 'flight',
        progress='none',
    )
    reported = ' '.join((*tally.warnings, *tally.notes))
    seen = {f'flight_{k:06d}': image for k, image in images.items()}
    wanted = {f'flight_{k:06d}' for k in kept if k not in changed}
    in_order = all(
        list(one) == sorted(one) for one in (stamps.values(), [stamp for stamp, _ in messages])
    )
    # Where a clock goes back, one that is gone may hide others; they are named, never mistaken.
    return _judge(place / 'out/images', seen, wanted if in_order else set(), reported, exact=False)


def _judge(
    folder: Path, seen: dict[str, Image], wanted: set[str], reported: str, *, exact: bool = True
) -> str:
    """Return what is wrong with exported images, '' if nothing is."""
    shown = {path.name if exact else path.stem: path for path in folder.iterdir()}
    for name, path in shown.items():
        image = cv2.imread(str(path))
        if name not in seen or image is None:
            return f'{name} came from nowhere'
        apart = np.abs(image.astype(int) - seen[name]).mean()
        if apart > (0 if exact else 40):  # a bag's frames become JPEGs of noise
            return f'{name} shows another image'
    for name in seen:
        if name not in shown and name not in reported:
            return f'{name} is lost without a word'
    absent = sorted(wanted - set(shown))
    return f'{absent} are there and were not found' if absent else ''


def _change(folder: Path, chance: random.Random) -> str:
    files = sorted(folder.iterdir())
    if not files:
        return 'nothing'
    one, other = chance.choice(files), chance.choice(files)
    what = chance.choice(('delete', 'rename', 'exchange', 'replace', 'damage', 'add', 'copy'))
    new = folder / f'n{chance.randrange(10**6)}{one.suffix}'
    if what == 'delete':
        one.unlink()
    elif what == 'rename':
        one.rename(new)
    elif what == 'exchange' and one.suffix == other.suffix:
        data = one.read_bytes()
        one.write_bytes(other.read_bytes())
        other.write_bytes(data)
    elif what == 'replace':
        _write(one, _noise(chance))
    elif what == 'damage':
        data = bytearray(one.read_bytes())
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        one.write_bytes(data)
    elif what == 'add':
        _write(new, _noise(chance))
    else:
        new.write_bytes(one.read_bytes())
    return f'{what} {one.name}'


def _noise(chance: random.Random) -> Image:
    """Return an image with four plain areas, whose colours survive JPEG."""
    fields = np.frombuffer(chance.randbytes(12), np.uint8).reshape(2, 2, 3)
    return np.kron(fields, np.ones((_SIDE_PX // 2, _SIDE_PX // 2, 1), np.uint8))


def _write(path: Path, image: Image) -> None:
    _, data = cv2.imencode(path.suffix.lower(), image)
    path.write_bytes(data.tobytes())


def _write_bag(path: Path, messages: list[tuple[int, Image]]) -> None:
    with BagWriter(path) as writer:
        writer.add_topic('/camera/image', _IMAGE)
        for number, (stamp_ns, image) in enumerate(messages):
            values = {
                'header': header_values(stamp_ns, 'lens'),
                'height': image.shape[0],
                'width': image.shape[1],
                'encoding': 'bgr8',
                'step': image.shape[1] * 3,
                'data': image.tobytes(),
            }
            data = message_bytes(_IMAGE, values)
            writer.write('/camera/image', data, log_time_ns=2 * 10**18 + number)


def _write_results(source: RecordedInput, folder: Path) -> None:
    """Write results that found nothing, so that images are shown as they are."""
    writer = ResultWriter(
        folder,
        source=source.path.name,
        files=files_text(source.files),
        image_topics=source.image_topics,
        passthrough_topics=(),
        network=_NETWORK,
        settings=DetectSettings(),
    )
    with closing(source), closing(writer):
        for frame in source.recorded():
            if not isinstance(frame, Frame):
                continue
            loaded = frame.load()
            size_wh = loaded.image_bgr().shape[1::-1]
            found = detections_bytes(
                Detections.empty(),
                names=_NETWORK.names,
                stamp_ns=frame.stamp_ns,
                frame_id=frame.frame_id,
            )
            record = FrameRecord(
                topic=frame.topic,
                index=frame.index,
                name=frame.name,
                stamp_ns=frame.stamp_ns,
                frame_id=frame.frame_id,
                size_wh=size_wh,
                content=loaded.content,
            )
            writer.write(
                record, Inferred(size_wh=size_wh, detections=found), log_time_ns=frame.log_time_ns
            )


if __name__ == '__main__':
    sys.exit(run_campaign('evidence', attempt))
