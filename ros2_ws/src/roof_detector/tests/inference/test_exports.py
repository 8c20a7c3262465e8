# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import dataclasses
import fcntl
import json
import os
import resource
import subprocess
import sys
import textwrap
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
import torch

from roof_detector.inference.detector import Detector
from roof_detector.inference.errors import (
    BadModel,
    ExportFailed,
    MissingBackend,
    ParityFailed,
    UnsafeModel,
)
from roof_detector.inference.export.build import build_export
from roof_detector.inference.export.parity_report import ParityLimits
from roof_detector.inference.export.recipe import ExportRecipe
from roof_detector.inference.export.workplace import install, workplace
from roof_detector.inference.model_hash import hash_model

SIZE_WH = (128, 96)
RUNNABLE = ('onnx', 'openvino', 'torchscript')


@pytest.fixture
def frames(paint_roof):
    return [paint_roof(seed, (200, 150)) for seed in (1, 2, 3)]


def small(name: str, **options) -> ExportRecipe:
    return ExportRecipe(format=name, image_size=SIZE_WH, **options)


def leftovers(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name.startswith('.')]


def test_a_check_on_no_frames_is_refused(detect_pt, tmp_path):
    with pytest.raises(ExportFailed, match='No frames were given'):
        build_export(detect_pt, small('torchscript'), folder=tmp_path, frames=[])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize('name', RUNNABLE)
def test_an_export_says_what_it_is_and_where_it_comes_from(detect_pt, frames, tmp_path, name):
    steps = []
    built = build_export(
        detect_pt, small(name), folder=tmp_path, frames=frames, progress=steps.append
    )
    assert built.parity.holds
    assert len(built.parity.frames) == len(frames)
    assert steps == ['writing', *(f'frame {i} of 3' for i in (1, 2, 3))]
    assert [path.name for path in tmp_path.iterdir()] == [built.path.name]
    with (
        Detector.open(detect_pt, device='cpu') as checkpoint,
        Detector.open(built.path, device='cpu', trust_model=True) as export,
    ):
        assert checkpoint.provenance is None
        same = ('names', 'task', 'stride')
        assert [getattr(export, one) for one in same] == [getattr(checkpoint, one) for one in same]
        assert export.image_size == SIZE_WH
        said = export.provenance
        assert said.source == detect_pt.name
        assert said.source_sha256 == hash_model(detect_pt)
        assert (said.precision, said.licence) == ('f32', 'AGPL-3.0-only')
        assert dict(said.versions)['torch'] == version('torch')
        # A detection of the file that stands there is that of the checkpoint.
        (found,) = export.infer(prepared := export.preprocess(frames[0]))
        (expected,) = checkpoint.infer(prepared)
        assert np.abs(found.raw.predictions - expected.raw.predictions).max() < 0.01


def test_a_batch_serves_any_number_of_images(detect_pt, frames, tmp_path):
    built = build_export(detect_pt, small('torchscript', batch=2), folder=tmp_path, frames=frames)
    with Detector.open(built.path, device='cpu', trust_model=True) as export:
        prepared = [export.preprocess(frame) for frame in frames]
        together = export.infer(*prepared)
        for one, answer in zip(prepared, together, strict=True):
            (alone,) = export.infer(one)
            np.testing.assert_allclose(alone.raw.predictions, answer.raw.predictions, atol=1e-3)


def test_a_dynamic_export_takes_other_sizes(segment_pt, frames, tmp_path):
    recipe = small('torchscript', dynamic=True)
    built = build_export(segment_pt, recipe, folder=tmp_path, frames=frames)
    assert 0 <= max(one.mask_share for one in built.parity.frames) < 0.01
    with Detector.open(built.path, device='cpu', image_size=160, trust_model=True) as export:
        assert export.preprocess(frames[0]).tensor.shape == (128, 160, 3)
        assert export.infer(export.preprocess(frames[0]))[0].raw.prototypes is not None


def overflowing(checkpoint: Path, path: Path) -> Path:
    """Save the network with activations beyond what 16 bits hold, as badly scaled training may."""
    whole = torch.load(checkpoint, weights_only=False)
    model = whole['model'].float()
    model.model[0].bn.weight.data *= 3e5
    model.model[1].conv.weight.data /= 3e5
    torch.save({**whole, 'model': model}, path)
    return path


