# One image for every service; docker-compose.yml picks the service by its command.

FROM python:3.11-slim-bookworm AS packages
COPY requirements-runtime.lock deploy/install /
# The environment that goes on into the image has no pip of its own.
RUN python -m venv --without-pip /opt/venv \
    && PIP_NO_CACHE_DIR=1 /install /requirements-runtime.lock python -m pip --python /opt/venv/bin/python

FROM python:3.11-slim-bookworm
RUN useradd --uid 10001 --no-create-home --home-dir /tmp jiandu
COPY --from=packages /opt/venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH PYTHONPATH=/app PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 TZ=UTC \
    UVICORN_FACTORY=true UVICORN_HOST=0.0.0.0 UVICORN_PORT=8000 UVICORN_ACCESS_LOG=false \
    UVICORN_LOOP=uvloop UVICORN_HTTP=httptools UVICORN_TIMEOUT_GRACEFUL_SHUTDOWN=20 \
    JIANDU_URL=http://127.0.0.1:8000
WORKDIR /app
COPY rulebooks rulebooks
COPY deploy deploy
COPY shared shared
COPY services services
COPY jiandu jiandu
# The file system is read-only later, so the byte code is made now.
RUN python -m compileall -q .
USER jiandu
EXPOSE 8000
