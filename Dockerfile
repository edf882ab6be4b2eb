# The assistant with its trained model. Runs as a user without rights, with a read-only root file system (compose.yml).
# What an image needs from package registries is fetched while it is built, never at run time.
FROM python:3.10-slim-bookworm AS build
WORKDIR /app
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
COPY requirements.lock .
RUN python -m venv .venv && .venv/bin/pip install --require-hashes -r requirements.lock
COPY . .
RUN .venv/bin/python -m assistant.launch train && rm -rf .rasa

FROM python:3.10-slim-bookworm
# pg_dump and pg_restore, for backups; as old as the PostgreSQL of compose.yml, or newer. The folder is where its volume for them is mounted.
RUN apt-get update && apt-get install -y --no-install-recommends postgresql-client && rm -rf /var/lib/apt/lists/*
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin assistant
WORKDIR /app
COPY --from=build /app /app
RUN install -d -o 10001 -g 10001 -m 0700 /app/var /app/var/backups
# Nothing of the image is writable by this user; the state is in tmpfs, PostgreSQL and Redis.
USER 10001:10001
ENV HOME=/tmp MPLCONFIGDIR=/tmp ASSISTANT_STATE=/app/var ASSISTANT_INTERFACE=0.0.0.0 PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
EXPOSE 5005
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=3s --start-period=90s --retries=3 \
  CMD [".venv/bin/python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:5005/webhooks/web/live', timeout=2)"]
CMD [".venv/bin/python", "-m", "assistant.launch", "run"]
