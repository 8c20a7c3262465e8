# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Exports built for this machine before a flight, and which backend `auto` then takes."""

from __future__ import annotations

import dataclasses
import os
import shutil
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
import torch

from roof_detector.inference.backend_choice import choose_backend, choose_unmeasured, key_of
from roof_detector.inference.detector import Detector
from roof_detector.inference.device_name import available_cores
from roof_detector.inference.errors import BadModel, MissingBackend
from roof_detector.inference.export.export_cache import CacheEntry, ExportCache
from roof_detector.inference.export.preparation import Preparation
from roof_detector.inference.export.prepare import prepare_exports
from roof_detector.inference.export.thread_choice import fewest_threads, thread_numbers
from roof_detector.inference.pass_cost import PassCost

SIZE_WH = (128, 96)
ON_CPU = ('openvino', 'onnxruntime')

# Exports take minutes on a processor that others use as well.
pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope='module')
def checkpoint(detect_pt, tmp_path_factory):
    """Return a checkpoint by a name of its own."""
    return Path(shutil.copy(detect_pt, tmp_path_factory.mktemp('model') / 'roof.pt'))


@pytest.fixture(scope='module')
def preparation(checkpoint, paint_roof, tmp_path_factory):
    return Preparation(
        model_path=checkpoint,
        cache=ExportCache(tmp_path_factory.mktemp('prepared') / 'cache'),
        frames=[paint_roof(seed, (200, 150)) for seed in (1, 2)],
        device='cpu',
        image_size=SIZE_WH,
        threads=1,
    )


@pytest.fixture(scope='module')
def prepared(preparation):
    """Return the outcomes of one preparation that all tests share, by backend."""
    return {one.backend: one for one in prepare_exports(preparation, [*ON_CPU, 'tensorrt'])}


@pytest.fixture
def cache(preparation, prepared, tmp_path):
    """Return a copy of the prepared cache that a test may spoil."""
    return ExportCache(Path(shutil.copytree(preparation.cache.folder, tmp_path / 'cache')))


def choose(checkpoint, cache, wish='auto'):
    return choose_backend(checkpoint, wish=wish, device='cpu', precision='auto', cache=cache)


def timed(checkpoint, cache, **shares):
    """Say how fast the exports are beside torch."""
    for backend, share in shares.items():
        entry = cache.find(key_of(checkpoint, backend, precision='f32', device='cpu'))
        cache.keep_times(entry, forward_ms=10 * share, torch_ms=10.0, measured='1 thread')


def test_without_exports_a_package_runs_as_it_is_and_each_other_has_a_reason(detect_pt, tmp_path):
    choice = choose(detect_pt, ExportCache(tmp_path))
    assert (choice.backend, choice.export) == ('openvino', None)
    reasons = dict(choice.passed_over)
    assert reasons['onnxruntime'] == f'no f32 export of it in {tmp_path}'
    assert reasons['tensorrt'] == 'it runs on cuda, not on cpu'
    assert list(tmp_path.iterdir()) == [], 'a choice builds nothing'
    with Detector.open(detect_pt, device='cpu', cache=ExportCache(tmp_path)) as detector:
        assert detector.backend == 'openvino'
        assert 'no checked and timed export is here' in detector.choice.sentence
    with Detector.open(detect_pt, device='cpu') as detector:
        assert detector.backend == 'openvino'
    assert choose_unmeasured('cuda:0', 'f32').backend == 'torch'
    assert choose_unmeasured('cpu', 'bf16').backend == 'torch'
    assert choose_unmeasured('cpu', 'f32', refused=['openvino']).backend == 'onnxruntime'


def test_what_is_no_backend_is_refused_with_or_without_a_cache(detect_pt, tmp_path):
    with pytest.raises(MissingBackend, match="'caffe' is not one of auto, torch"):
        Detector.open(detect_pt, device='cpu', backend='caffe', cache=ExportCache(tmp_path))


def test_an_export_that_was_never_timed_is_passed_over(checkpoint, cache):
    timed(checkpoint, cache, openvino=0.5, onnxruntime=0.6)
    entry = cache.find(key_of(checkpoint, 'openvino', precision='f32', device='cpu'))
    cache.keep_times(entry, forward_ms=0.0, torch_ms=0.0, measured='')
    choice = choose(checkpoint, cache)
    assert choice.backend == 'onnxruntime'
    assert dict(choice.passed_over)['openvino'] == 'it was not timed'


