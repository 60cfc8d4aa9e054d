# The command as an image: docker build -t preview-reconcile:0.1.0 . (docs/install.md).
# Nothing in here depends on the architecture: every locked requirement has wheels for amd64 and arm64.
# The base is one set of images for all architectures, by digest; another one is a --build-arg away, and it
# must have the same Python in both stages.
ARG BASE=python:3.13-slim@sha256:7c61056e61ac89e852de05f3dc6fa51a6dd2181797bceed46aa725dd7cb2cd3b

FROM ${BASE} AS build
WORKDIR /src
ENV PIP_DISABLE_PIP_VERSION_CHECK=1
COPY requirements.txt requirements-build.txt ./
# Wheels alone, each with the hash that is in the lock: nothing is run while it is installed.
RUN python -m venv --without-pip /opt/reconcile \
 && python -m pip --python /opt/reconcile/bin/python install --no-cache-dir --no-compile \
      --only-binary :all: --require-hashes -r requirements.txt \
 && python -m pip install --no-cache-dir --only-binary :all: --require-hashes -r requirements-build.txt
COPY pyproject.toml README.md LICENSE ./
COPY reconcile reconcile
COPY ci ci
# The root file system will be read-only, so the bytecode has to be there; unchecked, so that no time of a
# file decides whether it counts.
RUN python -m pip wheel --no-cache-dir --no-deps --no-build-isolation --no-index --wheel-dir dist . \
 && python -m pip --python /opt/reconcile/bin/python install --no-cache-dir --no-compile \
      --no-deps --no-index --find-links dist preview-reconcile \
 && /opt/reconcile/bin/python -m compileall -q --invalidation-mode unchecked-hash /opt/reconcile/lib

FROM ${BASE}
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="preview-reconcile" \
      org.opencontainers.image.description="Every pull request's image at its own hostname on Kubernetes, and nothing left when it is gone." \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
ENV PATH="/opt/reconcile/bin:${PATH}" \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
COPY --from=build /opt/reconcile /opt/reconcile
# Nobody's number, which no base image gives to a user of its own.
USER 65532:65532
ENTRYPOINT ["reconcile"]
