# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What launch files take, check and hand on; and the files themselves where ROS's launch is."""

from __future__ import annotations

import ast
import importlib
import itertools
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
import rclpy
import yaml
from launch_file import JOBS, NAMES, PACKAGE
from rclpy.context import Context
from sensor_msgs.msg import Image

from roof_detector.launching.argument import Argument, refuse_unknown, text_of, value_of
from roof_detector.launching.errors import LaunchError
from roof_detector.launching.jobs import (
    DETECTOR,
    DRONE_CAMERA,
    DRONE_DETECTOR,
    DRONE_RECORDER,
    DRONE_SIMULATED_FLIGHT,
    RECORDER,
    REPLAYED_DETECTOR,
    flying_jobs,
    image_remappings,
)
from roof_detector.launching.node_job import merged_arguments, write_parameters
from roof_detector.launching.params_file import read_params_file
from roof_detector.launching.playback import play_command, wait_command
from roof_detector.launching.readable_file import readable_file
from roof_detector.ros.common.parameters import Parameter

every_job = pytest.mark.parametrize('job', JOBS.values(), ids=JOBS)
ODD_TEXTS = (
    *("Tom's roof", 'say "roof"', "''", 'a: b', '- x', '{a: 1}', '[1, 2]', '#1', '%', '|', '>-'),
    *('y', 'n', 'on', 'Off', 'true', 'null', '~', '1', '0x1F', '1e3', '.inf', 'nan', '1_000'),
    *('12:30', '2026-01-02', 'a\\b', 'a\nb', ' a ', '\t', '屋顶', '$(env HOME)', '!!int 3', ''),
)


def dependencies():
    root = ElementTree.parse(PACKAGE / 'package.xml').getroot()
    return {element.text for element in root if element.tag.endswith('depend')}


def file_of(tmp_path, content):
    path = tmp_path / 'params.yaml'
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
    return str(path)


def of_node(values):
    return {'ros__parameters': values}


def read_by_rcl(path):
    """Return the parameters of a file as a real node takes them."""
    context = Context()
    rclpy.init(args=['--ros-args', '--params-file', str(path)], context=context)
    try:
        node = rclpy.create_node(
            'detector', context=context, automatically_declare_parameters_from_overrides=True
        )
        found = {name: one.value for name, one in node.get_parameters_by_prefix('').items()}
        del found['start_type_description_service']
        if not found['use_sim_time']:
            del found['use_sim_time']
        node.destroy_node()
        return found
    finally:
        rclpy.shutdown(context=context)


def test_there_is_a_file_for_every_job_and_setup_installs_it():
    jobs = [
        'camera',
        'detector',
        'drone',
        'inspector',
        'record',
        'replay',
        'rviz',
        'simulated_flight',
        'station',
    ]
    assert [f'{job}.launch.py' for job in jobs] == NAMES
    assert "glob('launch/*.launch.py')" in (PACKAGE / 'setup.py').read_text()


@every_job
def test_every_job_is_an_executable_of_the_package(job):
    project = (PACKAGE / 'pyproject.toml').read_text()
    points = dict(re.findall(r"^(\w+) = '([\w.]+:\w+)'$", project, re.MULTILINE))
    module, _, function = points[job.name].partition(':')
    assert callable(getattr(importlib.import_module(module), function))


@every_job
def test_every_parameter_is_an_argument_with_its_default_description_and_range(job):
    arguments = {one.name: one for one in job.arguments()}
    assert list(arguments) == ['params_file', *(one.name for one in job.table)]
    for parameter in job.table:
        argument = arguments[parameter.name]
        assert argument.description.startswith(parameter.descriptor().description)
        assert value_of(parameter, argument.default) == parameter.default
        if parameter.minimum is not None:
            assert f' From {parameter.minimum:g} to ' in argument.description


@every_job
def test_only_what_was_given_becomes_a_parameter(job):
    assert job.parameters({}) == {}
    for parameter in job.table:
        given = {parameter.name: text_of(parameter.default)}
        assert job.parameters(given) == {parameter.name: parameter.default}


@every_job
def test_a_node_has_time_to_end_in_order(job):
    """A second signal after 10 s ends it at once; launch would send SIGKILL after 10 s."""
    assert job.finish_s >= (60.0 if job is RECORDER else 20.0)


