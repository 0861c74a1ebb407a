# SPDX-License-Identifier: Apache-2.0
# A thin front: what a newcomer types. The work is done by CMake, CTest and tests/lab/lab.py.
#   make run [SOURCE=kernel|synthetic]     trace this host, or a lab guest when this host has nothing to trace
#   make test                              everything a change must pass quickly
#   make test-truth                        the mirror against kernel memory, on four real kernels
#   make lab KERNEL=6.12 IOMMU=intel MODE=lazy   a real kernel under load, metrics on 127.0.0.1:9731
#   make test-outputs                      every way out against its real consumers: Prometheus, Chromium, lab guests
#   make test-alerts                       every rule, and alerts from lab guests to a real Alertmanager's webhook
#   make test-dashboards                   every query of every Grafana dashboard against a real Prometheus, and its picture
#   make demo-fleet [HOSTS=50]             so many synthetic hosts under one Prometheus: scrapes, series, memory
#   make bench-scrape | bench-pipeline     what a scrape costs, and what it costs the pipeline
#   make fuzz                              every parser of outside bytes
#   make test-service                     the package under a real systemd, in a lab guest
#   make package                           build/packages: the Debian package and a tarball with its libraries
#   make bench | format | lint | clean
MAKEFLAGS += --no-print-directory
SHELL := /bin/bash

SOURCE ?= kernel
KERNEL ?= 6.12
IOMMU ?= intel
MODE ?= lazy
CPUS ?= 2
PORT ?= 9731
HOSTS ?= 50

.PHONY: run test test-truth test-outputs test-alerts test-dashboards demo-fleet lab bench bench-scrape bench-pipeline fuzz package test-service format lint clean build daemon asan tsan

# $(call configured,PRESET): configures once, quietly.
define configured
@test -f $(if $(filter release,$(1)),build,build/$(1))/build.ninja || { echo "Configuring ($(1))"; \
  cmake --preset $(1) >build-$(1).log 2>&1 || { cat build-$(1).log; exit 1; }; rm -f build-$(1).log; }
endef

build:
	@packaging/install-dependencies build web test
	$(call configured,release)
	@cmake --build --preset release

daemon:
	@packaging/install-dependencies build web test
	$(call configured,release)
	@cmake --build --preset release --target rcached

run: daemon
	@packaging/run-somewhere "$(SOURCE)" "$(PORT)"

test: build
	@packaging/install-dependencies browser lab
	@tests/run-tests

test-truth: daemon
	@packaging/install-dependencies lab
	@tests/run-truth

test-outputs: build
	@packaging/install-dependencies browser lab
	@tests/run-outputs

test-alerts: daemon
	@packaging/install-dependencies lab
	@tests/run-alerts

test-dashboards: build
	@packaging/install-dependencies browser lab
	@tests/run-dashboards

demo-fleet: daemon
	@exec tests/fleet/fleet.py --binary build/rcached --hosts $(HOSTS)

lab: daemon
	@packaging/install-dependencies lab
	@exec tests/lab/lab.py run --kernel $(KERNEL) --iommu $(IOMMU) --mode $(MODE) --cpus $(CPUS) --port $(PORT) --binary build/rcached

bench: build
	@tests/bench/run

bench-scrape: build
	@tests/bench/scrape

bench-pipeline: build
	@packaging/install-dependencies bench
	@tests/bench/pipeline

test-service: package
	@packaging/install-dependencies lab
	@exec tests/lab/lab.py test service --kernel 6.1 --mode lazy --timeout 400 --package build/packages/rcached_*.deb

package: build
	@packaging/install-dependencies package
	@packaging/make-packages

fuzz:
	@packaging/install-dependencies build test
	$(call configured,fuzz)
	@cmake --build --preset fuzz
	@tests/fuzz/run

asan tsan:
	@packaging/install-dependencies build test
	$(call configured,$@)
	@cmake --build --preset $@
	@ctest --preset $@ -j $$(nproc) -LE "release_only" --progress

format:
	@packaging/install-dependencies lint
	@git ls-files '*.cc' '*.h' '*.c' | xargs clang-format -i

lint:
	@packaging/install-dependencies build web test lint
	$(call configured,release)
	@cmake --build --preset release
	@tests/lint

clean:
	@rm -rf build
