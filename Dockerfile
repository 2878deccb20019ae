# Citable QA for CPUs. How to start it: docs/operating.md
# The Python that the tests run with.
FROM python:3.11-slim-bookworm AS build

# Where torch for CPU is, which pytorch.org says under "Get started": elsewhere Linux gets the CUDA builds, gigabytes of them.
ARG PIP_EXTRA_INDEX_URL
ARG PIP_INDEX_URL
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_CONSTRAINT=/src/requirements.lock
WORKDIR /src
COPY pyproject.toml requirements.lock ./
RUN python -m venv /opt/citable-qa && /opt/citable-qa/bin/pip install torch==2.13.0
# The libraries in a layer of their own, which is kept when only our code has changed.
RUN python -c "import tomllib; print(*tomllib.load(open('pyproject.toml', 'rb'))['project']['dependencies'], sep='\n')" > libraries.txt \
 && /opt/citable-qa/bin/pip install --requirement libraries.txt
COPY README.md ./
COPY qa qa
COPY index index
COPY prompts prompts
COPY corpus corpus
# Of pyproject.toml, separated by commas: --build-arg EXTRAS=otel,mcp
ARG EXTRAS
RUN /opt/citable-qa/bin/pip install ".${EXTRAS:+[$EXTRAS]}"
# What torch brings for compilers and its own tests goes, and pip.
RUN if /opt/citable-qa/bin/pip list | grep -i nvidia; then \
      echo "these are for GPUs: build with --build-arg PIP_EXTRA_INDEX_URL=(the index of torch for CPU that pytorch.org names)" >&2; exit 1; \
    fi \
 && cd /opt/citable-qa/lib/python3.11/site-packages/torch \
 && rm -rf include test \
 && find bin -mindepth 1 ! -name torch_shm_manager -delete \
 && /opt/citable-qa/bin/pip uninstall --yes pip

FROM python:3.11-slim-bookworm
LABEL org.opencontainers.image.title="Citable QA" org.opencontainers.image.licenses="Apache-2.0"
# A number, not a name: Kubernetes sees from it that this is not root. The folder is what a new volume takes its owner from.
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /tmp --shell /usr/sbin/nologin citable-qa \
 && install --directory --owner=citable-qa --group=citable-qa --mode=0700 /var/lib/citable-qa
COPY --from=build /opt/citable-qa /opt/citable-qa
USER 10001:10001
# Beyond loopback `qa serve` does not start without a key: make one first, with `keys new` in the place of `serve`.
# Docker waits 10 seconds after SIGTERM; where more is given, give more to QA_DRAIN_SECONDS too.
ENV PATH=/opt/citable-qa/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOME=/tmp \
    HF_HOME=/var/lib/citable-qa/huggingface \
    QA_DATA=/var/lib/citable-qa/index \
    QA_HOST=0.0.0.0 \
    QA_DRAIN_SECONDS=8
# All that is written is below here and in /tmp. A qa.toml may lie here, too.
WORKDIR /var/lib/citable-qa
EXPOSE 8765
STOPSIGNAL SIGTERM
# http.client, for it asks no proxy. /healthz, for /readyz says no as long as nothing is indexed.
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s \
  CMD ["python", "-c", "import http.client, os, sys; c = http.client.HTTPConnection('127.0.0.1', int(os.environ.get('QA_PORT') or 8765), timeout=4); c.request('GET', '/healthz'); sys.exit(c.getresponse().status != 200)"]
ENTRYPOINT ["qa"]
CMD ["serve"]
