"""Measures one trained NLU model in a process of its own; benchmarks.understanding starts it by its
path.

    python benchmarks/nlu_process.py --model FILE --messages FILE.json --out FILE.json [--assistant]

Without --assistant nothing of this project is imported: a stock model meets stock Rasa. One thread.
Written: seconds to import Rasa and load the model, resident megabytes, milliseconds a message, and
what was understood of every message.
"""

import argparse
import asyncio
import json
import logging
import os
import re
import time

#: Messages that are read before the clock starts.
WARM_UP = 20
os.environ.update(
    {
        name: "1"
        for name in (
            "OMP_NUM_THREADS",
            "OPENBLAS_NUM_THREADS",
            "TF_INTRA_OP_PARALLELISM_THREADS",
            "TF_INTER_OP_PARALLELISM_THREADS",
        )
    }
)


def resident_megabytes() -> float:
    """Resident memory of this process in megabytes (10^6 bytes)."""
    with open("/proc/self/status", encoding="ascii") as handle:
        return int(re.search(r"VmRSS:\s*(\d+)", handle.read()).group(1)) * 1024 / 1e6


async def measure(model: str, texts: list, started: float) -> dict:
    """Load `model` and read `texts`, each on its own."""
    from rasa.core.agent import load_agent

    agent = await load_agent(model_path=model)
    if not agent.is_ready():
        raise SystemExit(f"!! {model} cannot be loaded")
    await agent.parse_message(texts[0])
    loaded = time.perf_counter() - started
    for text in texts[:WARM_UP]:
        await agent.parse_message(text)
    found, taken = [], []
    for text in texts:
        before = time.perf_counter()
        parsed = await agent.parse_message(text)
        taken.append((time.perf_counter() - before) * 1000)
        found.append(
            {
                "intent": parsed["intent"],
                "intent_ranking": parsed["intent_ranking"],
                "meaning": parsed.get("meaning"),
            }
        )
    return {
        "load_seconds": loaded,
        "resident_megabytes": resident_megabytes(),
        "milliseconds": taken,
        "parsed": found,
    }


def main() -> None:
    started = time.perf_counter()
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", required=True)
    parser.add_argument("--messages", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument(
        "--assistant",
        action="store_true",
        help="the project's own model, with what its launcher prepares",
    )
    args = parser.parse_args()
    with open(args.messages, encoding="utf-8") as handle:
        texts = json.load(handle)
    if args.assistant:
        from assistant import quiet

        quiet.configure()
    else:
        import warnings

        warnings.filterwarnings("ignore")
        from rasa.utils.log_utils import configure_structlog

        configure_structlog(logging.WARNING)
    logging.disable(logging.WARNING)
    report = asyncio.run(measure(args.model, texts, started))
    with open(args.out, "w", encoding="utf-8") as handle:
        json.dump(report, handle, default=float)


if __name__ == "__main__":
    main()
