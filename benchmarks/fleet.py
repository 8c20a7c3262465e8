# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A fleet's run under kills, and how it scales: `python -m benchmarks.fleet kills|scaling|nodes`.

`kills` kills workers, the run with all its processes and Ray's head at random moments, begins
stores until it has killed as often as asked, and compares each, when a run has ended, with that of
an undisturbed run. `scaling` measures one and two workers with the shipped model. `nodes` runs
a fleet on several Ray nodes on this computer (Ray's cluster utility) with tasks that only wait, as
long as real ones took.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import multiprocessing
import os
import random
import sqlite3
import subprocess
import sys
import tempfile
import threading
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
# What the command line of a process to be killed holds.
WHAT = {'worker': 'ray::', 'ray': '/gcs_server', 'head': ''}
PIECES_OF_A_FLIGHT = 4
LAYERS = ('findings', 'sightings', 'tracks', 'frames', 'coverage', 'events', 'provenance')


def main() -> int:
    """Run one part and write its results."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument('part', choices=('kills', 'scaling', 'nodes'))
    parser.add_argument('--kills', type=int, default=20)
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--within-s', type=float, default=3600.0, help='no kills after')
    parser.add_argument('--workers', type=int, nargs='+', default=[1, 2])
    parser.add_argument('--frames', type=int, default=60, help='of each video')
    parser.add_argument('--flights', type=int, default=6)
    chosen = parser.parse_args()
    found = {'kills': kills, 'scaling': scaling, 'nodes': nodes}[chosen.part](chosen)
    found['load_average'] = [round(one, 1) for one in os.getloadavg()]
    RESULTS.mkdir(parents=True, exist_ok=True)
    text = json.dumps(found, indent=1)
    name = f'kills_{chosen.seed}' if chosen.part == 'kills' else chosen.part
    (RESULTS / f'{name}.json').write_text(text + '\n')
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
    """Kill what runs at random; compare each store with one of an undisturbed run."""
    sys.path.insert(0, str(TINY))
    from tiny_model import write_model  # noqa: PLC0415

    rng = random.Random(chosen.seed)
    killed: list[dict[str, Any]] = []
    different: dict[str, list[str]] = {}
    codes: list[int] = []
    with tempfile.TemporaryDirectory(prefix='fleet') as name:
        folder = Path(name)
        model = write_model(folder / 'small.onnx')
        write_videos(
            folder / 'in', flights=chosen.flights, frames=chosen.frames, size_wh=(160, 120)
        )
        options = ('--model', str(model), '--confidence', '0.93', '--piece-frames', '5')
        options += ('--workers', '2')
        begun_s = time.monotonic()
        subprocess.run(
            command(folder / 'in', folder / 'undisturbed', *options),
            check=True,
            stdout=subprocess.DEVNULL,
        )
        within_s = undisturbed_s = time.monotonic() - begun_s
        whole = digest(folder / 'undisturbed')
        number = 0
        until_s = begun_s + chosen.within_s
        while len(killed) < chosen.kills and time.monotonic() < until_s:
            # A store begins empty and is run over until a run ends by itself.
            store = folder / f'store_{number}'
            code = 1
            while code:
                most = chosen.kills - len(killed) if time.monotonic() < until_s else 0
                words = command(folder / 'in', store, *options)
                begun_s = time.monotonic()
                code, found = _disturbed(words, rng, most=most, within_s=within_s)
                if not found:  # as fast as the computer is now
                    within_s = time.monotonic() - begun_s
                killed += found
                codes.append(code)
                print(f'{len(killed)} kills in {len(codes)} runs, now {code}', flush=True)
                if len(codes) > 3 * chosen.kills:
                    msg = f'{store} is not done after {len(codes)} runs.'
                    raise RuntimeError(msg)
            now = digest(store)
            wrong = [one for one in whole.keys() | now.keys() if whole.get(one) != now.get(one)]
            left = [*store.glob('work/pieces/*'), *store.glob('work/scratch/*')]
            left += store.rglob('*.part')
            wrong += [f'{one.relative_to(store)} is left' for one in left]
            if wrong:
                different[store.name] = sorted(wrong)
            number += 1
    return {
        'kills': len(killed),
        'killed': {
            what: sum(one['what'] == what for one in killed)
            for what in sorted({one['what'] for one in killed})
        },
        'stores': number,
        'runs': len(codes),
        'exit_codes': codes,
        'undisturbed_s': round(undisturbed_s, 1),
        'files_and_layers_of_each': len(whole),
        'different': different,
        'moments': killed,
    }


def _disturbed(
    words: list[str], rng: random.Random, *, most: int, within_s: float
) -> tuple[int, list[dict[str, Any]]]:
    """Run a command and kill at random until it ends; return its code and what was killed.

    A worker may die at any moment, and again. `head` is the computer that goes down: nothing of
    the run is left. `ray` is the head of Ray alone.
    """
    killed: list[dict[str, Any]] = []
    last: dict[str, Any] = {}
    other_lines: list[str] = []
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:

        def read() -> None:
            assert process.stdout is not None
            for line in process.stdout:
                try:
                    last.update(json.loads(line))
                except ValueError:
                    other_lines.append(line)

        reader = threading.Thread(target=read)
        reader.start()
        begun_s = time.monotonic()
        while len(killed) < most:
            what = rng.choice((*['worker'] * 5, 'head', 'head', 'ray'))
            # Ray's own start takes the first quarter.
            delay = rng.uniform(0.0, 0.2) if killed else rng.uniform(0.2, 1.0)
            try:
                process.wait(within_s * delay)
            except subprocess.TimeoutExpired:
                pass
            else:
                break
            tree = psutil.Process(process.pid).children(recursive=True)
            names = {one: _name(one) for one in tree}
            found = [one for one, name in names.items() if WHAT[what] in name]
            found = [one for one in found if 'ray::fleet' in names[one]] or found
            if what == 'head':
                process.kill()
                found = tree
            elif what == 'worker':
                found = [rng.choice(found)] if found else []
            for one in found:
                with contextlib.suppress(psutil.NoSuchProcess):
                    one.kill()
            if not found:
                continue
            killed.append(
                {
                    'what': what,
                    'name': '' if what == 'head' else names[found[0]][:30],
                    'after_s': round(time.monotonic() - begun_s, 2),
                    'pieces_done': last.get('pieces_done', 0),
                    'flights_done': last.get('flights_done', 0),
                }
            )
            if what != 'worker':
                break
        try:
            process.wait(10 * within_s)
        except subprocess.TimeoutExpired:
            for one in (process, *psutil.Process(process.pid).children(recursive=True)):
                one.kill()
            msg = f'The run hangs after {killed}.'
            raise RuntimeError(msg) from None
        reader.join()
    if other_lines:
        print('no JSON:', *other_lines, flush=True)
    return process.returncode, killed


def _name(process: psutil.Process) -> str:
    try:
        return ' '.join(process.cmdline()) or process.name()
    except psutil.Error:
        return ''


def scaling(chosen: argparse.Namespace) -> dict[str, Any]:
    """Measure how long the same flights take with so many workers, without Ray's start.

    `without_ray` is the same inference in so many processes side by side: what this computer has.
    """
    found: dict[str, Any] = {'flights': chosen.flights, 'frames_each': chosen.frames, 'runs': []}
    with tempfile.TemporaryDirectory(prefix='fleet') as name:
        folder = Path(name)
        write_videos(
            folder / 'in', flights=chosen.flights, frames=chosen.frames, size_wh=(640, 480)
        )
        video = next((folder / 'in').rglob('*.MP4'))
        for workers in chosen.workers:
            alone_s, cores = _side_by_side(video, workers)
            started_s = time.monotonic()
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
                    'whole_run_s': round(time.monotonic() - started_s, 2),
                    'without_ray_s': round(alone_s, 2),
                    'cores_of_a_process_without_ray': round(cores, 2),
                }
            )
    first = found['runs'][0]
    for one in found['runs']:
        share = one['pieces_per_s'] / first['pieces_per_s']
        one['efficiency'] = round(share * first['workers'] / one['workers'], 3)
        one['efficiency_without_ray'] = round(first['without_ray_s'] / one['without_ray_s'], 3)
    return found


def _side_by_side(video: Path, processes: int) -> tuple[float, float]:
    """Return how long so many processes take that each infer the whole video on one thread.

    The second value is the processor time of each in that time.
    """
    context = multiprocessing.get_context('spawn')
    ready, done = context.Barrier(processes + 1), context.Barrier(processes + 1)
    costs_s = context.Queue()
    started = [
        context.Process(target=_infer_video, args=(video, ready, done, costs_s))
        for _ in range(processes)
    ]
    for one in started:
        one.start()
    ready.wait(120)
    begun_s = time.monotonic()
    done.wait(240)
    seconds = time.monotonic() - begun_s
    cost_s = sum(costs_s.get(timeout=60) for _ in started) / processes
    for one in started:
        one.join()
    return seconds, cost_s / seconds


def _infer_video(video: Path, ready: Any, done: Any, costs_s: Any) -> None:
    from roof_detector.fleet.fleet_job import ModelChoice  # noqa: PLC0415
    from roof_detector.offline.detection import FlightDetection  # noqa: PLC0415
    from roof_detector.offline.settings import DetectSettings, OutputSettings  # noqa: PLC0415
    from roof_detector.vision.thresholds import Thresholds  # noqa: PLC0415

    settings = DetectSettings(Thresholds(), OutputSettings(formats=()))
    with (
        ModelChoice(model='roof_anomalies', device='cpu', threads=1).open() as detector,
        tempfile.TemporaryDirectory() as folder,
    ):
        detection = FlightDetection(
            video, Path(), detector=detector, settings=settings, progress='none'
        )

        def infer(name: str, end: int | None) -> None:
            detection.infer_part(Path(folder, name), begin=0, end=end, made_from=name)

        infer('warm', 3)
        ready.wait()
        begun_s = time.process_time()
        infer('all', None)
        costs_s.put(time.process_time() - begun_s)
        done.wait()


def nodes(chosen: argparse.Namespace) -> dict[str, Any]:
    """Run a fleet over the workers of several nodes of one computer, with tasks that only wait.

    They wait as long as the real ones took before, so that the computer has time for all nodes:
    what is measured is how the run keeps its workers busy, to the end of the last task.
    """
    from roof_detector.fleet.cluster import set_environment  # noqa: PLC0415

    set_environment(None)
    import ray  # noqa: PLC0415
    from ray.cluster_utils import Cluster  # noqa: PLC0415

    seconds_of = _task_seconds(chosen.frames)
    found: dict[str, Any] = {
        'frames_of_a_piece': chosen.frames,
        'pieces_of_a_flight': PIECES_OF_A_FLIGHT,
        'task_s': {kind: round(seconds, 3) for kind, seconds in seconds_of.items()},
        'runs': [],
    }
    for workers in chosen.workers:
        count = max(workers // 20, 2)
        cluster = Cluster()
        for number in range(count):
            own = workers // count + (number < workers % count)
            cluster.add_node(num_cpus=own, object_store_memory=80 << 20, include_dashboard=False)
        ray.init(address=cluster.address, log_to_driver=False, logging_level='ERROR')
        try:
            wait = ray.remote(num_cpus=1, scheduling_strategy='SPREAD')(_wait)
            while True:  # until all workers are started and have loaded what their tasks load
                begun_s = time.monotonic()
                ray.get([wait.remote(2.0) for _ in range(workers)])
                if time.monotonic() - begun_s < 2.5:
                    break
            flights = 3 * workers
            seconds = _simulated_run(workers, flights, seconds_of)
        finally:
            ray.shutdown()
            cluster.shutdown()
        work_s = flights * (
            seconds_of['survey'] + PIECES_OF_A_FLIGHT * seconds_of['piece'] + seconds_of['finish']
        )
        found['runs'].append(
            {
                'nodes': count,
                'workers': workers,
                'tasks': flights * (2 + PIECES_OF_A_FLIGHT),
                'seconds': round(seconds, 2),
                'efficiency': round(work_s / workers / seconds, 3),
            }
        )
        print(found['runs'][-1], flush=True)
    return found


def _wait(seconds: float) -> None:
    # 20 workers loaded them for 6 s on two cores; each on its own computer takes less than one.
    from roof_detector.fleet import flight_survey  # noqa: F401, PLC0415
    from roof_detector.offline import outcome  # noqa: F401, PLC0415

    time.sleep(seconds)


def _task_seconds(frames: int) -> dict[str, float]:
    """Measure each kind of task once, on a flight of one piece with the shipped model."""
    from roof_detector.fleet.catalog import read_catalog  # noqa: PLC0415
    from roof_detector.fleet.fleet_store import FleetStore  # noqa: PLC0415
    from roof_detector.fleet.flight_survey import survey  # noqa: PLC0415
    from roof_detector.fleet.flight_work import finish_flight, infer_piece  # noqa: PLC0415

    with tempfile.TemporaryDirectory(prefix='fleet') as name:
        folder = Path(name)
        write_videos(folder / 'in', flights=1, frames=frames, size_wh=(640, 480))
        job = _job(folder, frames)
        FleetStore.create(job.store)
        (flight,) = read_catalog(folder / 'in')
        with job.model.open() as detector:
            moments = [time.monotonic()]
            found = survey(job, flight, detector)
            moments.append(time.monotonic())
            infer_piece(job, flight, found.pieces[0], detector)
            moments.append(time.monotonic())
            finish_flight(job, flight, found, detector)
            moments.append(time.monotonic())
    return {
        kind: after - before
        for kind, before, after in zip(
            ('survey', 'piece', 'finish'), moments, moments[1:], strict=False
        )
    }


def _job(folder: Path, piece_frames: int) -> Any:
    from roof_detector.fleet.fleet_job import FleetJob, ModelChoice  # noqa: PLC0415
    from roof_detector.offline.settings import DetectSettings, OutputSettings  # noqa: PLC0415
    from roof_detector.vision.thresholds import Thresholds  # noqa: PLC0415

    return FleetJob(
        store=str(folder / 'store'),
        model=ModelChoice(model='roof_anomalies', device='cpu', threads=1),
        scratch=folder / 'scratch',
        settings=DetectSettings(Thresholds(), OutputSettings(formats=())),
        piece_frames=piece_frames,
    )


def _simulated_run(workers: int, flights: int, seconds_of: dict[str, float]) -> float:
    """Run a fleet whose tasks only wait, on the cluster that is open; return how long it took."""
    import ray  # noqa: PLC0415

    from roof_detector.fleet.catalog import CatalogFlight  # noqa: PLC0415
    from roof_detector.fleet.cluster import ClusterChoice, RayCluster  # noqa: PLC0415
    from roof_detector.fleet.fleet_progress import FleetProgress  # noqa: PLC0415
    from roof_detector.fleet.fleet_run import FleetRun  # noqa: PLC0415

    cluster = RayCluster(ClusterChoice(workers=workers))
    with tempfile.TemporaryDirectory(prefix='fleet') as name:
        run = FleetRun(
            _job(Path(name), 300),
            [CatalogFlight(name=f'flight {number}') for number in range(flights)],
            cluster=cluster,
            progress=FleetProgress('none'),
        )
        work = ray.remote(_simulated).options(**cluster.task_options())

        def submit(kind: str) -> Any:
            return lambda _, flight, *__: work.remote(kind, flight, seconds_of[kind])

        run._remote = {kind: submit(kind) for kind in seconds_of}
        begun_s = time.monotonic()
        outcomes = list(run.outcomes())
        seconds = time.monotonic() - begun_s
        run.close()
    assert len(outcomes) == flights
    assert not any(one.failure for one in outcomes)
    return seconds


def _simulated(kind: str, flight: Any, seconds: float) -> Any:
    from roof_detector.fleet.flight_survey import FlightPiece, FlightSurvey  # noqa: PLC0415
    from roof_detector.offline.outcome import InputOutcome  # noqa: PLC0415

    time.sleep(seconds)
    if kind == 'piece':
        return 300
    if kind == 'finish':
        return InputOutcome(source=flight.name)
    pieces = [
        FlightPiece(recording='a', begin=0, end=None, key=f'{flight.name} {number}')
        for number in range(PIECES_OF_A_FLIGHT)
    ]
    return FlightSurvey(
        flight_id=flight.name,
        name=flight.name,
        content_sha256=flight.name,
        key=flight.name,
        pieces=tuple(pieces),
    )


if __name__ == '__main__':
    sys.exit(main())
