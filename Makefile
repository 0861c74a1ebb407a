# SPDX-License-Identifier: Apache-2.0
# Entry points for common tasks. The work is done by CMake, tests/run and tests/lab/lab.py.
#   make run [SOURCE=kernel|synthetic]     trace this host, or a lab guest if this host cannot be traced
#   make test                              quick checks that every change must pass
#   make test-all                          every suite in full; tests/run --list shows them
#   make test-SUITE                        one of them, e.g. make test-truth: the mirror against kernel memory
#   make lab KERNEL=6.12 IOMMU=intel MODE=lazy   a real kernel under load, metrics on 127.0.0.1:9731
#   make demo-fleet [HOSTS=50]             that many synthetic hosts under one Prometheus: scrapes, series, memory
#   make bench                             the allocator's speed
#   make bench-core                        what an event costs, from the rings to the View
#   make bench-scrape | bench-pipeline     the cost of a scrape, and its effect on the pipeline
#   make package                           build/packages: the Debian package and a tarball with its libraries
#   make asan | tsan | fuzz | lint         suites too
#   make build | format | clean
MAKEFLAGS += --no-print-directory
SHELL := /bin/bash

SOURCE ?= kernel
KERNEL ?= 6.12
IOMMU ?= intel
MODE ?= lazy
CPUS ?= 2
PORT ?= 9731
HOSTS ?= 50

.PHONY: run daemon build test asan tsan fuzz lint lab demo-fleet bench bench-core bench-scrape bench-pipeline package format clean

daemon:
	@packaging/install-dependencies build web
	@packaging/build release rcached

run: daemon
	@packaging/run-somewhere "$(SOURCE)" "$(PORT)"

build:
	@packaging/install-dependencies build web test
	@packaging/build release --with tests

test asan tsan fuzz lint:
	@packaging/install-dependencies suites
	@exec tests/run $@

test-%:
	@packaging/install-dependencies suites
	@exec tests/run $*

lab: daemon
	@packaging/install-dependencies lab
	@exec tests/lab/lab.py run --kernel $(KERNEL) --iommu $(IOMMU) --mode $(MODE) --cpus $(CPUS) --port $(PORT) --binary build/rcached

demo-fleet: daemon
	@packaging/install-dependencies test
	@exec tests/fleet/fleet.py --binary build/rcached --hosts $(HOSTS)

bench bench-core bench-scrape bench-pipeline:
	@packaging/install-dependencies build web bench
	@packaging/build release --with bench
	@exec tests/bench/$(or $(patsubst bench-%,%,$(filter bench-%,$@)),run)

package:
	@packaging/install-dependencies build web package
	@packaging/build release rcached packaging_files
	@packaging/make-packages

format:
	@packaging/install-dependencies lint
	@git ls-files '*.cc' '*.h' '*.c' | xargs clang-format -i

clean:
	@rm -rf build
