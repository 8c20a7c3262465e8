# syntax=docker/dockerfile:1
# What flies on a Jetson with JetPack 6 (L4T r36, Ubuntu 22.04, ROS 2 Humble), with TensorRT.
#   docker build -f docker/jetson.Dockerfile -t roof_detector:jetson .
#   docker run --rm --runtime nvidia --network host --ipc host -v models:/home/roof_detector/.cache \
#     roof_detector:jetson roof_detector models prepare roof_anomalies
# TensorRT, CUDA and their Python modules are those of the base image; torch is NVIDIA's build for it.
ARG BASE=nvcr.io/nvidia/l4t-jetpack:r36.4.0
FROM ${BASE}
ARG TORCH_INDEX=https://pypi.jetson-ai-lab.io/jp6/cu126
ENV DEBIAN_FRONTEND=noninteractive LANG=C.UTF-8 ROS_DISTRO=humble

RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates curl gnupg \
    && curl --fail --silent --show-error --location \
        --output /usr/share/keyrings/ros-archive-keyring.gpg \
        https://raw.githubusercontent.com/ros/rosdistro/master/ros.key \
    && echo "deb [signed-by=/usr/share/keyrings/ros-archive-keyring.gpg] \
http://packages.ros.org/ros2/ubuntu jammy main" > /etc/apt/sources.list.d/ros2.list \
    && apt-get update \
    && apt-get install --yes --no-install-recommends \
        binutils \
        build-essential \
        make \
        python3-colcon-common-extensions \
        python3-venv \
        ros-humble-cv-bridge \
        ros-humble-diagnostic-msgs \
        ros-humble-ffmpeg-image-transport-msgs \
        ros-humble-foxglove-msgs \
        ros-humble-nav-msgs \
        ros-humble-rmw-fastrtps-cpp \
        ros-humble-ros-base \
        ros-humble-vision-msgs \
        ros-humble-visualization-msgs \
    && rm -rf /var/lib/apt/lists/*

COPY . /opt/roof_detector
WORKDIR /opt/roof_detector
SHELL ["/bin/bash", "-euo", "pipefail", "-c"]
# ultralytics reads engines and makes them; without its dependencies it brings no other torch.
RUN set +u && source /opt/ros/humble/setup.bash && make flight \
    && .venv/bin/python -m pip install --no-cache-dir --index-url "${TORCH_INDEX}" torch torchvision \
    && version="$(sed -nE 's/.*"ultralytics==([0-9.]+)".*/\1/p' ros2_ws/src/roof_detector/pyproject.toml)" \
    && .venv/bin/python -m pip install --no-cache-dir --no-deps "ultralytics==$version" \
    && .venv/bin/python -m pip install --no-cache-dir \
        einops matplotlib onnx onnxslim polars psutil requests safetensors scipy timm ultralytics-thop \
    && rm -rf /root/.cache

RUN useradd --system --create-home --groups video roof_detector \
    && install --directory --owner roof_detector /data
USER roof_detector
VOLUME /data
ENTRYPOINT ["/opt/roof_detector/docker/with_ros.bash"]
CMD ["ros2", "launch", "roof_detector", "detector.launch.py"]
