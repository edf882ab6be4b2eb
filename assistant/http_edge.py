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


#: The size of a chunk (RFC 9112, 7.1), a blank before its extension allowed.
CHUNK = re.compile(r"[0-9a-fA-F]{1,8}[ \t]*")


class _Whole(type):
    """The class of `Size`, whose instances are the whole numbers."""

    def __instancecheck__(cls, value: Any) -> bool:
        return isinstance(value, int)


class Size(metaclass=_Whole):
    """`int` as Sanic is to use it: the size of a chunk is hexadecimal digits alone, where Python
    also takes "+5", "1_0" and "0x5". Raises ValueError, which Sanic answers with 400."""

    def __new__(cls, text: Any, base: int = 10) -> int:
        if base == 16 and not CHUNK.fullmatch(text):
            raise ValueError("the size of a chunk is not a number")
        return int(text, base) if isinstance(text, str) else int(text)


def strict_chunks() -> None:
    """Let Sanic read the size of a chunk strictly; before a server starts, because Sanic compiles
    its methods anew then, with the names of their module (`int` is looked up there first)."""
    import sanic.http

    sanic.http.int = Size


async def refuse_malformed(request: Any, **_: Any) -> None:
    """Raises InvalidUsage (400, and Sanic closes the connection) for a request with a mistake."""
    from sanic.exceptions import InvalidUsage

    wrong = mistake(request.headers)
    if wrong:
        raise InvalidUsage(f"Bad request: {wrong}.")
