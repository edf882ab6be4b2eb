"""Rate limits of the website channel: per conversation and per client address.

Counted in Redis by the `limits` library when ASSISTANT_REDIS_URL names one (all workers together),
else in this process, by a clock that nobody sets. When Redis does not answer, each worker counts
for itself: a limit is never a reason to fail. Calls from this machine that no proxy forwards
(monitors, tests, benchmarks) are not counted; whatever looks forwarded is.
"""

import asyncio
import ipaddress
import logging
import math
import os
import re
import time
from collections import OrderedDict, deque
from typing import Callable, Deque, List, Optional, Tuple

from limits import RateLimitItemPerMinute
from limits.storage import RedisStorage, Storage
from limits.strategies import MovingWindowRateLimiter
from sanic.request import Request

from assistant.clinic import Limits

logger = logging.getLogger(__name__)

#: Seconds that Redis may take, and for which it is left alone after it failed.
REDIS_LIMIT, PAUSE = 0.5, 5.0
#: Seconds of the moving window, and keys that are counted in this process at once.
WINDOW, MOST_KEYS = 60.0, 50_000
#: Headers with which a proxy says that it passes a call on.
OF_PROXIES = (
    "x-forwarded-for",
    "forwarded",
    "x-real-ip",
    "via",
    "x-forwarded-proto",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-server",
    "x-client-ip",
    "true-client-ip",
    "cf-connecting-ip",
)
#: The client in an element of `Forwarded` (RFC 7239, section 6).
FOR = re.compile(r"""(?:^|;)\s*for\s*=\s*(?:"([^"]*)"|([^;,\s"]*))""", re.I)
#: Leading bits of an IPv6 address that belong to one customer of a provider (RFC 6177: a /64 at
#: least).
ONE_NETWORK = 64


def passed_on(request: Request) -> bool:
    """Whether a call shows signs of a proxy. nginx speaks HTTP/1.0 to whom it passes calls on,
    unless it is told otherwise, also where it adds no header."""
    version = getattr(request, "version", "1.1")
    return version == "1.0" or any(name in request.headers for name in OF_PROXIES)


def address_of(request: Request, trusted: List[str]) -> Optional[str]:
    """The client's address, an IPv6 one as its /64 network; None for a call from this machine, also
    one that a proxy here says to be from this machine, but not one that it says nothing of.

    Only a proxy in `trusted` (networks in CIDR notation) is believed: then it is the right-most
    address of X-Forwarded-For (or Forwarded) that is no such proxy. What is not an address counts
    as the address of whoever sent it, so that no proxy's way of writing lifts the limit.
    """
    networks = [ipaddress.ip_network(entry, strict=False) for entry in trusted]
    chain = _forwarded(request)
    unsaid = not chain and passed_on(request)
    address = _parsed(request.ip) or ipaddress.ip_address("0.0.0.0")
    while chain and any(
        address in network for network in networks if network.version == address.version
    ):
        before = _parsed(chain.pop())
        if before is None:
            unsaid = True
            break
        address = before
    return None if address.is_loopback and not unsaid else _key(address)


def _forwarded(request: Request) -> List[str]:
    """The addresses that proxies added, from the left to the right."""
    given = request.headers.getall("x-forwarded-for", [])
    if given:
        return [part.strip() for value in given for part in value.split(",")]
    elements = ",".join(request.headers.getall("forwarded", [])).split(",")
    found = [FOR.search(element) for element in elements if element.strip()]
    return [(match[1] or match[2] or "") if match else "" for match in found]


def _key(address: ipaddress._BaseAddress) -> str:
    """What an address is counted under."""
    return (
        str(ipaddress.ip_network((address, ONE_NETWORK), strict=False))
        if address.version == 6
        else str(address)
    )


#: An address with the port behind it, as some proxies write it; an IPv6 address is then in
#: brackets.
WITH_PORT = re.compile(r"\[([0-9a-fA-F:.]+)\](?::\d+)?|([\d.]+):\d+")


