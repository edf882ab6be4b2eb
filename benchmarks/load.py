"""Visitors that ask over HTTP, ours over the website channel and stock over Rasa's REST channel,
and what they wait for. Loopback only, bounded in time."""

import asyncio
import random
import time
import uuid
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, List, Optional

import aiohttp
import numpy as np

from tests.evaluation import score

#: Turns after which a visitor leaves and another one comes.
CONVERSATION = 10
#: Seconds that an answer may take before it counts as an error.
PATIENCE = 60
SEED = 20261123
#: What leads to a form, to an urgent answer or away from microneedling is left out: a stock bot has
#: nothing of the kind.
LEFT_OUT = score.BOUNDARIES | {"human_handoff", "urgent_symptom", "post_treatment_worry", "booking"}


def questions() -> List[str]:
    """Questions about microneedling from the evaluation set, in an order that is the same every
    time."""
    found = [
        row["message"]
        for row in score.rows()
        if "+" not in row["topic"] and not score.accepted(row) & LEFT_OUT
    ]
    random.Random(SEED).shuffle(found)
    return found


class OurVisitor:
    """A conversation over the website channel."""

    def __init__(self, http: aiohttp.ClientSession, url: str):
        self.http, self.url, self.headers = http, url + "/webhooks/web", {}

    async def arrive(self) -> None:
        """Open a session. Raises aiohttp.ClientError."""
        async with self.http.post(self.url + "/sessions", json={}) as answer:
            answer.raise_for_status()
            self.headers = {"Authorization": f"Bearer {(await answer.json())['token']}"}

    async def say(self, text: str) -> str:
        """Ask; gives what went wrong, or an empty text."""
        async with self.http.post(
            self.url + "/messages", json={"text": text}, headers=self.headers
        ) as answer:
            body = await answer.json(content_type=None)
            if answer.status != 200:
                return f"HTTP {answer.status}"
            return "" if body["turn"]["messages"] else "no answer"


class StockVisitor:
    """A conversation over Rasa's REST channel."""

    def __init__(self, http: aiohttp.ClientSession, url: str):
        self.http, self.url = http, url + "/webhooks/rest/webhook"
        self.sender = uuid.uuid4().hex

    async def arrive(self) -> None:
        """The REST channel has no sessions: the first message opens the conversation."""

    async def say(self, text: str) -> str:
        """Ask; gives what went wrong, or an empty text."""
        async with self.http.post(
            self.url, json={"sender": self.sender, "message": text}
        ) as answer:
            body = await answer.json(content_type=None)
            if answer.status != 200:
                return f"HTTP {answer.status}"
            return "" if body else "no answer"


Visitors = Callable[[aiohttp.ClientSession], Any]


@dataclass
class Result:
    """What visitors waited: milliseconds of every answered turn, errors by kind, seconds that it
    took."""

    times: List[float] = field(default_factory=list)
    errors: Dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0

    def add(self, other: "Result") -> None:
        """Count another result in."""
        self.times += other.times
        self.seconds += other.seconds
        for kind, count in other.errors.items():
            self.errors[kind] = self.errors.get(kind, 0) + count

    def percentile(self, share: float) -> Optional[float]:
        """A percentile of the times in milliseconds, None without any."""
        return float(np.percentile(self.times, share)) if self.times else None

    @property
    def throughput(self) -> float:
        """Answered turns a second."""
        return len(self.times) / self.seconds if self.seconds else 0.0

    @property
    def failed(self) -> int:
        return sum(self.errors.values())


def session() -> aiohttp.ClientSession:
    """An HTTP client without a limit on connections and with a limit on patience."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0), timeout=aiohttp.ClientTimeout(total=PATIENCE)
    )


async def timed(visitor: Any, text: str, result: Result) -> float:
    """Ask, and count the milliseconds or the error; gives the milliseconds."""
    before = time.perf_counter()
    try:
        error = await visitor.say(text)
    except (aiohttp.ClientError, asyncio.TimeoutError) as failure:
        error = type(failure).__name__
    taken = (time.perf_counter() - before) * 1000
    if error:
        result.errors[error] = result.errors.get(error, 0) + 1
    else:
        result.times.append(taken)
    return taken


async def visit(
    visitors: Visitors,
    count: int,
    seconds: float,
    pause: float = 0.0,
    each: Callable[[Result], None] = lambda result: None,
    turns: int = CONVERSATION,
) -> Result:
    """`count` visitors ask one question after the other for `seconds`, with a random pause of up to
    `pause` seconds before each; `each` is called after every turn."""
    texts, result, started = questions(), Result(), time.perf_counter()

    async def one(number: int, http: aiohttp.ClientSession) -> None:
        chance, asked, visitor = random.Random(SEED + number), number * 7, None
        while time.perf_counter() - started < seconds:
            if asked % turns == number * 7 % turns:
                visitor = visitors(http)
                try:
                    await visitor.arrive()
                except (aiohttp.ClientError, asyncio.TimeoutError) as failure:
                    result.errors[f"no session: {type(failure).__name__}"] = (
                        result.errors.get(f"no session: {type(failure).__name__}", 0) + 1
                    )
                    await asyncio.sleep(0.2)
                    continue
            if pause:
                await asyncio.sleep(chance.uniform(0, pause))
            await timed(visitor, texts[asked % len(texts)], result)
            asked += 1
            each(result)

    async with session() as http:
        await asyncio.gather(*(one(number, http) for number in range(count)))
    result.seconds = time.perf_counter() - started
    return result


async def burst(visitors: Visitors, size: int = 4) -> Dict[str, float]:
    """One visitor asks twice in a row and then `size` questions at once: milliseconds of the single
    answer and of the last one. Raises RuntimeError on an error."""
    texts, result = questions(), Result()
    async with session() as http:
        visitor = visitors(http)
        await visitor.arrive()
        await timed(visitor, texts[0], result)
        single = await timed(visitor, texts[1], result)
        last = max(
            await asyncio.gather(*(timed(visitor, text, result) for text in texts[1 : 1 + size]))
        )
    if result.failed:
        raise RuntimeError(f"a burst was not answered: {result.errors}")
    return {"single": single, "last": last}


async def long_conversation(visitors: Visitors, turns: int) -> List[float]:
    """Milliseconds of each turn of one conversation. Raises RuntimeError on an error."""
    texts, result = questions(), Result()
    async with session() as http:
        visitor = visitors(http)
        await visitor.arrive()
        taken = [
            await timed(visitor, texts[number % len(texts)], result) for number in range(turns)
        ]
    if result.failed:
        raise RuntimeError(f"a long conversation was not answered: {result.errors}")
    return taken


async def first_answer(visitors: Visitors, limit: float, alive: Callable[[], None]) -> None:
    """Ask until there is an answer. `alive` raises when the servers have ended. Raises RuntimeError
    after `limit` seconds."""
    end = time.perf_counter() + limit
    async with session() as http:
        while time.perf_counter() < end:
            alive()
            try:
                visitor = visitors(http)
                await visitor.arrive()
                if not await visitor.say("does it hurt"):
                    return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.1)
    raise RuntimeError(f"no answer after {limit:.0f} s")