def test_any_text_reaches_the_node_as_it_was_typed():
    texts = {f'text_{number}': text for number, text in enumerate(ODD_TEXTS)}
    for text in texts.values():
        assert RECORDER.parameters({'bag_name': text}) == {'bag_name': text}
    path = write_parameters(texts)
    try:
        assert read_by_rcl(path) == texts
    finally:
        path.unlink()


def test_values_reach_the_node_in_their_own_types():
    given = {
        'confidence': '1',
        'max_detections': '20',
        'annotate': 'False',
        'classes': "['crack', 'Tom''s drain']",
        'cameras': '[]',
        'model': '0',
        'use_sim_time': 'true',
    }
    path = write_parameters(DETECTOR.parameters(given))
    try:
        assert path.stat().st_mode & 0o077 == 0
        assert read_by_rcl(path) == {
            'confidence': 1.0,
            'max_detections': 20,
            'annotate': False,
            'classes': ['crack', "Tom's drain"],
            'cameras': [''],  # which the node takes for none, for [] has no type
            'model': '0',
            'use_sim_time': True,
        }
    finally:
        path.unlink()


@pytest.mark.parametrize(
    ('given', 'said'),
    [
        ({'confidence': '3'}, 'confidence must lie between 0.0 and 1.0, not 3.0'),
        ({'confidence': 'nan'}, "confidence is 'nan', expected a number"),
        ({'confidence': ''}, "confidence is '', expected a number"),
        ({'max_detections': '1.5'}, "max_detections is '1.5', expected a whole number"),
        ({'annotate': 'maybe'}, "annotate is 'maybe', expected true or false"),
        ({'classes': 'crack'}, 'expected a list of names'),
        ({'classes': "['crack"}, 'expected a list of names'),
        ({'backend': 'tflite'}, 'backend must be one of auto, torch'),
        ({'use_sim_time': '2'}, "use_sim_time is '2', expected true or false"),
        ({'params_file': '/nonexistent'}, 'params_file is /nonexistent, and there is no such'),
        ({'params_file': '/'}, 'params_file is /, which cannot be read'),
    ],
    ids=str,
)
def test_what_makes_no_sense_is_refused_with_a_sentence(given, said):
    with pytest.raises(LaunchError, match=re.escape(said)):
        DETECTOR.parameters(given)


def test_an_argument_under_another_name_is_refused_by_that_name():
    with pytest.raises(LaunchError, match=r'^annotated_jpeg_quality must lie between 1 and 100'):
        DRONE_DETECTOR.parameters({'annotated_jpeg_quality': '0'})


def test_an_argument_that_there_is_not_is_refused_with_the_nearest_one():
    names = [argument.name for argument in DETECTOR.arguments()]
    refuse_unknown(['confidence'], names)
    with pytest.raises(LaunchError, match=r'no argument confidance\. Did you mean confidence\?'):
        refuse_unknown(['confidence', 'confidance'], names)


def test_an_argument_wins_over_the_file_and_the_file_over_the_default(tmp_path):
    path = file_of(tmp_path, {'/**': of_node({'confidence': 0.3, 'iou': 0.5, 'classes': []})})
    found = DETECTOR.parameters({'params_file': path, 'confidence': '0.25'})
    # 0.25 is the default as well, and was asked for.
    assert found == {'confidence': 0.25, 'iou': 0.5, 'classes': ()}


PATTERNS = {
    'detector': ('/detector',),
    '/detector': ('/detector',),
    '/**': ('/detector', '/drone1/detector', '/a/b/detector'),
    '/**/detector': ('/detector', '/drone1/detector', '/a/b/detector'),
    '/*/detector': ('/drone1/detector',),
    '/drone1/detector': ('/drone1/detector',),
    'drone1/**': ('/drone1/detector',),
    '/drone1/*': ('/drone1/detector',),
    '/**/other': (),
}


@pytest.mark.parametrize('pattern', PATTERNS)
@pytest.mark.parametrize('namespace', ['', 'drone1', '/a/b/'])
def test_a_file_acts_on_the_node_it_names_or_is_refused(tmp_path, pattern, namespace):
    path = file_of(tmp_path, {pattern: of_node({'confidence': 0.4})})
    node = f'/{namespace.strip("/")}/detector'.replace('//', '/')
    given = {'params_file': path, 'namespace': namespace}
    if node in PATTERNS[pattern]:
        assert DETECTOR.parameters(given) == {'confidence': 0.4}
        return
    with pytest.raises(LaunchError, match=f'none for {node}, so none of them has an effect'):
        DETECTOR.parameters(given)


