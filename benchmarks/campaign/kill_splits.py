# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Kill recordings during the change from one file to the next, and count the lost messages.

Two kinds of victims get numbered images, most of them in bags whose files end several times a
second: the recorder's process over DDS, and a process with the recorder's writer alone, whose
start costs less. The judge walks over the records of the files as the kill left them, with mcap's
own reader of streams. A loss is judged without the time in which other work of the machine kept
the victim from a core.
"""

from __future__ import annotations

import os
import random
import struct
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import yaml
from mcap.exceptions import McapError
from mcap.records import Message
from mcap.stream_reader import StreamReader

from benchmarks.campaign.killed_recordings import Killed, kill_recorder, kill_writer
from benchmarks.campaign.result import CampaignOptions, Tally, run_campaign
from roof_detector.bags.errors import BagError
from roof_detector.bags.reader import BagReader
from roof_detector.bags.recovery import recover

if TYPE_CHECKING:
    from collections.abc import Callable

_AT_ONCE = 4
# A loaded machine lets a message lie this long between its sending and the writing thread.
_ALLOWED_S = 0.2
# All campaigns together have 30 minutes: on a loaded machine fewer are killed than were meant.
_BEGIN_WITHIN_S = 330.0
_MAGIC = b'\x89MCAP0\r\n'


def numbers_walked(bag: Path) -> list[int]:
    """Return the numbers of the messages in a bag's files, up to the cut."""
    numbers = []
    for file in bag.glob('*.mcap'):
        try:
            with file.open('rb') as stream:
                for record in StreamReader(stream, validate_crcs=True).records:
                    if isinstance(record, Message):
                        numbers.append(struct.unpack_from('<i', record.data, 4)[0])
        except (McapError, ValueError, struct.error):
            continue  # here it was cut off
    return sorted(numbers)


def _loss_of(walked: list[int], killed: Killed, *, promise_s: float) -> str:
    """Return which loss was not to be, '' if there is none."""
    # DDS keeps the last messages for a recorder that gets no core, and may lose those before.
    holes = set(range(max(walked, default=-1) + 1)) - set(walked)
    if holes and killed.killed_late_s < _ALLOWED_S:
        return f'{len(holes)} messages are lost before the last one that is there'
    lost_s, machine_s = killed.lost_s(max(walked, default=-1) + 1)
    if lost_s > promise_s + _ALLOWED_S + machine_s:
        return (
            f'{lost_s:.2f} s lost, {machine_s:.2f} s of them the machine, where {promise_s} s '
            'are promised'
        )
    return ''


def fault_of(bag: Path, killed: Killed, *, promise_s: float) -> str:
    """Return how the promise was broken, '' if it held."""
    walked = numbers_walked(bag)
    loss = _loss_of(walked, killed, promise_s=promise_s)
    if loss:
        return loss
    if len(set(walked)) != len(walked):
        return f'{len(walked) - len(set(walked))} messages are there twice'
    files = {file.name: file.read_bytes()[: len(_MAGIC)] for file in bag.glob('*.mcap')}
    if any(begin != _MAGIC for begin in files.values()):
        return f'{sum(begin != _MAGIC for begin in files.values())} files without a beginning'
    described = yaml.safe_load((bag / 'metadata.yaml').read_text())
    named = set(described['rosbag2_bagfile_information']['relative_file_paths'])
    if not named <= set(files):
        return f'metadata.yaml names {sorted(named - set(files))}, which are not there'
    try:
        recover(bag)
        with BagReader(bag) as reader:
            read = [struct.unpack_from('<i', one.data, 4)[0] for one in reader.messages()]
    except BagError as error:
        return f'after recovery: {error}'
    return '' if read == walked else f'{len(walked)} walked, {len(read)} read after recovery'


def attempt(options: CampaignOptions, tally: Tally) -> None:
    """Kill up to 200 victims, some at the same time."""
    begun_s = time.monotonic()
    # A killed process leaves what it shared in memory for good, so they share none.
    os.environ['FASTDDS_BUILTIN_TRANSPORTS'] = 'UDPv4'
    os.environ.pop('FASTRTPS_DEFAULT_PROFILES_FILE', None)
    rng = options.random()
    victims: list[tuple[str, Callable[..., Killed]]] = [('recorder', kill_recorder)] * (
        1 if options.short else 50
    )
    victims += [('writer', kill_writer)] * (3 if options.short else 150)
    rng.shuffle(victims)
    lost: dict[float, list[float]] = {0.3: [], 1.0: []}

    def one(number: int, seed: int) -> None:
        if time.monotonic() - begun_s > _BEGIN_WITHIN_S:
            return
        kind, kill = victims[number]
        period_s = (0.3, 1.0)[number % 2]
        flown_s = random.Random(seed).uniform(0.3, 2.5)
        with tempfile.TemporaryDirectory() as name:
            killed = kill(Path(name), flush_period_s=period_s, flown_s=flown_s)
            there = numbers_walked(Path(name) / 'bag')
            lost[period_s].append(killed.lost_s(max(there, default=-1) + 1)[0])
            fault = fault_of(Path(name) / 'bag', killed, promise_s=period_s)
        tally.check(kind, f'seed {seed}: {fault}', holds=not fault)

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        seeds = [rng.randrange(2**32) for _ in victims]
        for done in [pool.submit(one, number, seed) for number, seed in enumerate(seeds)]:
            done.result()
    for period_s, values in lost.items():
        tally.figures[f'lost_at_flush_{period_s}_median_s'] = round(float(np.median(values)), 3)
        tally.figures[f'lost_at_flush_{period_s}_most_s'] = round(max(values), 3)


if __name__ == '__main__':
    sys.exit(run_campaign('kill_splits', attempt))
