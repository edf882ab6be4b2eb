"""What receives requests: a mail server and a webhook endpoint, real ones on loopback."""

import http.server
import threading

from aiosmtpd.controller import Controller


class Mailbox:
    """Keeps every message that an SMTP server takes."""

    def __init__(self):
        self.messages = []

    async def handle_DATA(self, server, session, envelope):
        from email import message_from_bytes, policy

        self.messages.append(message_from_bytes(envelope.content, policy=policy.default))
        return "250 OK"


class MailServer:
    """A real SMTP server on loopback."""

    def __init__(self, port):
        self.mailbox = Mailbox()
        self.controller = Controller(self.mailbox, hostname="127.0.0.1", port=port)
        self.controller.start()

    def __enter__(self):
        return self.mailbox.messages

    def __exit__(self, *_):
        self.controller.stop()


class Hook:
    """A webhook endpoint that fails `failures` times with 500."""

    def __init__(self, failures=0):
        self.calls, hook = [], self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                data = self.rfile.read(int(self.headers["Content-Length"]))
                hook.calls.append((dict(self.headers), data))
                self.send_response(500 if len(hook.calls) <= failures else 200)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