@pytest.mark.parametrize('pattern', PATTERNS)
def test_what_matches_is_what_rcl_takes(tmp_path, pattern):
    path = file_of(tmp_path, {pattern: of_node({'confidence': 0.4})})
    taken = read_by_rcl(path) == {'confidence': 0.4}
    assert taken is ('/detector' in PATTERNS[pattern])


def test_a_namespace_may_be_nested_and_later_entries_win(tmp_path):
    content = {
        '/**': of_node({'confidence': 0.1, 'iou': 0.6}),
        'drone1': {'detector': of_node({'confidence': 0.2})},
        'drone2': {'detector': of_node({'confidence': 0.3})},
    }
    given = {'params_file': file_of(tmp_path, content), 'namespace': 'drone1'}
    assert DETECTOR.parameters(given) == {'confidence': 0.2, 'iou': 0.6}


@pytest.mark.parametrize(
    ('content', 'said'),
    [
        ('', 'holds no parameters'),
        ('confidence: 0.4', 'holds no parameters'),
        ('a: [', 'is not YAML'),
        ({'detector': of_node({'confidance': 0.4})}, 'Did you mean confidence?'),
        ({'detector': of_node({'confidence': 'high'})}, 'confidence must be a float'),
        ({'detector': of_node({'confidence': 4.0})}, 'confidence must lie between'),
    ],
    ids=['empty', 'flat', 'broken', 'unknown', 'type', 'range'],
)
def test_a_file_that_the_node_would_refuse_is_refused_before_it_starts(tmp_path, content, said):
    path = file_of(tmp_path, content)
    with pytest.raises(LaunchError, match=re.escape(said)) as refusal:
        DETECTOR.parameters({'params_file': path})
    assert str(refusal.value).startswith(f'params_file {path}')


def test_what_rclpy_takes_itself_goes_through(tmp_path):
    values = {'use_sim_time': True, 'qos_overrides': {'/tf': {'publisher': {'depth': 5}}}}
    path = file_of(tmp_path, {'/**': of_node(values)})
    assert DETECTOR.parameters({'params_file': path}) == {
        'use_sim_time': True,
        'qos_overrides./tf.publisher.depth': 5,
    }


@every_job
def test_the_shipped_parameter_files_are_taken(job):
    path = PACKAGE / 'config' / f'{job.name}.yaml'
    found = read_params_file(str(path), node='/drone1/any', table=job.table)
    assert found == {parameter.name: parameter.default for parameter in job.table}


def test_what_flies_together_shares_only_arguments_that_mean_the_same():
    for camera in (DRONE_CAMERA, DRONE_SIMULATED_FLIGHT):
        for one, other in itertools.combinations((camera, DRONE_DETECTOR, DRONE_RECORDER), 2):
            left, right = ({a.name: a for a in job.arguments()} for job in (one, other))
            for name in left.keys() & right.keys():
                assert left[name] == right[name]


def test_the_drone_takes_every_argument_of_what_it_starts_each_once():
    jobs = {'camera': DRONE_CAMERA, 'flight': DRONE_SIMULATED_FLIGHT, 'detector': DRONE_DETECTOR}
    names = [argument.name for argument in merged_arguments(jobs)]
    assert len(names) == len(set(names))
    assert set(names) == {one.name for job in jobs.values() for one in job.arguments()}
    rate = next(one for one in merged_arguments(jobs) if one.name == 'rate_hz')
    assert 'For the flight: Frames per second.' in rate.description


def test_an_argument_of_what_does_not_fly_is_refused():
    assert flying_jobs({'source': '0'}, is_simulated=False, is_inspected=False)[0] is DRONE_CAMERA
    assert (
        flying_jobs({'seed': '2'}, is_simulated=True, is_inspected=False)[0]
        is DRONE_SIMULATED_FLIGHT
    )
    flying_jobs({'rate_hz': '5', 'confidence': '0.5'}, is_simulated=True, is_inspected=False)
    with pytest.raises(LaunchError, match='source is for the camera, which is not started with'):
        flying_jobs({'source': '0'}, is_simulated=True, is_inspected=False)
    with pytest.raises(LaunchError, match='seed is for the simulated flight'):
        flying_jobs({'seed': '2'}, is_simulated=False, is_inspected=False)


