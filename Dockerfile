# Two images: `edge` is nginx with Lua, `app` is everything in Python (origin, renderers, command line).
#   docker build --target app -t mezzotint-app .      docker build --target edge --build-arg HOSTS=img.example.com -t mezzotint-edge .
# Both mount /run/mezzotint: the origin's socket, Redis' socket and seal.key; the app's settings are named by MEZZOTINT_CONFIG.

FROM debian:bookworm-slim AS python
RUN apt-get update \
    && apt-get install --no-install-recommends -y python3-venv libjemalloc2 ca-certificates \
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
RUN .venv/bin/pip install --no-deps --no-build-isolation -e .

FROM python AS app
RUN useradd --system --home-dir /var/lib/mezzotint --create-home mezzotint
COPY --from=packages /mezzotint /mezzotint
COPY conf /mezzotint/conf
ENV PATH=/mezzotint/.venv/bin:$PATH
USER mezzotint
CMD ["gunicorn", "--config", "/mezzotint/conf/gunicorn.py", "mezzotint.web.app:create_app()"]

FROM packages AS edge-files
ARG HOSTS=localhost
COPY nginx nginx
RUN .venv/bin/python -m mezzotint.standalone.edge_image $HOSTS

FROM debian:bookworm-slim AS edge
RUN apt-get update \
    && apt-get install --no-install-recommends -y nginx libnginx-mod-http-lua lua-cjson \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --home-dir /var/lib/mezzotint mezzotint
COPY --from=edge-files --chown=mezzotint:mezzotint /var/lib/mezzotint /var/lib/mezzotint
USER mezzotint
EXPOSE 8080
STOPSIGNAL SIGQUIT
CMD ["nginx", "-p", "/var/lib/mezzotint/edge", "-c", "nginx.conf", "-e", "stderr"]
