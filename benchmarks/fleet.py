# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A fleet's run under kills, and how it scales: `python -m benchmarks.fleet kills|scaling|nodes`.

`kills` kills workers and the head of a run at random moments until it has killed as often as
asked, lets it end, and compares the store with that of an undisturbed run. `scaling` measures one
and two workers with the shipped model. `nodes` gives tasks that take a measured piece's time to
the workers of several Ray nodes on this computer (Ray's cluster utility).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import psutil

RESULTS = Path(__file__).parent / 'results' / 'fleet'
TINY = Path(__file__).parents[1] / 'ros2_ws' / 'src' / 'roof_detector' / 'tests' / 'ros'
CUE = (
    '{n}\n00:{m:02d}:{s:02d},000 --> 00:{m:02d}:{s:02d},900\n[focal_len: 24.00] '
    '[latitude: {latitude:.7f}] [longitude: 13.4100000] [rel_alt: 40.000 abs_alt: 120.000] '
    '[gb_yaw: 0.1 gb_pitch: -90.0 gb_roll: 0.0]\n\n'
)
LAYERS = ('findings', 'sightings', 'tracks', 'frames', 'coverage', 'events', 'provenance')


def main() -> int:
    """Run one part and write its results."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument('part', choices=('kills', 'scaling', 'nodes'))
    parser.add_argument('--kills', type=int, default=20)
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--workers', type=int, nargs='+', default=[1, 2])
    parser.add_argument('--frames', type=int, default=60, help='of each video')
    parser.add_argument('--flights', type=int, default=6)
    parser.add_argument('--piece-s', type=float, default=2.0, help='of a simulated piece')
    chosen = parser.parse_args()
    found = {'kills': kills, 'scaling': scaling, 'nodes': nodes}[chosen.part](chosen)
    found['load_average'] = [round(one, 1) for one in os.getloadavg()]
    RESULTS.mkdir(parents=True, exist_ok=True)
    text = json.dumps(found, indent=1)
    (RESULTS / f'{chosen.part}.json').write_text(text + '\n')
    print(text)
    return 0


def write_videos(folder: Path, *, flights: int, frames: int, size_wh: tuple[int, int]) -> None:
    """Write a video with subtitles for each flight, two flights for each of the roofs."""
    for number in range(flights):
        path = folder / f'2024-{number + 1:02d}-01' / f'DJI_{number:04d}.MP4'
        path.parent.mkdir(parents=True)
        # The second flight of a roof has one frame more, so that it is another file.
        count = frames + number % 2
        rng = np.random.default_rng(number // 2)
        image = rng.integers(0, 256, (size_wh[1], size_wh[0], 3), np.uint8)
        code = cv2.VideoWriter.fourcc(*'mp4v')
        writer = cv2.VideoWriter(str(path), code, 2.0, size_wh)
        for _ in range(count):
            writer.write(image)
        writer.release()
        place = 52.52 + 0.01 * (number // 2)
        cues = [
            CUE.format(n=n, m=n // 60, s=n % 60, latitude=place + n * 1e-6)
            for n in range(count // 2 + 1)
        ]
        path.with_suffix('.srt').write_text(''.join(cues))


def command(catalog: Path, store: Path, *options: str) -> list[str]:
    """Return the command of a run."""
    return [
        *(sys.executable, '-m', 'roof_detector.cli.main', 'fleet', 'run', str(catalog)),
        *('--output', str(store), '--progress', 'json', '--device', 'cpu', *options),
    ]


def digest(store: Path) -> dict[str, str]:
    """Return the hash of each table's file, and of the rows of each inspection."""
    found = {
        path.relative_to(store).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(store.rglob('*.parquet'))
    }
    for path in sorted(store.glob('inspections/*/inspection.gpkg')):
        with sqlite3.connect(path) as connection:
            for layer in LAYERS:
                rows = connection.execute(f'SELECT * FROM {layer} ORDER BY fid').fetchall()
                name = f'{path.relative_to(store).as_posix()}#{layer}'
                found[name] = hashlib.sha256(repr(rows).encode()).hexdigest()
    for path in sorted(store.glob('inspections/**/*.mcap')):
        name = path.relative_to(store).as_posix()
        found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def kills(chosen: argparse.Namespace) -> dict[str, Any]:
    """Kill workers and heads at random; compare the store with one of an undisturbed run."""
    sys.path.insert(0, str(TINY))
    from tiny_model import write_model  # noqa: PLC0415

    rng = random.Random(chosen.seed)
    killed: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix='fleet') as name:
        folder = Path(name)
        model = write_model(folder / 'small.onnx')
        write_videos(
            folder / 'in', flights=chosen.flights, frames=chosen.frames, size_wh=(160, 120)
        )
        options = ('--model', str(model), '--confidence', '0.93', '--piece-frames', '5')
        options += ('--workers', '2')
        subprocess.run(
            command(folder / 'in', folder / 'undisturbed', *options),
            check=True,
            stdout=subprocess.DEVNULL,
        )
        runs = 0
        while len(killed) < chosen.kills:
            runs += 1
            killed += _disturbed(
                command(folder / 'in', folder / 'store', *options),
                rng,
                most=chosen.kills - len(killed),
            )
            print(f'{len(killed)} kills in {runs} runs', flush=True)
            if runs > 3 * chosen.kills:
                break
            if _is_complete(folder / 'store', folder / 'undisturbed'):
                _forget_some(folder / 'store', rng)
        last = subprocess.run(
            command(folder / 'in', folder / 'store', *options),
            check=False,
            stdout=subprocess.DEVNULL,
        )
        whole, store = digest(folder / 'undisturbed'), digest(folder / 'store')
        return {
            'kills': len(killed),
            'workers_killed': sum(one['what'] == 'worker' for one in killed),
            'heads_killed': sum(one['what'] == 'head' for one in killed),
            'runs': runs + 1,
            'exit_code_of_the_last': last.returncode,
            'files_and_layers': len(whole),
            'different': sorted(
                one for one in whole.keys() | store.keys() if whole.get(one) != store.get(one)
            ),
            'moments': killed,
        }