def test_topics_of_images_act_or_are_refused():
    assert image_remappings(DETECTOR, {}) == [
        ('image', 'camera/image'),
        ('image/compressed', 'camera/image/compressed'),
    ]
    given = {'image': '/front', 'image_transport': 'compressed'}
    assert image_remappings(DETECTOR, given)[1] == ('image/compressed', '/front/compressed')
    own = {**given, 'image_compressed': '/front/jpeg'}
    assert image_remappings(DETECTOR, own)[1] == ('image/compressed', '/front/jpeg')
    with pytest.raises(LaunchError, match='has no effect with image_transport raw'):
        image_remappings(DETECTOR, {'image_compressed': '/front/jpeg'})
    with pytest.raises(LaunchError, match='image is for a single camera without a name'):
        image_remappings(DETECTOR, {'image': '/front', 'cameras': "['left']"})


def test_a_replay_takes_its_time_from_the_bag(tmp_path):
    assert REPLAYED_DETECTOR.parameters({}) == {'use_sim_time': True}
    bag = tmp_path / "Tom's flight"
    bag.mkdir()
    words = play_command({'bag': str(bag), 'rate': '2', 'loop': 'true'})
    assert words[:5] == ['ros2', 'bag', 'play', '--clock', '100']
    assert words[words.index('--rate') + 1] == '2.0' and '--loop' in words
    assert words[-1] == str(bag) and '--delay' not in words  # it would come in each round
    words = play_command({'bag': str(bag), 'delay': '3'})
    assert '--loop' not in words and words[words.index('--delay') + 1] == '3.0'
    for given, said in (
        ({'bag': '/none'}, 'no such file or folder'),
        ({'bag': str(bag), 'rate': '0'}, 'rate must lie between'),
        ({'bag': str(bag), 'exclude': '('}, 'not a regular expression'),
    ):
        with pytest.raises(LaunchError, match=said):
            play_command(given)


def test_a_replay_waits_until_the_detector_listens_however_long_that_takes(graph):
    given = {'namespace': '/drone1/', 'patience': '60'}
    listener = REPLAYED_DETECTOR.full_name(given)
    _, *words = wait_command(listener, given)
    assert words[-2:] == ['/drone1/detector', '60.0']
    process = graph.start_program(*words)
    probe = graph.node('probe')
    # Neither another node that listens, nor the detector without images, is what is waited for.
    graph.node('other').create_subscription(Image, '/drone1/camera/image', print, 1)
    detector = graph.node('detector', namespace='/drone1')
    graph.wait_until(
        lambda: 'listener_wait' in probe.get_node_names(), within_s=60.0, what='the wait'
    )
    for _ in range(10):
        graph.executor.spin_once(timeout_sec=0.1)
    assert process.poll() is None
    detector.create_subscription(Image, 'camera/image', print, 1)
    graph.wait_until(lambda: process.poll() is not None, within_s=60.0, what='its end')
    assert process.returncode == 0


def test_a_detector_that_never_listens_ends_a_replay(graph):
    _, *words = wait_command('/detector', {'patience': '1'})
    process = graph.start_program(*words)
    graph.wait_until(lambda: process.poll() is not None, within_s=60.0, what='its end')
    assert process.returncode == 1


def test_a_file_that_is_not_there_is_named(tmp_path):
    assert readable_file(file_of(tmp_path, 'x'), argument='config') == tmp_path / 'params.yaml'
    with pytest.raises(LaunchError, match='config is /none, and there is no such file'):
        readable_file('/none', argument='config')


