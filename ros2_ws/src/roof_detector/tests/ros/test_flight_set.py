# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What flies runs with what the extra `flight` brings: no torch, no ultralytics.

Processes in which everything else cannot be imported stand for a drone's computer.
"""

from __future__ import annotations

import csv
import json
import platform
import re
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import cv2
import pytest
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.qos import QoSProfile
from sensor_msgs.msg import Image
from std_msgs.msg import Header
from vision_msgs.msg import Detection2DArray

from roof_detector.ros.common.messages import image_message

ROOT = Path(__file__).resolve().parents[5]
PACKAGE = Path(__file__).resolve().parents[2] / 'roof_detector'
PINS = ROOT / 'pypi_ros' / 'pins'
# Whole folders and files that need an extra; a command that is asked for them says which.
OF_EXTRAS = {
    'launch': ('launching',),  # of ROS, and not on PyPI
    'torch': (
        *('blocks', 'inference/importing', 'inference/safe_load'),
        *('inference/backends/device_output', 'inference/backends/device_preprocessor'),
        *('inference/backends/fused_convolutions', 'inference/backends/graphed_network'),
        *('inference/backends/tensorrt_backend', 'inference/backends/torch_backend'),
        'inference/backends/torchscript_backend',
        *('inference/package/building', 'inference/package/checkpoint_import'),
        *('inference/package/network', 'inference/package/onnx_writing'),
        *('inference/package/golden_making', 'inference/export', 'inference/quiet_ultralytics'),
        'inference/torch_threads',
    ),
    'ground': (
        *('station', 'inputs/raster', 'results/annotated_raster', 'results/cog'),
        'results/report/',
        *(
            'offline/roof_mosaic',
            'offline/raster_mosaic',
            'offline/reporting',
            'offline/roof_area',
        ),
        *('telemetry/mavlink_file', 'telemetry/ulog_file', 'fleet', 'history', 'offline/fleet'),
    ),
}
IMPORT_ALL = """
import importlib
for name in {names!r}:
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as error:
        print(name, 'needs', error.name)
