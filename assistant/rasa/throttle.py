"""Rate limits of the website channel: per conversation and per client address, counted by the
`limits` library.

Counted in Redis when ASSISTANT_REDIS_URL names one (all workers together), else in this process.
When Redis does not answer, each worker counts for itself: a limit is never a reason to fail. Calls
from this machine that no proxy forwards (monitors, tests, benchmarks) are not counted.
"""

import asyncio
import ipaddress
import logging
import math
import os
import re
import time
from typing import List, Optional, Tuple

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage, RedisStorage, Storage
from limits.strategies import MovingWindowRateLimiter
from sanic.request import Request

from assistant.clinic import Limits

logger = logging.getLogger(__name__)

#: Seconds that Redis may take, and for which it is left alone after it failed.
REDIS_LIMIT, PAUSE = 0.5, 5.0
#: Leading bits of an IPv6 address that belong to one customer of a provider (RFC 6177: a /64 at
#: least).
ONE_NETWORK = 64


def address_of(request: Request, trusted: List[str]) -> Optional[str]:
    """The client's address, an IPv6 one as its /64 network; None for this machine.

    Only a proxy in `trusted` (networks in CIDR notation) is believed: then it is the right-most
    address of X-Forwarded-For that is no such proxy. What is not an address counts as the address
    of whoever sent it: then also this machine's own counts, so that no proxy's way of writing lifts
    the limit.
    """
    networks = [ipaddress.ip_network(entry, strict=False) for entry in trusted]
    chain = [
        part.strip()
        for value in request.headers.getall("x-forwarded-for", [])
        for part in value.split(",")
    ]
    address = _parsed(request.ip) or ipaddress.ip_address("0.0.0.0")
    while chain and any(
        address in network for network in networks if network.version == address.version
    ):
        before = _parsed(chain.pop())
        if before is None:
            return _key(address)
        address = before
    return None if address.is_loopback else _key(address)


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


class Throttle:
    """Counts calls in a moving window of one minute."""

    def __init__(self) -> None:
        address = os.environ.get("ASSISTANT_REDIS_URL", "").strip()
        # A limiter keeps no reference of its own.
        self.storages = [
            MemoryStorage(),
            *([self._redis(address)] if address else []),
        ]
        self.own, self.shared = (
            *(MovingWindowRateLimiter(storage) for storage in self.storages),
            None,
        )[:2]
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
                        None, self._count, self.shared, counts
                    ),
                    2 * REDIS_LIMIT,
                )
            except Exception as error:  # whatever it is: the limit is counted here
                self.left_alone_until = time.monotonic() + PAUSE
                logger.warning(
                    "rate limits are counted in this process: Redis does not answer (%s)",
                    type(error).__name__,
                )
        return self._count(self.own, counts)

    @staticmethod
    def _count(
        limiter: MovingWindowRateLimiter, counts: List[Tuple[str, str, int]]
    ) -> Optional[int]:
        for scope, key, most in counts:
            item = RateLimitItemPerMinute(most, namespace="assistant:limits")
            if not limiter.hit(item, scope, key):
                reset, _ = limiter.get_window_stats(item, scope, key)
                return max(1, math.ceil(reset - time.time()))
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
