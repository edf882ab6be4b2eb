"""nginx in front of the Rasa workers, and between them and the action workers."""

import json
import os
from pathlib import Path
from typing import List

from assistant.cluster.programs import find

SETTINGS = """\
# Written by `make cluster` at every start, when workers are replaced, and when one hangs.
daemon off;
{user}pid {folder}/nginx.pid;
error_log {folder}/error.log crit;       # lines of lower levels hold addresses of visitors
worker_processes 1;
events {{ worker_connections 2048; }}
http {{
  access_log off;                       # addresses of visitors are nobody's business
  server_tokens off;
  client_max_body_size 1m;              # the channel's own limit (128 KB) answers with a sentence
  client_body_buffer_size 1m;           # in memory: nothing of a visitor's words in files
  proxy_max_temp_file_size 0;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  proxy_http_version 1.1;
  proxy_set_header Connection "";
  proxy_set_header Host $http_host;
  proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
  proxy_set_header X-Forwarded-Proto $scheme;
  proxy_connect_timeout 1s;

  upstream workers {{
    zone workers 64k;
    least_conn;
{workers}
    keepalive 32;
  }}
  upstream actions {{
    zone actions 64k;
    least_conn;
{actions}
    keepalive 32;
  }}

  server {{
    listen 127.0.0.1:{port};
    location = / {{ return 302 /webhooks/web/demo; }}
    # What nginx refuses by itself, in the form of the channel's own problems.
    error_page 400 414 431 494 501 @malformed;
    error_page 413 @large;
    location @malformed {{
      default_type application/problem+json;
      return 400 '{malformed}';
    }}
    location @large {{
      default_type application/problem+json;
      return 413 '{large}';
    }}
    location = /webhooks/web/metrics {{     # each worker's own port has them, for this machine
      default_type application/problem+json;
      return 404 '{not_found}';
    }}
    location ^~ /webhooks/web/metrics/ {{
      default_type application/problem+json;
      return 404 '{not_found}';
    }}
    location /webhooks/web/ {{
      proxy_pass http://workers;
      proxy_read_timeout 10s;
      # A message whose worker was killed goes to another one: X-Request-ID (or the visitor's
      # client_id) makes sure that it is answered once. One that timed out does not: it may be what
      # hangs its worker, and would hang them all, one after the other.
      proxy_set_header X-Request-ID $request_id;
      proxy_next_upstream error non_idempotent;
      proxy_next_upstream_tries 3;
      error_page 502 504 = @away;
    }}
    location / {{
      default_type application/problem+json;
      return 404 '{not_found}';
    }}
    location @away {{
      default_type application/problem+json;
      add_header Retry-After 5 always;
      return 503 '{away}';
    }}
  }}
  server {{
    listen 127.0.0.1:{action_port};
    client_max_body_size 0;             # Rasa sends the whole conversation: about 7 KB a turn
    location / {{
      proxy_pass http://actions;
      proxy_read_timeout 10s;
      proxy_next_upstream error timeout;
    }}
  }}
}}
"""


def problem(status: int, title: str, detail: str) -> str:
    """What nginx itself answers, in the form of the channel's own problems."""
    return json.dumps({"type": "about:blank", "status": status, "title": title, "detail": detail})


class Nginx:
    """nginx's settings in `folder`; `port` for visitors, `action_port` for the Rasa workers."""

    name = "nginx"

    def __init__(self, folder: Path, port: int, action_port: int):
        self.folder, self.port, self.action_port = folder, port, action_port

    def write(self, workers: List[int], actions: List[int]) -> None:
        """Write the settings for workers and action workers at these ports."""
        self.folder.mkdir(parents=True, exist_ok=True)

        def servers(ports: List[int]) -> str:
            # A worker that was killed stays in the list: nginx leaves it out by itself after two
            # refused connections, and tries it again after fail_timeout.
            return "\n".join(
                f"    server 127.0.0.1:{port} max_fails=2 fail_timeout=2s;" for port in ports
            )

        user = "user www-data;\n" if os.getuid() == 0 else ""
        text = SETTINGS.format(
            folder=self.folder,
            user=user,
            workers=servers(workers),
            actions=servers(actions),
            port=self.port,
            action_port=self.action_port,
            malformed=problem(400, "Bad request", "The request is malformed."),
            large=problem(413, "Too large", "The request is too large."),
            not_found=problem(404, "Not found", "There is nothing at this address."),
            away=problem(
                503,
                "Not available",
                "The assistant cannot answer just now. Please try again in a moment.",
            ),
        )
        part = self.folder / "nginx.conf.part"
        part.write_text(text, "utf-8")
        part.rename(self.folder / "nginx.conf")

    def command(self) -> List[str]:
        """How it is started."""
        return [
            find("nginx") or "nginx",
            "-p",
            str(self.folder),
            "-c",
            str(self.folder / "nginx.conf"),
            "-e",
            str(self.folder / "error.log"),
        ]