def _disturbed(words: list[str], rng: random.Random, *, most: int) -> list[dict[str, Any]]:
    """Run a command and kill its workers at random, until its head is killed or it ends."""
    killed: list[dict[str, Any]] = []
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stdout is not None
        begun_s = 0.0
        next_s = 0.0
        for line in process.stdout:
            if '"all_pieces"' not in line or not json.loads(line)['all_pieces']:
                continue
            now_s = time.monotonic()
            if not begun_s:
                begun_s, next_s = now_s, now_s + rng.uniform(0.0, 2.0)
            if now_s < next_s or len(killed) >= most:
                continue
            what = rng.choice(('worker', 'worker', 'worker', 'head'))
            tree = psutil.Process(process.pid).children(recursive=True)
            if what == 'worker':
                workers = [one for one in tree if _name(one).startswith('ray::')]
                if not workers:
                    continue
                rng.choice(workers).kill()
            killed.append({'what': what, 'after_s': round(now_s - begun_s, 2)})
            if what == 'head':
                process.kill()
                for one in tree:  # the computer goes down: nothing of the run is left
                    if one.is_running():
                        one.send_signal(signal.SIGKILL)
                break
            next_s = now_s + rng.uniform(0.5, 3.0)
        process.wait()
    return killed


def _name(process: psutil.Process) -> str:
    try:
        return ' '.join(process.cmdline()) or process.name()
    except psutil.Error:
        return ''


def _is_complete(store: Path, undisturbed: Path) -> bool:
    return len(list(store.glob('inspections/*/flight.json'))) == len(
        list(undisturbed.glob('inspections/*/flight.json'))
    )


def _forget_some(store: Path, rng: random.Random) -> None:
    """Remove finished inspections, so that there is something to be killed again."""
    for path in store.glob('inspections/*/flight.json'):
        if rng.random() < 0.7:
            path.unlink()


def scaling(chosen: argparse.Namespace) -> dict[str, Any]:
    """Measure how long the same flights take with so many workers, without Ray's start."""
    found: dict[str, Any] = {'flights': chosen.flights, 'frames_each': chosen.frames, 'runs': []}
    with tempfile.TemporaryDirectory(prefix='fleet') as name:
        folder = Path(name)
        write_videos(
            folder / 'in', flights=chosen.flights, frames=chosen.frames, size_wh=(640, 480)
        )
        for workers in chosen.workers:
            words = command(
                folder / 'in', folder / f'store_{workers}', '--workers', str(workers),
                '--piece-frames', '10',
            )  # fmt: skip
            with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
                assert process.stdout is not None
                begun_s = ended_s = 0.0
                pieces = 0
                for line in process.stdout:
                    event = json.loads(line)
                    if event['event'] != 'fleet':
                        continue
                    # From the first piece that is done, when models are open, to the last.
                    if event['pieces_done'] >= 2 * workers and not begun_s:
                        begun_s, pieces = time.monotonic(), -event['pieces_done']
                    ended_s = time.monotonic()
                    last = event['pieces_done']
                process.wait()
            pieces += last
            found['runs'].append(
                {
                    'workers': workers,
                    'pieces': pieces,
                    'seconds': round(ended_s - begun_s, 2),
                    'pieces_per_s': round(pieces / max(ended_s - begun_s, 1e-9), 3),
                }
            )
    first = found['runs'][0]
    for one in found['runs']:
        share = one['pieces_per_s'] / first['pieces_per_s']
        one['efficiency'] = round(share * first['workers'] / one['workers'], 3)
    return found


def nodes(chosen: argparse.Namespace) -> dict[str, Any]:
    """Give tasks of a piece's time to the workers of several nodes of one computer."""
    from roof_detector.fleet.cluster import set_environment  # noqa: PLC0415

    set_environment(None)
    import ray  # noqa: PLC0415
    from ray.cluster_utils import Cluster  # noqa: PLC0415

    found: dict[str, Any] = {'piece_s': chosen.piece_s, 'runs': []}
    for workers in chosen.workers:
        count = max(workers // 5, 1)
        cluster = Cluster()
        for number in range(count):
            own = workers // count + (number < workers % count)
            cluster.add_node(num_cpus=own, object_store_memory=80 << 20, include_dashboard=False)
        ray.init(address=cluster.address, log_to_driver=False, logging_level='ERROR')
        try:
            work = ray.remote(num_cpus=1, scheduling_strategy='SPREAD')(_piece)
            ray.get([work.remote(2.0) for _ in range(workers)])  # processes are started
            begun_s = time.monotonic()
            tasks = 4 * workers
            pending = {work.remote(chosen.piece_s) for _ in range(min(2 * workers, tasks))}
            left = tasks - len(pending)
            while pending:
                done, rest = ray.wait(list(pending), num_returns=1)
                pending = set(rest)
                for _ in done:
                    if left:
                        pending.add(work.remote(chosen.piece_s))
                        left -= 1
            seconds = time.monotonic() - begun_s
        finally:
            ray.shutdown()
            cluster.shutdown()
        found['runs'].append(
            {
                'nodes': count,
                'workers': workers,
                'tasks': tasks,
                'seconds': round(seconds, 2),
                'efficiency': round(4 * chosen.piece_s / seconds, 3),
            }
        )
        print(found['runs'][-1], flush=True)
    return found


def _piece(seconds: float) -> None:
    time.sleep(seconds)


if __name__ == '__main__':
    sys.exit(main())
