"""Requests that Sanic 21.12 takes wrongly are refused before their bodies are read, by Rasa's
server and the action server.

Sanic reads the length of a body with `int`: "-1" makes it wait in a loop that never ends and never
lets others go on, "+16" and "1_6" are taken for numbers, of two lengths the last one counts (RFC
9112, 6.3: such a message must be refused). The check is a handler of Sanic's own signal
`http.lifecycle.request`, which it sends when it has the headers and has not looked at the body.
"""

import re
from typing import Any

#: The signal with which Sanic says that it has read the headers of a request.
SIGNAL = "http.lifecycle.request"
#: A header's name (RFC 9110, 5.6.2): a blank in it hides a length from Sanic and not from others.
TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
#: A length (RFC 9110, 8.6), with no more digits than any length that is allowed.
LENGTH = re.compile(r"[0-9]{1,12}")


def mistake(headers: Any) -> str:
    """What is wrong with the headers (a multi-dictionary of lower-case names) of a request, or an
    empty text."""
    if not all(TOKEN.fullmatch(name) for name in headers):
        return "a header has a name with characters that no name may have"
    lengths, codings = headers.getall("content-length", []), headers.getall("transfer-encoding", [])
    if len(lengths) > 1 or len(codings) > 1 or (lengths and codings):
        return "more than one header says how long the body is"
    if lengths and not LENGTH.fullmatch(lengths[0].strip(" \t")):
        return "Content-Length is not a number"
    if codings and codings[0].strip(" \t").lower() != "chunked":
        return "the only Transfer-Encoding that is understood is chunked"
    return ""


async def refuse_malformed(request: Any, **_: Any) -> None:
    """Raises InvalidUsage (400, and Sanic closes the connection) for a request with a mistake."""
    from sanic.exceptions import InvalidUsage

    wrong = mistake(request.headers)
    if wrong:
        raise InvalidUsage(f"Bad request: {wrong}.")