def test_prepared_exports_are_checked_and_timed_beside_torch(preparation, prepared):
    assert list(prepared) == ['torch', *ON_CPU, 'tensorrt']
    assert prepared['tensorrt'].problem == 'it runs on cuda, not on cpu'
    for name in ON_CPU:
        assert not prepared[name].problem
        entry = prepared[name].entry
        assert preparation.cache.find(entry.key) == entry
        assert entry.torch_ms == pytest.approx(prepared['torch'].forward_ms)
        assert 0 < entry.forward_ms == prepared[name].forward_ms
        assert entry.measured == '128x96 pixels, 1 thread'
        assert entry.threads == prepared[name].threads == 1
        assert entry.cost == prepared[name].cost
        assert entry.torch_cost == prepared['torch'].cost
        assert min(entry.cost.alone_cpu_ms, entry.cost.beside_ms, entry.cost.beside_cpu_ms) > 0
    folders = [path.name for path in preparation.cache.folder.iterdir()]
    assert sorted(folders) == sorted(prepared[name].entry.key.folder_name for name in ON_CPU)


@pytest.mark.parametrize('size_wh', [(1280, 720), (333, 517)], ids=str)
@pytest.mark.parametrize('backend', ON_CPU)
def test_backends_answer_alike_on_golden_frames(
    preparation, prepared, paint_roof, backend, size_wh
):
    """Hold every backend to the limits that its export was admitted with, at other shapes too."""
    image = paint_roof(4, size_wh)
    options = {'device': 'cpu', 'image_size': 320, 'cache': preparation.cache}
    with (
        Detector.open(preparation.model_path, backend='torch', **options) as torch_detector,
        Detector.open(preparation.model_path, backend=backend, **options) as detector,
    ):
        assert detector.backend == backend
        assert detector.precision == 'f32'
        assert detector.model_path == preparation.model_path
        assert detector.model_hash == torch_detector.model_hash
        (expected,) = torch_detector.infer(torch_detector.preprocess(image))
        (found,) = detector.infer(detector.preprocess(image))
    difference = np.abs(found.raw.predictions - expected.raw.predictions)
    assert difference[:4].max() < 0.5
    assert difference[4:].max() < 5e-3


def test_what_is_to_be_computed_in_bf16_is_checked_in_f32_and_timed_in_bf16(
    checkpoint, preparation, tmp_path
):
    """Only OpenVINO rounds for itself; a processor without such instructions stays in f32."""
    cache = ExportCache(tmp_path / 'cache')
    with pytest.raises(MissingBackend, match=r'prepare .* --backend openvino --precision bf16;'):
        choose_backend(checkpoint, wish='openvino', device='cpu', precision='bf16', cache=cache)
    rounded = dataclasses.replace(preparation, cache=cache, precision='bf16')
    outcomes = {one.backend: one for one in prepare_exports(rounded, ON_CPU)}
    assert outcomes['onnxruntime'].problem == 'it does not compute in bf16'
    entry = outcomes['openvino'].entry
    assert (entry.key.precision, entry.refused) == ('bf16', '')
    assert outcomes['openvino'].forward_ms > 0
    cache.keep_times(entry, forward_ms=5.0, torch_ms=10.0, measured='1 thread')
    choice = choose_backend(checkpoint, wish='auto', device='cpu', precision='bf16', cache=cache)
    assert choice.backend == 'openvino'
    options = {'device': 'cpu', 'image_size': SIZE_WH, 'precision': 'bf16'}
    with Detector.open(checkpoint, cache=cache, **options) as detector:
        assert detector.backend == 'openvino'
        assert detector.precision in ('bf16', 'f32')
    assert choose(checkpoint, cache).export is None, 'f32 has to be prepared for itself'


def test_all_cores_and_their_halves_are_tried_and_few_threads_win_unless_more_are_a_tenth_faster():
    assert [thread_numbers(cores) for cores in (1, 2, 6, 12)] == [
        (1,),
        (2, 1),
        (6, 3, 1),
        (12, 6, 3, 1),
    ]
    assert fewest_threads({2: 24.7, 1: 23.2}) == 1
    assert fewest_threads({2: 20.0, 1: 21.9}) == 1
    assert fewest_threads({2: 20.0, 1: 22.1}) == 2
    assert fewest_threads({12: 9.9, 6: 9.0, 3: 15.0, 1: 40.0}) == 6


def test_the_threads_that_an_export_was_fastest_with_are_those_it_flies_with(
    checkpoint, preparation, prepared, tmp_path
):
    cache = ExportCache(Path(shutil.copytree(preparation.cache.folder, tmp_path / 'cache')))
    tried = dataclasses.replace(preparation, cache=cache, threads=None)
    assert tried.threads_tried() == thread_numbers(available_cores())
    assert dataclasses.replace(tried, device='cuda:0').threads_tried() == (0,)
    (_, openvino) = prepare_exports(tried, ['openvino'])
    assert openvino.entry.threads == openvino.threads in tried.threads_tried()
    options = {'device': 'cpu', 'backend': 'openvino', 'image_size': SIZE_WH, 'cache': cache}
    for best in (1, 2):
        cache.keep_times(
            openvino.entry, forward_ms=5.0, torch_ms=10.0, measured='here', threads=best
        )
        with Detector.open(checkpoint, **options) as detector:
            assert detector.threads == best
            compiled = detector._backend._request.get_compiled_model()
            assert compiled.get_property('INFERENCE_NUM_THREADS') == best
        with Detector.open(checkpoint, threads=3 - best, **options) as detector:
            assert detector.threads == 3 - best, 'a wish beats it'
    timed(checkpoint, cache, onnxruntime=0.9)
    assert choose(checkpoint, cache).threads == best
    timed(checkpoint, cache, openvino=1.5, onnxruntime=1.5)
    assert choose(checkpoint, cache).threads is None, 'torch was timed with all cores'


