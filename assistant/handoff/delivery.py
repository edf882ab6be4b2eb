"""One request on its way to the clinic: an email or a signed webhook call. A visitor's words travel
as text only."""

import contextlib
import datetime as dt
import hashlib
import hmac
import json
import logging
import os
import smtplib
import socket
import ssl
import threading
import time
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any, Dict

import requests as http

from assistant.clinic import Clinic, EmailDelivery, WebhookDelivery
from assistant.handoff.details import shown
from assistant.handoff.fields import COLUMNS
from assistant.hours import Opening, date_words

logger = logging.getLogger(__name__)
#: Seconds that the mail server or the webhook may take for one step.
TIMEOUT = 20
#: Seconds that a whole send may take. A server may be slow at every one of a dozen steps; the
#: outbox's claim (CLAIM) has to be longer than all of them.
WHOLE = 4.0 * TIMEOUT
PASSWORD, SECRET = "HANDOFF_SMTP_PASSWORD", "HANDOFF_WEBHOOK_SECRET"
#: Version of what a webhook is sent, in its body.
VERSION = 1


class NotDelivered(RuntimeError):
    """The request did not arrive; the message says why, without a visitor's words. It is tried
    again."""


def missing_settings(clinic: Clinic) -> str:
    """What the environment still has to say before requests can be delivered; empty when nothing is
    missing."""
    handoff = clinic.handoff
    if handoff.deliver == "webhook" and not os.environ.get(SECRET):
        return (
            f"clinic.yml delivers requests to a webhook: set {SECRET} to the secret that signs them"
        )
    if handoff.deliver == "email" and handoff.email.user and not os.environ.get(PASSWORD):
        return f"clinic.yml delivers requests by email as {handoff.email.user}: set {PASSWORD}"
    return ""


def deliver(request: Dict[str, Any], transaction: str, clinic: Clinic) -> None:
    """Hand one request over. `transaction` is the same at every try: the receiver knows a second
    copy by it. Raises NotDelivered."""
    problem = missing_settings(clinic)
    if problem:
        raise NotDelivered(problem)
    if clinic.handoff.deliver == "email":
        send_email(message(request, transaction, clinic), clinic.handoff.email)
    elif clinic.handoff.deliver == "webhook":
        call_webhook(body(request, transaction, clinic), transaction, clinic.handoff.webhook)


def lines(request: Dict[str, Any], clinic: Clinic) -> str:
    """A request as plain text, one detail a line."""
    local = Opening(clinic).local(dt.datetime.fromtimestamp(request["created"], dt.timezone.utc))
    rows = [
        ("Name", request["name"]),
        ("Phone", shown(request["phone"], clinic.country) if request["phone"] else None),
        ("Email", request["email"]),
        ("Best time", request["best_time"]),
        ("Received", f"{date_words(local)} {local:%Y, %H:%M}"),
        ("Talked about", ", ".join(request["topics"])),
        ("Request", request["id"]),
    ]
    text = "\n".join(
        f"{label}: {' '.join((value or 'not given').split())}" for label, value in rows
    )
    return f"{text}\n\nQuestion:\n{request['question'] or 'not given'}\n"


def message(request: Dict[str, Any], transaction: str, clinic: Clinic) -> EmailMessage:
    """The email for a request: plain text, a subject without a visitor's words, a Message-ID made
    from the transaction.

    Headers hold nothing that a visitor wrote but a validated address to reply to, so that no header
    can be injected.
    """
    settings = clinic.handoff.email
    mail = EmailMessage(policy=SMTP)
    changed = not transaction.endswith("-1")
    mail["Subject"] = (
        f"{'Changed request' if changed else 'Request'} from the website chat ({request['id']})"
    )
    mail["From"] = settings.sender
    mail["To"] = ", ".join(settings.to)
    domain = settings.sender.rsplit("@", 1)[1]
    mail["Message-ID"] = f"<{transaction}@{domain}>"
    mail["Date"] = dt.datetime.fromtimestamp(request["changed"], dt.timezone.utc)
    mail["Auto-Submitted"] = "auto-generated"
    if request["email"] and request["email"].isascii():
        user, _, host = request["email"].rpartition("@")
        mail["Reply-To"] = Address(username=user, domain=host)
    opening = "This replaces the request that was sent before.\n\n" if changed else ""
    mail.set_content(
        f"A visitor of the website asks to be contacted.\n\n{opening}{lines(request, clinic)}",
        cte="base64",
    )
    return mail


