# Weir as a container: docker build -t weir .    (podman and buildah build it as well)
#
# --build-arg EXTRAS="sklearn redis"  also what models of these platforms need; otlp, redis, jwt
# --build-arg WEIR_COMMIT=$(git rev-parse --short HEAD)   what /version tells
# --build-arg PIP_INDEX_URL=https://…   where packages come from, if not from PyPI

ARG BASE=docker.io/library/python:3.13-slim
# What runs needs neither a shell nor pip: any image with the same Python at the same path will do.
ARG RUNTIME=${BASE}

FROM ${BASE} AS build
WORKDIR /build
RUN python3 -m venv /opt/weir
COPY requirements.txt config/requirements-*.txt config/models/requirements-*.txt ./
ARG EXTRAS=""
ARG PIP_INDEX_URL
# Wheels alone: what would have to be compiled ends the build. Nothing runs that could install more.
RUN set -e; \
    for extra in "" ${EXTRAS}; do \
        /opt/weir/bin/pip install --disable-pip-version-check --no-cache-dir --no-compile --quiet \
            --require-hashes --only-binary :all: --requirement "requirements${extra:+-$extra}.txt"; \
    done; \
    /opt/weir/bin/pip uninstall --quiet --yes pip setuptools; \
    python3 -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/weir/lib
# LightGBM takes OpenMP from the system, where a slim one has none; the other wheels bring their own.
RUN set -e; mkdir /opt/system; \
    case " ${EXTRAS} " in *" lightgbm "*) \
        apt-get update --quiet=2; apt-get download --quiet=2 libgomp1; \
        dpkg --extract libgomp1_*.deb /opt/system;; \
    esac
COPY . /app
# Whoever runs it can read it, whatever the umask of the checkout; nobody but root can write.
RUN chmod -R a+rX,go-w /app && /opt/weir/bin/python -m compileall -q --invalidation-mode checked-hash /app

FROM ${RUNTIME}
LABEL org.opencontainers.image.title="Weir" \
      org.opencontainers.image.description="A trained model as a web endpoint" \
      org.opencontainers.image.licenses="Apache-2.0"
# Bases leave Python's own library uncompiled; where nothing can be written each start would do it.
RUN ["python3", "-c", "import compileall, re, sysconfig as at; \
    compileall.compile_dir(at.get_path('stdlib'), quiet=2, rx=re.compile('/(site|dist)-packages/'))"]
COPY --from=build /opt/system /
COPY --from=build /opt/weir /opt/weir
COPY --from=build /app /app
WORKDIR /app
# 8080 is where KServe, Knative and Cloud Run look. A user that the platform makes up has no home.
ENV PATH=/opt/weir/bin:/usr/local/bin:/usr/bin:/bin HOME=/tmp PORT=8080
EXPOSE 8080
# By number, as runAsNonRoot wants it; OpenShift takes another, in group 0 as well.
USER 1001:0
STOPSIGNAL SIGTERM
# Alive, not ready: who heeds this (Swarm, ECS) ends what is unhealthy, and a model may take its time.
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s CMD ["python", "-m", "config.probe"]
# The Procfile's line.
CMD ["python", "-m", "config", "gunicorn", "--config", "gunicorn.conf.py", "service.wsgi:app"]
ARG WEIR_COMMIT=""
ENV WEIR_COMMIT=${WEIR_COMMIT}
LABEL org.opencontainers.image.revision=${WEIR_COMMIT}