def test_an_export_that_answers_otherwise_is_refused(detect_pt, frames, tmp_path):
    bad = overflowing(detect_pt, tmp_path / 'bad.pt')
    out = tmp_path / 'out'
    recipe = small('onnx', precision='f16')
    with pytest.raises(ParityFailed, match='answers otherwise') as refusal:
        build_export(bad, recipe, folder=out, frames=frames)
    assert list(out.iterdir()) == []
    assert not refusal.value.report.holds
    assert refusal.value.report.table().count('| off |') == len(frames)
    with pytest.raises(ParityFailed, match=r'kept as .*bad-refused-f16\.onnx'):
        build_export(bad, recipe, folder=out, frames=frames, keep_refused=True)
    assert [path.name for path in out.iterdir()] == ['bad-refused-f16.onnx']
    with Detector.open(out / 'bad-refused-f16.onnx', device='cpu') as detector:
        assert detector.provenance.precision == 'f16'


def test_limits_are_what_is_asked_for_and_nan_is_beyond_any():
    from roof_detector.inference.export.parity_report import FrameParity

    row = FrameParity(
        frame=0, size_wh=(8, 8), best_confidence=0.9, box_px=0.4, confidence=4e-3, mask_share=0.0
    )
    assert row.holds(ParityLimits())
    assert not row.holds(ParityLimits(box_px=0.3))
    assert not row.holds(ParityLimits(confidence=1e-3))
    rounded = dataclasses.replace(row, box_px=0.7, confidence=0.02)
    assert rounded.holds(ParityLimits.for_precision('f16'))
    assert not rounded.holds(ParityLimits.for_precision('f32'))
    for name in ('box_px', 'confidence', 'mask_share'):
        assert not dataclasses.replace(row, **{name: float('nan')}).holds(ParityLimits())


def test_a_full_disk_leaves_the_former_export(detect_pt, frames, tmp_path):
    target = tmp_path / f'{detect_pt.stem}.onnx'
    target.write_bytes(b'the former one')
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, limits[1]))
    try:
        with pytest.raises(ExportFailed):
            build_export(detect_pt, small('onnx'), folder=tmp_path, frames=frames)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert target.read_bytes() == b'the former one'
    assert leftovers(tmp_path) == []


# One interpreter, and a fork of it for each moment; the audit hook kills the fork as it is about
# to do what it is there to survive.
KILLED = textwrap.dedent(
    """
    import os, signal, sys
    from pathlib import Path
    import numpy as np
    import torch
    torch.set_num_threads(1)
    from roof_detector.inference.export.build import build_export
    from roof_detector.inference.export.recipe import ExportRecipe
    from roof_detector.inference.quiet_ultralytics import import_quietly
    import_quietly('ultralytics.engine.exporter')

    checkpoint, folder = Path(sys.argv[1]), Path(sys.argv[2])
    for moment in range(2):
        child = os.fork()
        if child == 0:
            def watch(event, arguments):
                writes = event == 'open' and 'w' in str(arguments[1])
                if event == 'os.rename' or (
                    moment == 0 and writes and '.part/' in str(arguments[0])
                ):
                    os.kill(os.getpid(), signal.SIGKILL)
            sys.addaudithook(watch)
            recipe = ExportRecipe(format='onnx', image_size=(64, 64))
            grey = np.full((64, 64, 3), 114, np.uint8)
            build_export(checkpoint, recipe, folder=folder, frames=[grey])
            os._exit(0)
        _, status = os.waitpid(child, 0)
        left = sorted(str(path.relative_to(folder)) for path in folder.rglob('*'))
        print(os.WTERMSIG(status), *left, flush=True)
    """
)


def test_a_killed_export_leaves_no_half_file_and_the_next_one_cleans_up(
    detect_pt, frames, tmp_path
):
    name = f'{detect_pt.stem}.onnx'
    done = subprocess.run(
        [sys.executable, '-c', KILLED, str(detect_pt), str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, 'PYTHONPATH': os.pathsep.join(sys.path)},
    )
    moments = [line.split() for line in done.stdout.splitlines()]
    assert [moment[0] for moment in moments] == ['9', '9'], done.stderr
    for _, *left in moments:
        assert left[0] == f'.{name}.part'
        assert name not in left
    # At the last moment the file was written as a whole and checked, and only lacked its name.
    assert f'.{name}.part/model.onnx' in moments[-1]
    built = build_export(detect_pt, small('onnx'), folder=tmp_path, frames=frames)
    assert [path.name for path in tmp_path.iterdir()] == [built.path.name] == [name]


