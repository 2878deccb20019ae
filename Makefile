# The two commands of README.md are `make demo` and `make test`; both install what they need from requirements.lock.
PYTHON ?= python3
VENV := .venv
QA := $(VENV)/bin/qa
SPREAD := --numprocesses=3 --dist=loadfile
PIP := $(VENV)/bin/python -m pip --disable-pip-version-check --quiet

.PHONY: demo test test-cluster check format eval reader scale bench large where plan faults fuzz overload clients lock wheel clean

demo: $(VENV)/installed
	@$(QA) demo

test: $(VENV)/installed-test
	@sh tests/browser.sh
	@sh tests/postgres.sh
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/pytest $(SPREAD)

# All forms of store held to the whole suite: Milvus Lite in a file and as a server, a standalone Milvus, and a cluster of six of its
# processes with etcd and Kafka's protocol, one of which is killed. Ten minutes. Milvus listens on every address without a
# password, so it gets a network of its own, which takes root. Then two Ray nodes, each in such a network, and two servers behind nginx.
FORMS ?= local lite lite-server standalone cluster
test-cluster: $(VENV)/installed-test
	@sh tests/postgres.sh
	@sh tests/cluster.sh $(VENV)/bin/python
	@sh tests/nginx.sh
	STORES="$(FORMS)" unshare --net sh -c 'ip link set lo up && exec "$$@"' sh \
	  $(VENV)/bin/pytest --durations=10 tests/test_store_conformance.py tests/test_store_searching.py tests/test_milvus_outages.py
	$(VENV)/bin/pytest -m cluster

# What to run while working: lint, types and the fast tests.
check: $(VENV)/installed-test
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/pytest $(SPREAD) -q -m "not slow and not browser and not cluster"

format: $(VENV)/installed-test
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

# Quality on public data and on the sample questions; refreshes the table in bench/README.md. Takes half an hour.
eval: $(VENV)/installed
	@$(VENV)/bin/python -m bench.evaluate

# The embedded reader anew from public data: four hours on two cores. Writes qa/model.
reader: $(VENV)/installed
	@$(VENV)/bin/python -m bench.reader.train
	@$(VENV)/bin/python -m bench.reader.fit

# Memory and times at 180,000 passages; needs the public data, see bench/scale.py.
scale: $(VENV)/installed
	@$(VENV)/bin/python -m bench.scale

# Speed beside LangChain, LlamaIndex, Haystack and txtai, each in an environment of its own: an hour, and 6 GB the first time.
# `make bench BENCH=--full` for up to 180,000 passages, `make bench BENCH="--sizes 1000 --peers txtai"` for less.
BENCH ?=
bench: $(VENV)/installed
	@$(VENV)/bin/python -m bench.speed $(BENCH)

# Search and memory at 100,000, 180,000 and 1,000,000 passages with synthetic vectors; half an hour, 8 GB of disk.
LARGE ?=
large: $(VENV)/installed
	@$(VENV)/bin/python -m bench.speed.large $(LARGE)

# Embedding against what the processor can multiply, and the steps of a question; five minutes.
where: $(VENV)/installed
	@$(VENV)/bin/python -m bench.speed.where

# The tables of bench/SCALE.md from the costs in bench/plan.py.
plan: $(VENV)/installed
	@$(VENV)/bin/python -m bench.plan

# Kill, fill, flip and truncate many more times than the tests do: minutes, one line of counts at the end.
faults: $(VENV)/installed-test
	@$(VENV)/bin/python tests/faults.py --kills 200 --flips 500

# Send the API 5,000 requests made from its own description, good and bad; a few minutes.
fuzz: $(VENV)/installed-test
	@$(VENV)/bin/python tests/fuzz.py --cases 5000

# Five times what a server can do, then 10,000 requests: what it answers and the memory it holds; a few minutes.
overload: $(VENV)/installed-test
	@$(VENV)/bin/python tests/overload.py

# The tests of OpenAI's API with the newest openai SDK of each generation, laid over the locked one; `make clients OPENAI="3.57.0"`.
OPENAI ?= 2.* 3.*
clients: $(VENV)/installed-test
	@set -ef; mkdir -p build/clients; grep -v '^openai==' requirements.lock > build/clients/constraints.txt; \
	for version in $(OPENAI); do \
	  rm -rf build/clients/openai; \
	  $(PIP) install --constraint build/clients/constraints.txt --target build/clients/openai "openai==$$version"; \
	  PYTHONPATH=build/clients/openai $(VENV)/bin/python -c 'import openai; print("openai", openai.__version__)'; \
	  PYTHONPATH=build/clients/openai $(VENV)/bin/pytest -q tests/test_openai_chat.py tests/test_openai_conformance.py; \
	done

# Renew the locked versions: resolve anew in a fresh environment and write down what came out.
lock:
	rm -rf build/lock && $(PYTHON) -m venv build/lock
	build/lock/bin/python -m pip install --quiet torch==2.13.0
	build/lock/bin/python -m pip install --quiet ".[test]"
	{ echo "# Every version that make demo and make test install. Renew with: make lock"; \
	  build/lock/bin/python -m pip freeze --exclude citable-qa | sed 's/+cpu$$//' | grep -v ' @ '; } > requirements.lock

wheel: $(VENV)/installed-test
	$(VENV)/bin/python -m build --wheel --no-isolation

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; name one with: make PYTHON=python3.12 demo" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "On Debian and Ubuntu: apt-get install python3-venv" >&2; rm -rf $(VENV); exit 1; }

# torch first and pinned: left to the others' open ranges, pip pulls gigabytes of CUDA packages.
$(VENV)/installed: $(VENV)/bin/python pyproject.toml requirements.lock
	@echo "Installing into $(VENV) (a few minutes the first time) ..."
	@$(PIP) install --constraint requirements.lock torch==2.13.0
	@$(PIP) install --constraint requirements.lock --editable .
	@touch $@

$(VENV)/installed-test: $(VENV)/installed
	@$(PIP) install --constraint requirements.lock --editable ".[test]"
	@touch $@

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis screenshots
