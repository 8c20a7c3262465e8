# The commands of the README. Everything installs into .venv and ros2_ws/; nothing else is touched.
PYTHON ?= python3
VENV ?= .venv
SHELL := /bin/bash
.ONESHELL:
.SHELLFLAGS := -eo pipefail -c
export ROOF_DETECTOR_VENV := $(abspath $(VENV))
# An image that forbids bytecode has every process compile torch anew: 3 s of a processor each time.
export PYTHONDONTWRITEBYTECODE :=
ENVIRONMENT := source pypi_ros/env.bash
PACKAGE := ros2_ws/src/roof_detector

.PHONY: help setup flight demo station test lint generate docs bench campaign sbom lock clean

help:
	@echo 'make demo                  fly a simulated roof inspection and show what was found'
	@echo 'make demo INPUT=<footage>  the same on a video, pictures, a bag, a camera or a stream'
	@echo 'make station               fly a simulated flight with the ground station: http://127.0.0.1:8080/'
	@echo 'make test                  run every test'
	@echo 'make lint                  run ruff and mypy'
	@echo 'make generate              write config/*.yaml and the reference pages again'
	@echo 'make docs                  build the documentation into site/'
	@echo 'make bench                  measure the network, the detector and the whole graph here'
	@echo 'make campaign              attack and damage it: what docs/reference/promises.md counts'
	@echo 'make sbom                  write the software bill of materials, sbom.cdx.json'
	@echo 'make setup                 only install and build'
	@echo 'make flight                the same for a computer that only flies: no torch'
	@echo 'make lock                  resolve the pinned versions anew'

setup:
	@$(PYTHON) pypi_ros/bootstrap.py --venv $(VENV)

# The light set for a computer that only flies, instead of the full one.
flight:
	@$(PYTHON) pypi_ros/bootstrap.py --venv $(VENV) --flight

demo: setup
	@$(ENVIRONMENT)
	python -m roof_detector.cli.main demo $(if $(INPUT),--input '$(INPUT)') $(DEMO_OPTIONS)

station: setup
	@$(ENVIRONMENT)
	python -m roof_detector.cli.main station $(STATION_OPTIONS)

test: setup
	@$(ENVIRONMENT)
	export PYTHONPATH="$(abspath $(PACKAGE)):$${PYTHONPATH:-}"
	# Threads that wait must not spin: workers and their nodes share the cores.
	export OMP_WAIT_POLICY=PASSIVE
	# One more worker than there are cores: tests of nodes wait for each other much of their time.
	# The files stay in the order of tests/conftest.py, the longest first.
	# A test that kills its worker fails by name; restarted, xdist would wait for that file for ever.
	python -m pytest -n $$(( $$(nproc) + 1 )) --maxprocesses 4 --dist loadfile \
		--no-loadscope-reorder --max-worker-restart 0 $(PYTEST_OPTIONS)

lint: setup
	@$(ENVIRONMENT)
	ruff check .
	ruff format --check .
	mypy $(PACKAGE)/roof_detector $(PACKAGE)/training benchmarks/bench benchmarks/page.py generation
	mypy pypi_ros/*.py

# From the tables of parameters, the parsers of commands and the results of benchmarks.
generate: setup
	@$(ENVIRONMENT)
	export PYTHONPATH="$(abspath $(PACKAGE)):$${PYTHONPATH:-}"
	python -m generation

docs: setup
	@$(ENVIRONMENT)
	python -m mkdocs build --strict --quiet

bench: setup
	@$(ENVIRONMENT)
	export PYTHONPATH="$(abspath $(PACKAGE)):$${PYTHONPATH:-}"
	for part in forward detect 'graph --annotated off on --recorder off on' plenty baseline report; do
	  python -m benchmarks.bench $$part
	done

campaign: setup
	@$(ENVIRONMENT)
	export PYTHONPATH="$(abspath $(PACKAGE)):$${PYTHONPATH:-}" OMP_WAIT_POLICY=PASSIVE
	python -m benchmarks.campaign $(CAMPAIGN_OPTIONS)

# CycloneDX: every package of the environment with its version and licence.
sbom: setup
	@$(ENVIRONMENT)
	cyclonedx-py environment --output-reproducible --validate --output-format JSON \
	  --output-file sbom.cdx.json "$(abspath $(VENV))/bin/python"

# LOCK_OPTIONS= keeps the versions that are locked and adds what is new.
LOCK_OPTIONS ?= --upgrade
lock: setup
	@$(VENV)/bin/python pypi_ros/lock.py $(LOCK_OPTIONS)

clean:
	rm -rf ros2_ws/build ros2_ws/install ros2_ws/log pypi_ros/underlay demo_output
