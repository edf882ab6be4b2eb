"""The HTTP API against its own document: schemathesis makes requests, good and bad, from
docs/api.yml.

No answer may be a server error, none may have a status, type or body that the document does not
name, and what needs a token gives 401 without one.
"""

import hypothesis
import pytest
import requests
import schemathesis
import yaml
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    ignored_auth,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from assistant import paths

DOCUMENT = paths.ROOT / "docs" / "api.yml"
SCHEMA = schemathesis.openapi.from_path(str(DOCUMENT))
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    ignored_auth,
]
#: Requests a call; the action server and the model answer every message, so that messages get
#: fewer.
EXAMPLES = {"/messages": 25}


def fresh(assistant):
    """Headers of a new conversation."""
    return {
        "Authorization": (
            "Bearer"
            f" {requests.post(assistant.url + '/sessions', json={}, timeout=30).json()['token']}"
        )
    }


@pytest.mark.parametrize(
    "path, method",
    [
        (path, method)
        for path, calls in yaml.safe_load(DOCUMENT.read_text("utf-8"))["paths"].items()
        for method in calls
    ],
)
def test_every_call_keeps_to_the_document(assistant, path, method):
    operation = SCHEMA[path][method.upper()]
    headers, tried = fresh(assistant), []

    @hypothesis.settings(
        max_examples=EXAMPLES.get(path, 40),
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(case=operation.as_strategy())
    def keeps_to_it(case):
        own = fresh(assistant) if method == "delete" else headers
        answer = case.call_and_validate(base_url=assistant.url, headers=own, checks=CHECKS)
        tried.append(answer.status_code)

    keeps_to_it()
    assert tried


@pytest.mark.parametrize(
    "path, method", [("/sessions", "post"), ("/messages", "post"), ("/feedback", "post")]
)
def test_what_breaks_the_document_is_refused_as_the_document_says(assistant, path, method):
    operation, headers, tried = SCHEMA[path][method.upper()], fresh(assistant), []

    @hypothesis.settings(
        max_examples=40,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(
        case=operation.as_strategy(generation_mode=schemathesis.GenerationMode.NEGATIVE)
    )
    def refused(case):
        answer = case.call(base_url=assistant.url, headers=headers)
        case.validate_response(answer, checks=CHECKS[:5])
        tried.append(answer.status_code)

    refused()
    assert 400 in tried


def test_the_document_is_served(assistant):
    answer = requests.get(assistant.url + "/openapi.yml", timeout=30)
    assert (
        answer.headers["content-type"] == "application/yaml"
        and answer.content == DOCUMENT.read_bytes()
    )
    assert yaml.safe_load(answer.content)["openapi"].startswith("3.1")
