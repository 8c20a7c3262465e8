# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Time, memory and sizes of the report of an inspection, and whether it has the same bytes twice.

Videos of simulated flights over roofs apart, of 3840x2160 pixels, are inspected once and kept. So
many findings are confirmed, the others rejected:

    python -m benchmarks.report_cost --work /tmp/report_cost
"""

from __future__ import annotations

import argparse
import hashlib
import math
import os
import subprocess
import sys
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from benchmarks.bench.machine import describe_run
from benchmarks.bench.result_file import write_result
from roof_detector.findings.decisions import DecisionKind
from roof_detector.findings.inspection_store import InspectionStore
from roof_detector.findings.reviewer import FindingVerdict, Reviewer
from roof_detector.simulation import FlightConfig, RoofWorld, SurveyFlight

if TYPE_CHECKING:
    from collections.abc import Sequence

WORLDS, ALTITUDE_M, ROOF_M = range(7, 13), 14.0, 8.0
RENDERED_WH, VIDEO_WH = (1280, 720), (3840, 2160)
_ORIGIN_DEG = (52.52, 13.41)
_APART_DEG = 0.005
_METRES_PER_DEG = 111_250.0
_CONFIDENCE = '0.1'
_CUE = (
    '{n}\n{begin} --> {end}\n[focal_len: {focal:.2f}] [latitude: {latitude:.7f}] '
    '[longitude: {longitude:.7f}] [rel_alt: {up:.3f} abs_alt: {above_sea:.3f}] '
    '[gb_yaw: {yaw:.1f} gb_pitch: {pitch:.1f} gb_roll: 0.0]\n\n'
)


def write_flight(path: Path, seed: int, number: int) -> None:
    """Write the video of a flight over a simulated roof, one frame a second, with subtitles."""
    config = FlightConfig(size_wh=RENDERED_WH, altitude_m=ALTITUDE_M, rate_hz=1.0)
    flight = SurveyFlight(RoofWorld.generate(seed=seed), config, seed=seed)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*'mp4v'), 1.0, VIDEO_WH)
    focal = config.focal_ratio * RENDERED_WH[0] / math.hypot(*RENDERED_WH) * math.hypot(36, 24)
    cues = []
    for index in range(len(flight)):
        frame = flight[index]
        writer.write(cv2.resize(frame.image_bgr, VIDEO_WH, interpolation=cv2.INTER_CUBIC))
        pose = flight.path.pose(frame.stamp_s)
        east, north, up = pose.position_enu.tolist()
        ahead, down = -pose.rotation[:, 1], pose.rotation[:, 2]
        latitude = _ORIGIN_DEG[0] + north / _METRES_PER_DEG + number * _APART_DEG
        cues.append(
            _CUE.format(
                n=index + 1,
                begin=_clock(index),
                end=_clock(index + 1),
                focal=focal,
                latitude=latitude,
                longitude=_ORIGIN_DEG[1]
                + east / _METRES_PER_DEG / math.cos(math.radians(_ORIGIN_DEG[0])),
                up=up,
                above_sea=up + 100,
                yaw=math.degrees(math.atan2(ahead[0], ahead[1])),
                pitch=math.degrees(math.asin(float(np.clip(down[2], -1, 1)))),
            )
        )
    writer.release()
    path.with_suffix('.SRT').write_text(''.join(cues), encoding='utf-8')


def _clock(seconds: int) -> str:
    return f'00:{seconds // 60:02d}:{seconds % 60:02d},000'


def make_inspection(work: Path, findings: int) -> Path:
    """Return the folder of an inspection with so many confirmed findings, made where it is not."""
    folder = work / 'inspection'
    if not (folder / 'inspection.gpkg').exists():
        card = work / 'DCIM'
        card.mkdir(parents=True, exist_ok=True)
        for number, seed in enumerate(WORLDS):
            write_flight(card / f'DJI_{number + 1:04d}.MP4', seed, number)
        run_command(
            *('inspect', *map(str, sorted(card.glob('*.MP4'))), '--output', str(folder)),
            *('--ground-z', str(ROOF_M), '--confidence', _CONFIDENCE, '--no-report', '--quiet'),
        )
        with InspectionStore(folder / 'inspection.gpkg') as store:
            numbers = [one.number for one in store.findings()]
            kinds = [DecisionKind.CONFIRM] * findings + [DecisionKind.REJECT] * len(numbers)
            verdicts = [
                FindingVerdict(number=number, kind=kind)
                for number, kind in zip(numbers, kinds, strict=False)
            ]
            Reviewer(store, 'A. B.').decide(*verdicts)
    return folder


def run_command(*words: str) -> dict[str, float]:
    """Run `roof_detector` and return its seconds and the peak of its memory in MB."""
    began = perf_counter()
    process = subprocess.Popen([sys.executable, '-m', 'roof_detector.cli.main', *words])
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        msg = f'roof_detector {" ".join(words)} ended with status {status}.'
        raise SystemExit(msg)
    return {
        'seconds': round(perf_counter() - began, 1),
        'cpu_seconds': round(usage.ru_utime + usage.ru_stime, 1),
        'peak_mb': round(usage.ru_maxrss / 1000, 1),
    }


def measure(folder: Path, output: Path, options: Sequence[str]) -> dict[str, Any]:
    """Write a report of an inspection with its own mosaic, and return its cost and its files."""
    for mosaic in output.glob('roof_mosaic*'):
        mosaic.unlink()
    cost = run_command(*('report', str(folder), '--output', str(output), '--overwrite', *options))
    files = {one.name: one.read_bytes() for one in sorted(output.glob('report.*'))}
    return {
        **cost,
        'mb': {name: round(len(data) / 1e6, 2) for name, data in files.items()},
        'sha256': {name: hashlib.sha256(data).hexdigest() for name, data in files.items()},
    }


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument('--work', type=Path, required=True, help='folder of the inspection')
    parser.add_argument('--findings', type=int, default=200, help='%(default)s by default')
    parser.add_argument('--prepare', action='store_true', help='make the inspection alone')
    parser.add_argument('--output', type=Path, default=Path('benchmarks/results/report_cost.json'))
    options = parser.parse_args()
    folder = make_inspection(options.work, options.findings)
    if options.prepare:
        return
    run = describe_run()
    with InspectionStore(folder / 'inspection.gpkg') as store:
        reported = sum(one.state.value == 'confirmed' for one in store.decided().findings)
    found = [
        {'options': words, **measure(folder, options.work / 'report', words)}
        for words in (['--pdf'], ['--pdf'], ['--pdf', '--language', 'zh'])
    ]
    for one in found:
        print(one, flush=True)
    is_same = found[0]['sha256'] == found[1]['sha256']
    result = {
        'findings': reported,
        'frame_size_wh': VIDEO_WH,
        'store_mb': round((folder / 'inspection.gpkg').stat().st_size / 1e6, 2),
        'same_bytes_twice': is_same,
        'reports': found,
    }
    write_result(options.output, 'report_cost', run, result)


if __name__ == '__main__':
    main()
