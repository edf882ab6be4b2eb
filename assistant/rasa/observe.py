"""What is noted of each turn: one line of the log and the metrics for Prometheus. Ids, topics,
levels and times; never words."""

import hashlib
import hmac
import ipaddress
import os
import time
from contextvars import ContextVar
from typing import Any, Dict, List, Optional

import sqlalchemy as sa
import structlog
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.process_collector import ProcessCollector
from sanic.request import Request

from assistant import database
from assistant.rasa.throttle import passed_on

log = structlog.get_logger("assistant.turns")
CONTENT_TYPE = CONTENT_TYPE_LATEST
#: Probabilities from which an understanding counts as of high and of medium confidence.
HIGH, MEDIUM = 0.8, 0.45
#: Seconds: upper bounds of the histogram of a turn.
BOUNDS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 4, 8)

registry = CollectorRegistry()
ProcessCollector(registry=registry)
turns = Counter(
    "assistant_turns",
    "Messages answered, by kind and urgency of the turn",
    ["kind", "urgency"],
    registry=registry,
)
topics = Counter(
    "assistant_topics",
    "Topics answered; `unknown` stands for anything that the knowledge base does not have",
    ["topic"],
    registry=registry,
)
confidence = Counter(
    "assistant_understanding",
    "Messages by the confidence of their first question",
    ["band"],
    registry=registry,
)
seconds = Histogram(
    "assistant_turn_seconds",
    "Seconds from a message to its turn",
    buckets=BOUNDS,
    registry=registry,
)
errors = Counter(
    "assistant_errors",
    "What went wrong, by where: the stores' faults, turns without an answer, requests refused or"
    " failed by HTTP status",
    ["where"],
    registry=registry,
)
forms = Gauge(
    "assistant_contact_requests", "Requests to the clinic by state", ["status"], registry=registry
)
undelivered = Gauge(
    "assistant_requests_undelivered",
    "Requests that still have to reach the clinic",
    registry=registry,
)
outstanding = Gauge(
    "assistant_messages_outstanding",
    "Messages accepted and not answered yet, of every worker",
    registry=registry,
)
unwritten = Gauge(
    "assistant_turns_unwritten",
    "Turns of this worker that wait in memory for the database",
    registry=registry,
)
model = Gauge("assistant_model_info", "1 for the model that answers", ["model"], registry=registry)

_notes: ContextVar[Optional[Dict[str, Any]]] = ContextVar("notes_of_turn", default=None)


def watch() -> Dict[str, Any]:
    """From here on what `note` is told about this turn (this asyncio task and what it awaits) is
    added to the mapping that is given back."""
    notes: Dict[str, Any] = {"begun": time.perf_counter()}
    _notes.set(notes)
    return notes


def note(**values: Any) -> None:
    """Note something about the turn at hand."""
    notes = _notes.get()
    if notes is not None:
        notes.update(values)


def band(probability: Optional[float]) -> str:
    """A probability in one word."""
    return (
        "none"
        if probability is None
        else "high"
        if probability >= HIGH
        else "medium"
        if probability >= MEDIUM
        else "low"
    )


def turn_done(
    notes: Dict[str, Any],
    session: str,
    client_id: str,
    turn: Dict[str, Any],
    known: Any,
    model_id: str,
    picked: bool,
    faults: List[str],
) -> None:
    """Log and count a turn. `known` holds the topics of the knowledge base; the id of a message is
    its sender's choice, so that only its fingerprint is logged."""
    took, understood = time.perf_counter() - notes["begun"], band(notes.get("confidence"))
    turns.labels(turn["kind"], turn["urgency"]).inc()
    for topic in turn["topics"]:
        topics.labels(topic if topic in known else "unknown").inc()
    confidence.labels(understood).inc()
    seconds.observe(took)
    for fault in faults:
        errors.labels(fault).inc()
    log.info(
        "turn",
        conversation=session,
        message=hashlib.sha256(client_id.encode()).hexdigest()[:16],
        topics=turn["topics"],
        urgency=turn["urgency"],
        kind=turn["kind"],
        confidence=understood,
        milliseconds=round(took * 1000, 1),
        model=model_id,
        worker=os.getpid(),
        choice=picked,
        faults=faults,
    )


def allowed(request: Request) -> bool:
    """Whether who asks may see the metrics: with the token when ASSISTANT_METRICS_TOKEN is set;
    otherwise from this machine or an address of ASSISTANT_METRICS_ALLOW.

    A request that a proxy passes on comes from this machine, too: its headers tell.
    """
    token = os.environ.get("ASSISTANT_METRICS_TOKEN", "")
    if token:
        given = (request.headers.get("authorization") or "").encode("utf-8", "surrogateescape")
        return hmac.compare_digest(given, f"Bearer {token}".encode())
    if passed_on(request) or "x-request-id" in request.headers:
        return False
    try:
        address = ipaddress.ip_address(request.ip)
        networks = [
            ipaddress.ip_network(part.strip())
            for part in os.environ.get("ASSISTANT_METRICS_ALLOW", "").split(",")
            if part.strip()
        ]
    except ValueError:
        return False
    return address.is_loopback or any(address in network for network in networks)


def counts() -> Dict[str, Any]:
    """What the database says: requests by status, deliveries that wait, messages without an answer
    yet."""
    request, outbox, said = database.contact_requests, database.contact_outbox, database.turns
    with database.engine().connect() as connection:
        by_status = dict(
            connection.execute(
                sa.select([request.c.status, sa.func.count()]).group_by(request.c.status)
            ).fetchall()
        )
        waiting = connection.execute(
            sa.select([sa.func.count()]).select_from(outbox).where(outbox.c.sent.is_(None))
        ).scalar()
        open_messages = connection.execute(
            sa.select([sa.func.count()])
            .select_from(said)
            .where(said.c.turn == "", said.c.created > time.time() - 60)
        ).scalar()
    return {"status": by_status, "undelivered": waiting, "outstanding": open_messages}


def page(found: Optional[Dict[str, Any]], in_memory: int, model_id: str) -> bytes:
    """Everything in Prometheus' text format. `found` are the `counts`, None when the database
    cannot be used: their gauges are then not numbers."""
    for status in ("draft", "open", "done"):
        forms.labels(status).set(found["status"].get(status, 0) if found else float("nan"))
    undelivered.set(found["undelivered"] if found else float("nan"))
    outstanding.set(found["outstanding"] if found else float("nan"))
    unwritten.set(in_memory)
    model.clear()
    model.labels(model_id).set(1)
    return generate_latest(registry)
