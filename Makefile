# Sluice. `make` lists what can be made.
SHELL := /usr/bin/env bash
.SHELLFLAGS := -euo pipefail -c
MODULES = $(shell sed -n 's/^[[:space:]]*\(\.\/.*\)$$/\1/p' go.work)
PACKAGES = $(addsuffix /...,$(MODULES))
VERSION = $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
TAGS ?=

.PHONY: help run build console test unit e2e browser lint gen gen-check breaking bench microbench fmt tidy clean setup setup-test

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1\t\2/p' $(MAKEFILE_LIST) | expand -t 14

run: build ## set up and run the whole thing on embedded defaults (console on http://127.0.0.1:4040)
	@exec ./bin/sluice up

build: setup console ## build bin/sluice with the console in it
	@echo "build: bin/sluice"
	@go build -ldflags "-X main.version=$(VERSION)" -o bin/sluice ./cmd/sluice

setup:
	@scripts/setup.sh run

setup-test:
	@scripts/setup.sh test

console: setup ## build the web console
	@scripts/console.sh

test: setup-test build unit e2e browser ## set up and run every test
	@echo "test: everything passed"

unit: setup-test console ## unit and conformance tests of all modules, with the race detector
	@echo "test: Go packages"
	@go test -race -timeout 15m $(filter-out ./e2e/...,$(PACKAGES))
	@go test -run CostsNoMemory ./services/proxy/internal/tap # with the race detector pools forget
	@echo "test: console"
	@npm --prefix gateway/console test --silent

e2e: setup-test build ## whole-system tests over real processes
	@echo "test: whole system"
	@go test -timeout 20m -count=1 ./e2e/...

browser: setup-test build ## the console in a real browser
	@echo "test: console in Chromium"
	@npm --prefix e2e/browser test --silent

lint: setup ## golangci-lint, the console's checks and buf lint
	@scripts/lint.sh

gen: setup ## regenerate everything that is generated and committed
	@proto/generate.sh
	@npm --prefix gateway/console run --silent generate
	@go test ./cmd/sluice -run TestReferenceIsCurrent -update -count=1

gen-check: gen ## fail when a committed generated file is not current
	@git diff --exit-code -- proto/gen gateway/console/src/api gateway/console/src/search/fields.ts docs || { echo "generated files are not current: run 'make gen' and commit"; exit 1; }

breaking: ## fail when the protos break clients of the previous commit
	@scripts/breaking.sh

bench: build ## compare Sluice with other proxies (about 12 minutes; BENCH="--rounds 2 --peers ..." to change)
	@scripts/bench.sh $(BENCH)

microbench: ## Go benchmarks of the hot paths
	@go test -run '^$$' -bench . -benchmem $(PACKAGES)

fmt: ## format Go and proto files
	@gofmt -w $(MODULES)
	@PATH=$(CURDIR)/build/tools:$$PATH buf format -w --path proto/sluice

tidy: ## tidy every module
	@for m in $(MODULES); do (cd $$m && go mod tidy); done && go work sync

clean: ## remove what was built (not your data in .sluice)
	rm -rf bin build gateway/console/dist/assets gateway/console/dist/.built