def test_a_folder_moved_aside_comes_back_after_a_kill(tmp_path):
    target = tmp_path / 'roof_openvino_model'
    (tmp_path / '.roof_openvino_model.part' / 'former').mkdir(parents=True)
    (tmp_path / '.roof_openvino_model.part' / 'former' / 'model.xml').write_text('old')
    with workplace(target) as folder:
        assert list(folder.iterdir()) == []
        assert (target / 'model.xml').read_text() == 'old'
        (folder / 'fresh').mkdir()
        (folder / 'fresh' / 'model.xml').write_text('new')
        install(folder / 'fresh', target)
    assert (target / 'model.xml').read_text() == 'new'
    assert leftovers(tmp_path) == []


def test_two_exports_to_one_name_do_not_meet(tmp_path):
    target = tmp_path / 'roof.onnx'
    with workplace(target) as folder:
        with pytest.raises(ExportFailed, match='by another process'), workplace(target):
            pass
        descriptor = os.open(folder, os.O_RDONLY)
        with pytest.raises(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.close(descriptor)


def test_a_torchscript_archive_runs_only_when_it_is_trusted(tmp_path):
    class Writes(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weights = torch.zeros(3)

        def forward(self, x):
            return x

        @torch.jit.export
        def __getstate__(self):
            return (self.weights, self.training)

        @torch.jit.export
        def __setstate__(self, state: tuple[torch.Tensor, bool]):
            self.weights = torch.from_file('written-while-loading', True, 3)
            self.training = state[1]

    path = tmp_path / 'bad.torchscript'
    before = Path.cwd()
    os.chdir(tmp_path)
    try:
        torch.jit.script(Writes()).save(path)
        with pytest.raises(UnsafeModel, match='can write files as soon as it is loaded'):
            Detector.open(path, device='cpu')
        assert not Path('written-while-loading').exists()
        with pytest.raises(BadModel):  # it has no class names, but it has run
            Detector.open(path, device='cpu', trust_model=True)
        assert Path('written-while-loading').exists(), 'the refusal would be for nothing'
    finally:
        os.chdir(before)


def test_a_torchscript_archive_that_is_damaged_or_for_cuda_is_refused(tmp_path):
    path = tmp_path / 'cut.torchscript'
    path.write_bytes(b'PK\x03\x04' + bytes(500))
    with pytest.raises(BadModel, match='cut short or damaged'):
        Detector.open(path, device='cpu', trust_model=True)
    with pytest.raises(MissingBackend, match='on cpu only'):
        Detector.open(path, device='cuda', trust_model=True)


def test_an_engine_needs_trust_and_its_runtime(tmp_path, detect_pt, frames):
    path = tmp_path / 'roof.engine'
    path.write_bytes(json.dumps({}).encode())
    with pytest.raises(UnsafeModel, match='holds machine code'):
        Detector.open(path)
    if torch.cuda.is_available():
        return
    with pytest.raises(MissingBackend, match='tensorrt'):
        Detector.open(path, trust_model=True)
    with pytest.raises(MissingBackend, match=r'tensorrt|CUDA'):
        build_export(detect_pt, small('engine'), folder=tmp_path / 'out', frames=frames)
    assert not (tmp_path / 'out').exists()


@pytest.mark.parametrize(
    ('recipe', 'message'),
    [
        ({'format': 'coreml'}, "format is 'coreml', expected one of onnx"),
        ({'format': 'onnx', 'precision': 'int8'}, "precision is 'int8'"),
        ({'format': 'onnx', 'batch': 0}, 'batch is 0'),
        ({'format': 'torchscript', 'precision': 'f16'}, 'on CUDA only'),
    ],
)
def test_a_recipe_that_cannot_be_is_refused(recipe, message):
    with pytest.raises(ExportFailed, match=message):
        ExportRecipe(**recipe)


def test_sizes_off_the_stride_and_exports_of_exports_are_refused(detect_pt, frames, tmp_path):
    with pytest.raises(ExportFailed, match=r'100x96 .*multiples of the stride 32'):
        recipe = ExportRecipe(format='onnx', image_size=(100, 96))
        build_export(detect_pt, recipe, folder=tmp_path, frames=frames)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / 'roof.onnx').write_bytes(b'anything')
    with pytest.raises(BadModel, match='is an export already'):
        build_export(tmp_path / 'roof.onnx', small('onnx'), folder=tmp_path, frames=frames)