def send_email(mail: EmailMessage, settings: EmailDelivery) -> None:
    """Hand an email to the mail server. Raises NotDelivered, at the latest when WHOLE is over: the
    claim on the entry must outlast the try."""
    context = ssl.create_default_context()
    server = (
        smtplib.SMTP_SSL(timeout=TIMEOUT, context=context)
        if settings.security == "tls"
        else smtplib.SMTP(timeout=TIMEOUT)
    )
    late = threading.Event()
    watch = threading.Timer(WHOLE, _cut, (server, late))
    watch.daemon = True
    watch.start()
    try:
        # What TLS checks the certificate against: smtplib sets it only when it connects at once.
        server._host = settings.server
        code, answer = server.connect(settings.server, settings.port)
        if late.is_set():
            raise TimeoutError
        if code != 220:
            raise smtplib.SMTPConnectError(code, answer)
        if settings.security == "starttls":
            server.starttls(context=context)
        if settings.user:
            server.login(settings.user, os.environ[PASSWORD])
        refused = server.send_message(mail)
    except (OSError, ValueError, smtplib.SMTPException) as error:
        slow = " (took too long)" if late.is_set() else ""
        raise NotDelivered(
            f"mail server {settings.server}:{settings.port}: {type(error).__name__}"
            f" {getattr(error, 'smtp_code', '')}".strip()
            + slow
        ) from error
    finally:
        # The mail is taken: a rude goodbye must not send it again.
        with contextlib.suppress(OSError, ValueError, smtplib.SMTPException):
            server.quit()
        watch.cancel()
        server.close()
    if refused:  # somebody has it: trying again would send those a second one
        logger.error(
            "mail server %s refused %s of %s addresses in clinic.yml's `handoff: email: to:`",
            settings.server,
            len(refused),
            len(settings.to),
        )


def _cut(server: smtplib.SMTP, late: threading.Event) -> None:
    """End a connection whose server keeps answering, but too slowly; whoever waits on it gets an
    error."""
    late.set()
    with contextlib.suppress(OSError, AttributeError):
        server.sock.shutdown(socket.SHUT_RDWR)


def body(request: Dict[str, Any], transaction: str, clinic: Clinic) -> bytes:
    """The JSON body for a webhook."""
    created = dt.datetime.fromtimestamp(request["created"], dt.timezone.utc).isoformat(
        timespec="seconds"
    )
    fields = {name: request[name] or None for name in COLUMNS}
    data = {
        "version": VERSION,
        "id": transaction,
        "request": request["id"],
        "clinic": clinic.name,
        "created": created,
        "topics": request["topics"],
        **fields,
    }
    return json.dumps(data, ensure_ascii=False, sort_keys=True).encode("utf-8")


def signature(secret: str, timestamp: str, data: bytes) -> str:
    """HMAC-SHA256 (RFC 2104) over the timestamp, a full stop and the body, in hexadecimal
    digits."""
    return hmac.new(
        secret.encode("utf-8"), timestamp.encode("ascii") + b"." + data, hashlib.sha256
    ).hexdigest()


def call_webhook(data: bytes, transaction: str, settings: WebhookDelivery) -> None:
    """POST a request, signed. Any answer but 2xx raises NotDelivered; redirects are not
    followed."""
    timestamp = str(int(time.time()))
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "Idempotency-Key": transaction,
        "X-Timestamp": timestamp,
        "X-Signature": f"sha256={signature(os.environ[SECRET], timestamp, data)}",
        "User-Agent": "microneedling-assistant",
    }
    try:
        # Its body is not read.
        with http.post(
            settings.url,
            data=data,
            headers=headers,
            timeout=TIMEOUT,
            allow_redirects=False,
            stream=True,
        ) as answer:
            pass
    except http.RequestException as error:
        raise NotDelivered(f"webhook: {type(error).__name__}") from error
    if not 200 <= answer.status_code < 300:
        raise NotDelivered(f"webhook: HTTP {answer.status_code}")