SIGNALLED = textwrap.dedent(
    """
    import gc, signal, sys
    from roof_detector.inference.detector import Detector

    first, second = (Detector.open(sys.argv[1], device='cpu') for _ in range(2))
    for image_wh in ((64, 64), (96, 64)):
        first.warm_up(image_wh), second.warm_up(image_wh)
    del first
    gc.collect()
    del second
    gc.collect()
    signal.signal(signal.SIGINT, lambda *_: print('in order'))
    signal.raise_signal(signal.SIGINT)
    """
)


def test_a_signal_is_survived_after_two_models_went_in_the_order_in_which_they_came(
    preparation, prepared
):
    """A change of the model at run time does that; see `openvino_core`."""
    path = preparation.cache.path(prepared['openvino'].entry)
    done = subprocess.run(
        [sys.executable, '-c', SIGNALLED, str(path)],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, 'PYTHONPATH': os.pathsep.join(sys.path)},
    )
    assert (done.returncode, done.stdout) == (0, 'in order\n'), done.stderr


def test_what_is_there_is_not_built_again_but_timed(preparation, prepared):
    steps = []
    again = prepare_exports(preparation, ON_CPU, progress=steps.append)
    assert steps == ['timing']
    assert [one.entry.export_sha256 for one in again[1:]] == [
        prepared[name].entry.export_sha256 for name in ON_CPU
    ]


def test_auto_takes_the_fastest_and_says_by_how_much(checkpoint, cache):
    timed(checkpoint, cache, openvino=0.5, onnxruntime=0.75)
    choice = choose(checkpoint, cache)
    assert choice.backend == 'openvino'
    assert choice.reason == '0.50 of the time of torch (1 thread)'
    assert dict(choice.passed_over)['onnxruntime'] == '1.50 of the time of openvino'
    assert dict(choice.passed_over)['torch'] == '2.00 of the time of openvino'
    timed(checkpoint, cache, openvino=0.5, onnxruntime=0.46)
    assert choose(checkpoint, cache).backend == 'openvino', 'a lead below a tenth is noise'
    timed(checkpoint, cache, openvino=0.5, onnxruntime=0.45)
    assert choose(checkpoint, cache).backend == 'onnxruntime'
    timed(checkpoint, cache, openvino=1.05, onnxruntime=1.02)
    assert choose(checkpoint, cache).backend == 'openvino', 'nor is a lead of torch'
    timed(checkpoint, cache, openvino=1.5, onnxruntime=1.25)
    choice = choose(checkpoint, cache)
    assert (choice.backend, choice.reason) == ('torch', 'no checked export is faster here')


def test_latency_and_cpu_time_alone_and_beside_others_choose_together(checkpoint, cache):
    """A lead in latency, alone, is no reason to be slower beside others."""
    costs = {
        'openvino': PassCost(50.0, 90.0, 2, 80.0, 70.0, 1),
        'onnxruntime': PassCost(44.0, 95.0, 2, 150.0, 130.0, 2),
        'torch': PassCost(80.0, 150.0, 2, 160.0, 140.0, 1),
    }
    for backend in ON_CPU:
        entry = cache.find(key_of(checkpoint, backend, precision='f32', device='cpu'))
        cache.keep_times(
            entry,
            forward_ms=costs[backend].alone_ms,
            torch_ms=80.0,
            measured='here',
            cost=costs[backend],
            torch_cost=costs['torch'],
        )
    choice = choose(checkpoint, cache)
    assert choice.backend == 'openvino'
    assert choice.reason == '0.56 of the cost of torch (here)'
    assert choice.costs == costs
    assert choose(checkpoint, cache, wish='onnxruntime').costs.keys() == {'onnxruntime', 'torch'}


def test_a_wish_beats_speed_and_one_that_cannot_be_met_says_how_to_mend_it(checkpoint, cache):
    timed(checkpoint, cache, openvino=0.5, onnxruntime=0.9)
    assert choose(checkpoint, cache, wish='onnxruntime').backend == 'onnxruntime'
    empty = ExportCache(cache.folder / 'elsewhere')
    with pytest.raises(MissingBackend, match=r'models prepare .*roof\.pt --backend openvino'):
        choose(checkpoint, empty, wish='openvino')