"""


@pytest.fixture(scope='module')
def blocked():
    """Return the names of modules that are installed here and not in a light environment."""
    tag = f'cp{sys.version_info[0]}{sys.version_info[1]}'
    if not (PINS / f'{tag}-flight-ros.txt').exists():
        pytest.skip(f'there is no light set with ROS from PyPI for {tag}')
    lines = [
        line.partition(' \\')[0]
        for name in ('flight.txt', f'{tag}-flight-ros.txt')
        for line in (PINS / name).read_text().splitlines()
        if '==' in line
    ]
    machine = f"platform_machine != '{platform.machine()}'"
    pinned = {line.partition('==')[0] for line in lines if machine not in line}
    pinned |= {'roof-detector', 'opencv-python', 'setuptools', 'pip'}
    found = {
        module
        for module, homes in packages_distributions().items()
        if not {re.sub('[-_.]+', '-', home).lower() for home in homes} & pinned
    }
    found -= set(sys.stdlib_module_names)
    found = {name for name in found if not name.endswith('_msgs')}  # those that colcon built
    assert {'torch', 'ultralytics', 'onnx', 'onnxruntime', 'scipy', 'rasterio'} <= found
    assert not {'numpy', 'cv2', 'openvino', 'rclpy', 'av'} & found
    return sorted(found)


def prelude(blocked):
    return f'import sys; sys.modules.update(dict.fromkeys({blocked!r}))\n'


def run(blocked, code, *arguments, cwd=None):
    return subprocess.run(
        [sys.executable, '-c', prelude(blocked) + code, *arguments],
        capture_output=True,
        text=True,
        timeout=300,
        cwd=cwd,
        check=False,
    )


def test_all_that_flies_can_be_imported(blocked):
    extras = tuple(name for names in OF_EXTRAS.values() for name in names)
    names = []
    for path in sorted(PACKAGE.rglob('*.py')):
        module = path.relative_to(PACKAGE).with_suffix('').as_posix()
        if not module.startswith(extras):
            names.append('.'.join(('roof_detector', *module.split('/'))).removesuffix('.__init__'))
    assert len(names) > 250
    done = run(blocked, IMPORT_ALL.format(names=names))
    assert done.returncode == 0, done.stderr
    assert not done.stdout


MAIN = 'from roof_detector.cli.main import main; sys.exit(main())'


def test_detect_finds_in_a_photo_what_the_shipped_model_finds(blocked, roof_bgr, tmp_path):
    (tmp_path / 'photos').mkdir()
    assert cv2.imwrite(str(tmp_path / 'photos' / 'roof.png'), roof_bgr)
    output = tmp_path / 'results'
    done = run(blocked, MAIN, 'detect', str(tmp_path / 'photos'), '--output', str(output))
    assert done.returncode == 0, done.stderr
    (table,) = output.rglob('detections.csv')
    with table.open(newline='') as file:
        assert len(list(csv.DictReader(file))) >= 3


def test_the_node_detects_over_dds_with_nothing_else_installed(blocked, graph, roof_bgr):
    node = graph.node('camera')
    results, reports = [], []
    images = node.create_publisher(Image, 'image', QoSProfile(depth=5))
    node.create_subscription(Detection2DArray, '/detector/detections', results.append, 10)
    node.create_subscription(DiagnosticArray, '/diagnostics', reports.append, 10)
    code = prelude(blocked) + 'from roof_detector.ros.detector.detector_node import main; main()'
    options = ('--ros-args', '-p', 'threads:=1')
    process = graph.start_program('-c', code, *options)
    graph.wait_until(
        # A test that hears its reports, which began last, has been heard of by its results.
        lambda: process.poll() is not None or (reports and graph.is_heard(node, images)),
        within_s=120,
        what='an active detector',
    )
    assert process.poll() is None, process.communicate()[0]
    header = Header(stamp=node.get_clock().now().to_msg(), frame_id='camera')
    images.publish(image_message(roof_bgr, encoding='bgr8', header=header))
    graph.wait_until(lambda: results, within_s=120, what='a result')
    assert results[0].header == header and len(results[0].detections) >= 3
    code, output = graph.stop(process)
    assert code == 0, output


OPEN = """
from roof_detector import Detector
for model, backend in (('model.pt', 'auto'), ('roof_anomalies', 'torch')):
    try:
        Detector.open(model, device='cpu', backend=backend)
    except RuntimeError as error:
        print(type(error).__name__, error)
sys.modules['openvino'] = None
try:
    Detector.open('roof_anomalies', device='cpu')
except RuntimeError as error:
    print(type(error).__name__, error)
"""


def test_what_is_not_there_is_a_sentence_with_the_extra_that_brings_it(blocked, tmp_path):
    (tmp_path / 'model.pt').write_bytes(b'not read without torch')
    done = run(blocked, OPEN, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    checkpoint, torch, neither = done.stdout.splitlines()
    for sentence in (checkpoint, torch):
        assert re.match(r'MissingBackend (torch|safetensors) is not installed: ', sentence)
        assert 'it comes with the extra torch.' in sentence
    assert neither.startswith('MissingBackend No runtime that is installed runs this model')
    assert "pip install '.[flight]'" in neither


QUICK = """
import json
from roof_detector import Detector
from roof_detector.ros.detector import detector_node
loaded = {name.partition('.')[0] for name, module in sys.modules.items() if module}
print(json.dumps(sorted(loaded)))
"""


def test_a_detector_loads_no_runtime_before_it_is_told_which(blocked):
    """An import within a second: what takes longer is imported when it is used."""
    done = run(blocked, QUICK)
    assert done.returncode == 0, done.stderr
    loaded = set(json.loads(done.stdout))
    assert not loaded & {'openvino', 'onnxruntime', 'av', 'pyproj', 'shapely'}