def _parsed(text: str) -> Optional[ipaddress._BaseAddress]:
    with_port = WITH_PORT.fullmatch(text)
    try:
        address = ipaddress.ip_address(with_port[1] or with_port[2] if with_port else text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


class Window:
    """Counts calls in a moving window of one minute, in this process."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._calls: OrderedDict[Tuple[str, str], Deque[float]] = OrderedDict()

    def wait(self, scope: str, key: str, most: int) -> Optional[int]:
        """Count a call; or the seconds to wait when there were `most` in the last minute."""
        now = self._clock()
        calls = self._calls.setdefault((scope, key), deque())
        self._calls.move_to_end((scope, key))
        while calls and calls[0] <= now - WINDOW:
            calls.popleft()
        if len(calls) >= most:
            return max(1, math.ceil(calls[0] + WINDOW - now))
        calls.append(now)
        while len(self._calls) > MOST_KEYS:  # the one that was quiet for longest
            self._calls.popitem(last=False)
        return None


class Throttle:
    """Counts calls in a moving window of one minute."""

    def __init__(self) -> None:
        address = os.environ.get("ASSISTANT_REDIS_URL", "").strip()
        self.own = Window()
        # A limiter keeps no reference of its own.
        self.storage = self._redis(address) if address else None
        self.shared = MovingWindowRateLimiter(self.storage) if self.storage else None
        self.left_alone_until = 0.0

    @staticmethod
    def _redis(address: str) -> Storage:
        """Storage in Redis; nothing is sent before it is used."""
        return RedisStorage(address, socket_timeout=REDIS_LIMIT, socket_connect_timeout=REDIS_LIMIT)

    async def wait(self, counts: List[Tuple[str, str, int]]) -> Optional[int]:
        """Count one call under each (scope, key, most a minute); the seconds to wait when one of
        them is used up, else None."""
        if self.shared and time.monotonic() >= self.left_alone_until:
            try:
                return await asyncio.wait_for(
                    asyncio.get_running_loop().run_in_executor(
                        None, self._count_shared, self.shared, counts
                    ),
                    2 * REDIS_LIMIT,
                )
            except Exception as error:  # whatever it is: the limit is counted here
                self.left_alone_until = time.monotonic() + PAUSE
                logger.warning(
                    "rate limits are counted in this process: Redis does not answer (%s)",
                    type(error).__name__,
                )
        waits = (self.own.wait(scope, key, most) for scope, key, most in counts)
        return next((seconds for seconds in waits if seconds), None)

    @staticmethod
    def _count_shared(
        limiter: MovingWindowRateLimiter, counts: List[Tuple[str, str, int]]
    ) -> Optional[int]:
        """The same in Redis, which keeps the times of the workers' clocks: a window that ends later
        than in a minute is of a clock that was put back, and is begun anew."""
        for scope, key, most in counts:
            item = RateLimitItemPerMinute(most, namespace="assistant:limits")
            if limiter.hit(item, scope, key):
                continue
            seconds = math.ceil(limiter.get_window_stats(item, scope, key)[0] - time.time())
            if seconds <= WINDOW + 1:
                return max(1, seconds)
            limiter.clear(item, scope, key)
            limiter.hit(item, scope, key)
        return None

    async def check(
        self, request: Request, limits: Limits, opening: bool = False, session: Optional[str] = None
    ) -> Optional[int]:
        """The seconds that this caller has to wait, or None. `opening`: a conversation is being
        opened; `session`: a message belongs to this one."""
        address = address_of(request, limits.trusted_proxies)
        if address is None:
            return None
        counts = (
            [("opened", address, limits.sessions_a_minute)]
            if opening
            else [("address", address, limits.calls_a_minute)]
        )
        if session:
            counts.insert(0, ("session", session, limits.messages_a_minute))
        return await self.wait(counts)