def test_an_export_of_other_contents_versions_or_machines_is_passed_over(
    checkpoint, cache, tmp_path
):
    def stale(**changes):
        key = key_of(checkpoint, 'openvino', precision='f32', device='cpu')
        entry = cache.find(key)
        made = dataclasses.replace(entry, key=dataclasses.replace(key, **changes))
        shutil.rmtree(cache.folder / key.folder_name)
        (cache.folder / made.key.folder_name).mkdir()
        made.write(cache.folder / made.key.folder_name)
        reason = dict(choose(checkpoint, cache).passed_over)['openvino']
        shutil.rmtree(cache.folder / made.key.folder_name)
        (cache.folder / key.folder_name).mkdir()
        entry.write(cache.folder / key.folder_name)
        return reason

    key = key_of(checkpoint, 'openvino', precision='f32', device='cpu')
    older = tuple((n, '2024.1' if n == 'openvino' else v) for n, v in key.versions)
    here = dict(key.versions)['openvino']
    assert stale(versions=older) == f'its export was made with openvino 2024.1, here is {here}'
    assert stale(model_sha256='0' * 64) == 'its export was made of other contents of this file'
    assert stale(device='An Abacus').startswith('its export was made on An Abacus, this is')


def test_a_damaged_export_and_a_refused_one_are_passed_over(checkpoint, cache):
    timed(checkpoint, cache, openvino=0.5, onnxruntime=0.6)
    key = key_of(checkpoint, 'onnxruntime', precision='f32', device='cpu')
    entry = cache.find(key)
    path = cache.path(entry)
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(BadModel, match='not the file that was made and checked here'):
        cache.path(entry)
    openvino = key_of(checkpoint, 'openvino', precision='f32', device='cpu')
    CacheEntry(
        key=openvino,
        source='roof.pt',
        export='',
        export_sha256='',
        refused='parity failed: boxes off by 2 px',
    ).write(cache.folder / openvino.folder_name)
    choice = choose(checkpoint, cache)
    assert (choice.backend, choice.export) == ('onnxruntime', None), 'it runs the package as it is'
    assert dict(choice.passed_over)['openvino'] == 'parity failed: boxes off by 2 px'


def test_an_export_that_answers_otherwise_is_remembered_as_refused(preparation, tmp_path):
    bad = tmp_path / 'bad.pt'
    whole = torch.load(preparation.model_path, weights_only=False)
    # NaN is beyond any limit.
    model = whole['model'].float()
    model.model[0].bn.weight.data *= float('nan')
    torch.save({**whole, 'model': model}, bad)
    cache = ExportCache(tmp_path / 'cache')
    outcomes = prepare_exports(
        dataclasses.replace(preparation, model_path=bad, cache=cache), ['onnxruntime']
    )
    assert outcomes[1].problem.startswith('parity failed: boxes off by')
    assert [
        path.name for path in (cache.folder / outcomes[1].entry.key.folder_name).iterdir()
    ] == ['entry.json']
    assert dict(choose(bad, cache).passed_over)['onnxruntime'] == outcomes[1].problem


# The audit hook kills the process as it is about to give the finished entry its name.
KILLED = textwrap.dedent(
    """
    import os, signal, sys
    from pathlib import Path
    from roof_detector.inference.export.export_cache import ExportCache, ExportKey

    def watch(event, arguments):
        if event == 'os.rename' and '.part/entry' in str(arguments[0]):
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(watch)
    key = ExportKey(
        model_sha256='0' * 64, backend='openvino', precision='f32', device='here', versions=()
    )
    with ExportCache(Path(sys.argv[1])).making(key) as folder:
        (folder / 'model.onnx').write_bytes(b'whole')
    """
)


def test_a_kill_before_the_end_leaves_no_entry(tmp_path):
    done = subprocess.run(
        [sys.executable, '-c', KILLED, str(tmp_path)],
        check=False,
        env={**os.environ, 'PYTHONPATH': os.pathsep.join(sys.path)},
    )
    assert done.returncode == -signal.SIGKILL
    assert [path.name[0] for path in tmp_path.iterdir()] == ['.']
    cache = ExportCache(tmp_path)
    assert list(cache._entries()) == []


def test_the_cache_is_where_it_is_told_or_where_xdg_says(tmp_path, monkeypatch):
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
    assert ExportCache.at('').folder == tmp_path / 'roof_detector' / 'exports'
    monkeypatch.delenv('XDG_CACHE_HOME')
    monkeypatch.setenv('HOME', '/home/pilot')
    assert ExportCache.usual().folder == Path('/home/pilot/.cache/roof_detector/exports')
    assert ExportCache.at('~/exports').folder == Path('/home/pilot/exports')
