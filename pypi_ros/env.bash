# Source this file: the environment in which the nodes, the tests and the tools run.
# With a ROS 2 installation sourced before, it adds the virtual environment and the workspace to
# it; without one, ROS 2 comes from the virtual environment (see bootstrap.py).

_root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
_venv="${ROOF_DETECTOR_VENV:-$_root/.venv}"
export VIRTUAL_ENV="$_venv"
case ":$PATH:" in *":$_venv/bin:"*) ;; *) export PATH="$_venv/bin:$PATH" ;; esac
# What is built is built for one Python, such as cp312 (see workspace.py).
for _library in "$_venv"/lib/python3.*; do _tag="cp3${_library##*/python3.}"; done

if [ -f "$_venv/share/rclpy/package.xml" ]; then
  # The wheels find their libraries by re-executing Python at every start; this saves them that.
  for _libraries in "$_venv"/lib/python3.*/site-packages/ros_*.libs "$_venv/lib"; do
    case ":${LD_LIBRARY_PATH:-}:" in
      *":$_libraries:"*) ;;
      *) export LD_LIBRARY_PATH="$_libraries${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}" ;;
    esac
  done
  export _ROS_WHEELS_BOOTSTRAP_COMPLETE=1
  export AMENT_PREFIX_PATH="$_venv" CMAKE_PREFIX_PATH="$_venv"
  [ -f "$_root/pypi_ros/underlay/$_tag/install/local_setup.bash" ] &&
    source "$_root/pypi_ros/underlay/$_tag/install/local_setup.bash"
fi
[ -f "$_root/ros2_ws/install/$_tag/local_setup.bash" ] &&
  source "$_root/ros2_ws/install/$_tag/local_setup.bash"

# Nothing leaves this machine unless the operator says so (SUBNET is ROS's own default).
: "${ROS_AUTOMATIC_DISCOVERY_RANGE:=LOCALHOST}"
# Shared memory sized for images; without it Fast DDS loses raw frames silently. Bound to this
# machine where it is meant alone: the range keeps nobody out who names this machine.
case "$ROS_AUTOMATIC_DISCOVERY_RANGE" in
  LOCALHOST) _profile=fastdds_loopback.xml ;;
  *) _profile=fastdds.xml ;;
esac
: "${FASTRTPS_DEFAULT_PROFILES_FILE:=$_root/ros2_ws/src/roof_detector/config/$_profile}"
: "${RMW_IMPLEMENTATION:=rmw_fastrtps_cpp}"
export FASTRTPS_DEFAULT_PROFILES_FILE ROS_AUTOMATIC_DISCOVERY_RANGE RMW_IMPLEMENTATION
unset _root _venv _library _libraries _tag _profile
