# Two images. `app` is everything in Python: origin, renderers, worker, command line, each by its command.
# `edge` is nginx with Lua, set up from its environment when it starts. compose.yaml shows both at work.
#   docker build --target app -t mezzotint-app .
#   docker build --target edge -t mezzotint-edge .
# Both run unprivileged and with a read-only root: what they write goes to /var/lib/mezzotint, /run/mezzotint and /tmp.

FROM debian:bookworm-slim AS base
RUN groupadd --gid 10001 mezzotint \
    && useradd --uid 10001 --gid mezzotint --home-dir /var/lib/mezzotint --shell /usr/sbin/nologin mezzotint \
    && install --directory --owner mezzotint --group mezzotint --mode 0700 /var/lib/mezzotint /run/mezzotint

FROM base AS python
RUN apt-get update \
    && apt-get install --no-install-recommends -y python3-venv ca-certificates libjemalloc2 libseccomp2 \
        libmagickwand-6.q16-6 fontconfig fonts-dejavu-core \
    && rm -rf /var/lib/apt/lists/*

FROM python AS packages
WORKDIR /mezzotint
ENV PKG_CONFIG_LIBDIR=/nonexistent PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python3 -m venv .venv
COPY requirements-build.txt requirements.txt ./
RUN .venv/bin/pip install --require-hashes -r requirements-build.txt \
    && .venv/bin/pip install --require-hashes --no-build-isolation -r requirements.txt
COPY pyproject.toml ./
COPY app app
RUN .venv/bin/pip install --no-deps --no-build-isolation -e . && .venv/bin/python -m compileall -q app

FROM python AS app
COPY --from=packages /mezzotint /mezzotint
COPY conf /mezzotint/conf
ENV PATH=/mezzotint/.venv/bin:$PATH MEZZOTINT_CONFIG=/mezzotint/conf/container.toml
USER mezzotint
WORKDIR /var/lib/mezzotint
VOLUME /var/lib/mezzotint /run/mezzotint
CMD ["gunicorn", "--config", "/mezzotint/conf/gunicorn.py", "mezzotint.web.app:create_app()"]

FROM packages AS language
RUN .venv/bin/python -c "import json; from mezzotint import registry; print(json.dumps(registry.load(['standard']).grammar().export()))" \
    >grammar.json

FROM base AS edge
RUN apt-get update \
    && apt-get install --no-install-recommends -y nginx libnginx-mod-http-lua lua-cjson python3 ca-certificates \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /mezzotint
COPY --from=language /mezzotint/grammar.json ./
COPY nginx nginx
COPY app/mezzotint/__init__.py app/mezzotint/
COPY app/mezzotint/standalone/__init__.py app/mezzotint/standalone/layout.py app/mezzotint/standalone/nginx.py \
    app/mezzotint/standalone/edge_image.py app/mezzotint/standalone/
ENV PYTHONPATH=/mezzotint/app PYTHONDONTWRITEBYTECODE=1
USER mezzotint
VOLUME /var/lib/mezzotint /run/mezzotint
EXPOSE 8080
STOPSIGNAL SIGQUIT
CMD ["python3", "-m", "mezzotint.standalone.edge_image"]