def test_what_launch_imports_is_what_package_xml_brings():
    """`ros2 launch` runs in the system's Python, without the virtual environment."""
    code = (
        'import sys, roof_detector.launching.jobs, roof_detector.launching.playback\n'
        'print(*{name.partition(".")[0] for name in sys.modules} - sys.stdlib_module_names)'
    )
    ended = subprocess.run(
        [sys.executable, '-c', code], capture_output=True, text=True, check=True, cwd=PACKAGE
    )
    brought = {'numpy': 'python3-numpy', 'cv2': 'python3-opencv', 'yaml': 'python3-yaml'}
    brought |= {'pyproj': 'python3-pyproj'}
    brought |= {'rclpy': 'rclpy', 'rcl_interfaces': 'rcl_interfaces'}
    brought |= {'ament_index_python': 'ament_index_python'}
    assert set(brought.values()) <= dependencies()
    # Those of rclpy, of ROS from PyPI, and of Python's own installation.
    others = {'roof_detector', 'rosidl_parser', 'rpyutils', 'ros_wheels_bootstrapper', 'certifi'}
    others |= {
        'cython_runtime',
        '__mp_main__',
        'sitecustomize',
        'usercustomize',
        'rosidl_pycommon',
    }
    found = {name for name in ended.stdout.split() if not name.startswith('_')}
    assert found - others <= set(brought), found - others - set(brought)


@pytest.mark.parametrize('name', NAMES)
def test_a_launch_file_only_says_what_is_started(name):
    tree = ast.parse((PACKAGE / 'launch' / name).read_text())
    assert 'ros2 launch roof_detector ' + name in ast.get_docstring(tree)
    functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    assert functions <= {'generate_launch_description', '_start'}


def test_descriptions_of_arguments_are_sentences():
    for job in JOBS.values():
        for argument in job.arguments():
            assert argument.description.endswith('.') and '  ' not in argument.description


def test_a_shared_parameter_has_one_default_in_the_text_it_is_shown_with():
    assert Argument.of(Parameter('a', ('x',), 'Names.')).default == "['x']"
    assert Argument.of(Parameter('a', default=True, description='Yes.')).default == 'true'
    assert replace(DETECTOR, params_argument='p').arguments()[0].name == 'p'


def launched(*words, seconds=60):
    """Run the real `ros2 launch` to its end."""
    pytest.importorskip('launch_ros', reason="ROS's launch is not on PyPI")
    pytest.importorskip('ros2launch', reason="ROS's launch is not on PyPI")
    code = 'import sys; from ros2cli.cli import main; sys.exit(main())'
    return subprocess.run(
        [sys.executable, '-c', code, 'launch', *words],
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
        env={**os.environ, 'ROS_DOMAIN_ID': '78'},
    )


@pytest.mark.parametrize('name', NAMES)
def test_the_real_launch_lists_the_arguments(name):
    ended = launched(str(PACKAGE / 'launch' / name), '--show-args')
    assert ended.returncode == 0, ended.stderr
    listed = re.findall(r"^    '(\w+)':$", ended.stdout, re.MULTILINE)
    assert 'namespace' in listed and len(listed) == len(set(listed))


@pytest.mark.parametrize(
    ('words', 'said'),
    [
        (('detector.launch.py', 'params_file:=/nonexistent'), 'there is no such file'),
        (('detector.launch.py', 'confidance:=0.3'), 'Did you mean confidence?'),
        (('record.launch.py', 'max_file_gb:=many'), 'expected a number'),
        (('drone.launch.py', 'simulated:=true', 'source:=0'), 'source is for the camera'),
        (('replay.launch.py', 'bag:=/none'), 'there is no such file or folder'),
    ],
    ids=str,
)
def test_the_real_launch_refuses_with_the_sentence(words, said):
    name, *arguments = words
    ended = launched(str(PACKAGE / 'launch' / name), *arguments)
    assert ended.returncode == 1
    assert said in ended.stderr + ended.stdout


def test_the_real_launch_starts_a_node_that_ends_well_and_is_not_started_again(tmp_path):
    folder = Path(tmp_path, "Tom's images")
    folder.mkdir()
    (folder / 'a.bmp').write_bytes(_bmp())
    ended = launched(
        str(PACKAGE / 'launch/camera.launch.py'),
        f'source:={folder}',
        'start_delay_s:=0.0',
        'frame_id:=Tom\'s "lens"',
    )
    assert ended.returncode == 0, ended.stderr
    output = ended.stdout + ended.stderr
    assert 'process has finished cleanly' in output and 'starts again' not in output


def _bmp():
    cv2 = pytest.importorskip('cv2')
    import numpy as np

    return cv2.imencode('.bmp', np.zeros((32, 32, 3), np.uint8))[1].tobytes()
