#!/usr/bin/env python3
"""Fine-tune the sentence encoder on the project's own training data (a maintainer's tool; see
scripts/encoder/README.md).

    finetune.py --weights DIR --out DIR [--epochs 3] [--bf16] [--leave-out WRITER]

Classification heads over cosine similarities (normalised softmax: Zhai and Wu 2018,
arXiv:1811.12649) pull together messages of one topic (data/nlu), of one level and row of the triage
table (data/safety/messages), those that state one circumstance (data/safety/statements.yml), and
those that ask one specific question (the situations of data/nlu); the heads are thrown away
afterwards. With --leave-out the messages of one writer are held out and a logistic regression on
the embeddings is scored on them before and after. The weights of each epoch are written to
OUT/epoch-N.
"""

import argparse
import random
import shutil
from pathlib import Path

import numpy as np
import torch
import yaml
from sklearn.linear_model import LogisticRegression
from tokenizers import Tokenizer
from transformers import AutoModel

ROOT = Path(__file__).resolve().parents[2]


#: Messages of a label whose mean is the direction that its head begins with.
MOST_FOR_MEAN = 12
#: How much the heads count: topics, levels of urgency, circumstances, specific questions.
SHARES = (1.0, 0.5, 0.3, 1.0)
#: Topics whose examples report symptoms of some level (as in assistant.safety.classifier).
UNCLEAR = ("ask_urgent_symptom", "ask_post_treatment_worry", "ask_crisis")


#: Topics whose examples state no circumstance.
NO_STATEMENT = tuple(
    f"ask_{name}"
    for name in (
        "what_is",
        "how_it_works",
        "benefits",
        "pores_texture",
        "pain",
        "procedure_steps",
        "session_duration",
        "number_of_sessions",
        "results_timeline",
        "results_longevity",
        "needle_depth",
        "devices_brands",
        "rf_microneedling",
        "downtime",
        "makeup_after",
        "exercise_after",
        "vampire_facial",
        "prp_vs_plain",
        "vs_laser",
        "vs_chemical_peel",
        "choose_provider",
        "cost",
        "insurance_financing",
        "booking",
        "clinic_info",
        "out_of_scope",
        "privacy",
        "feedback",
    )
)


def safety_data():
    """(text, "level/row") of every message in data/safety/messages."""
    rows = []
    for path in sorted((ROOT / "data" / "safety" / "messages").glob("*.yml")):
        rows += [
            (text, f"{entry['level']}/{entry['row']}")
            for entry in yaml.safe_load(path.read_text("utf-8"))["messages"]
            for text in entry["texts"]
        ]
    return rows


def statement_data():
    """(text, circumstance or "none") of every message in data/safety/statements.yml."""
    rows = []
    for entry in yaml.safe_load((ROOT / "data" / "safety" / "statements.yml").read_text("utf-8"))[
        "statements"
    ]:
        rows += [(text, entry["circumstance"]) for text in entry["states"]] + [
            (text, "none") for text in entry["not"]
        ]
    return rows


def training_data():
    """(text, label, writer) of every example in data/nlu."""
    rows = []
    for path in sorted((ROOT / "data" / "nlu").rglob("*.yml")):
        for item in yaml.safe_load(path.read_text("utf-8"))["nlu"]:
            meta = item.get("metadata") or {}
            label = item["intent"] + ("/" + meta["situation"] if meta.get("situation") else "")
            rows += [
                (line[2:], label, str(meta.get("writer"))) for line in item["examples"].splitlines()
            ]
    return rows


class Encoder(torch.nn.Module):
    """Mean-pooled, normalised sentence embeddings, [batch, 384]."""

    def __init__(self, folder):
        super().__init__()
        self.model = AutoModel.from_pretrained(folder, attn_implementation="eager")
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.tokenizer.enable_padding(pad_id=0, pad_token="[PAD]")
        self.tokenizer.enable_truncation(128)

    def forward(self, texts):
        batch = self.tokenizer.encode_batch([t.lower() for t in texts])
        ids = torch.tensor([e.ids for e in batch])
        mask = torch.tensor([e.attention_mask for e in batch])
        hidden = self.model(input_ids=ids, attention_mask=mask).last_hidden_state
        mask = mask.unsqueeze(-1).to(hidden.dtype)
        return torch.nn.functional.normalize((hidden * mask).sum(1) / mask.sum(1), dim=-1)


@torch.no_grad()
def embed(encoder, texts):
    """Embeddings of many texts, [n, 384]."""
    encoder.eval()
    return np.concatenate([encoder(texts[i : i + 128]).numpy() for i in range(0, len(texts), 128)])


def probe(encoder, train, test):
    """Share of right topics of `test` when a logistic regression is fitted on `train`."""
    topic = lambda label: label.split("/")[0]
    head = LogisticRegression(C=8, max_iter=300, tol=1e-3).fit(
        embed(encoder, [t for t, _, _ in train]), [topic(y) for _, y, _ in train]
    )
    return head.score(embed(encoder, [t for t, _, _ in test]), [topic(y) for _, y, _ in test])


def head(encoder, rows, labels):
    """One trainable direction a label, [labels, 384], from the mean of some of its messages."""
    texts = {label: [] for label in labels}
    for text, label in random.sample(rows, len(rows)):
        if label in texts and len(texts[label]) < MOST_FOR_MEAN:
            texts[label].append(text)
    flat = sorted(((t, y) for y, some in texts.items() for t in some), key=lambda row: len(row[0]))
    vectors = embed(encoder, [text for text, _ in flat])
    names = np.array([label for _, label in flat])
    means = [vectors[names == label].mean(0) for label in labels]
    return torch.nn.Parameter(torch.nn.functional.normalize(torch.tensor(np.stack(means)), dim=-1))


def batches(rows, size):
    """Shuffled batches of messages of like length, so that little is padded."""
    rows = random.sample(rows, len(rows))
    for start in range(0, len(rows), size * 20):
        block = sorted(rows[start : start + size * 20], key=lambda r: len(r[0]))
        parts = [block[i : i + size] for i in range(0, len(block), size)]
        yield from random.sample(parts, len(parts))


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--rate", type=float, default=1e-4)
    parser.add_argument("--scale", type=float, default=20.0)
    parser.add_argument("--leave-out")
    parser.add_argument(
        "--bf16", action="store_true", help="2.7 times faster where the processor has avx512_bf16"
    )
    args = parser.parse_args()
    torch.manual_seed(7)
    random.seed(7)
    rows = training_data()
    train = [r for r in rows if r[2] != args.leave_out]
    test = [r for r in rows if r[2] == args.leave_out]
    labels = sorted({y.split("/")[0] for _, y, _ in train})
    index = {y: i for i, y in enumerate(labels)}
    specific = sorted({y for _, y, _ in train if "/" in y})
    specific_index = {y: i for i, y in enumerate(specific)}
    encoder = Encoder(args.weights)
    if test:
        test = [r for r in test if r[1].split("/")[0] in index]
        print("before:", round(probe(encoder, train, test), 4), flush=True)
    safety, statements = safety_data(), statement_data()
    levels = sorted({y for _, y in safety} | {"none/question"})
    stated = sorted({y for _, y in statements})
    # one row a message: text, and the index of its label under each head (-1: none)
    both = [
        (
            t,
            index[y.split("/")[0]],
            -1 if y.split("/")[0] in UNCLEAR else levels.index("none/question"),
            stated.index("none") if y.split("/")[0] in NO_STATEMENT else -1,
            specific_index.get(y, -1),
        )
        for t, y, _ in train
    ]
    both += [(t, -1, levels.index(y), -1, -1) for t, y in safety]
    both += [(t, -1, -1, stated.index(y), -1) for t, y in statements]
    heads = [
        head(encoder, [(t, y.split("/")[0]) for t, y, _ in train], labels),
        head(
            encoder,
            safety + [(t, "none/question") for t, y, _ in train if y.split("/")[0] not in UNCLEAR],
            levels,
        ),
        head(encoder, statements, stated),
        head(encoder, [(t, y) for t, y, _ in train if "/" in y], specific),
    ]
    # The word pieces' own vectors stay: half of the weights, of which few are met often.
    encoder.model.embeddings.requires_grad_(False)
    optimiser = torch.optim.AdamW(
        [
            {"params": [p for p in encoder.parameters() if p.requires_grad], "lr": args.rate},
            {"params": heads, "lr": args.rate * 20},
        ],
        weight_decay=0.01,
    )
    size = 64
    steps = args.epochs * (len(both) // size + 1)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: min(1, (step + 1) / (0.1 * steps)) * max(0.0, 1 - step / steps)
    )
    normalise = torch.nn.functional.normalize
    for epoch in range(args.epochs):
        encoder.train()
        total = 0.0
        for step, batch in enumerate(batches(both, size)):
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=args.bf16):
                vectors = encoder([row[0] for row in batch])
            vectors, loss = vectors.float(), 0
            for number, (weights, share) in enumerate(zip(heads, SHARES), 1):
                target = torch.tensor([row[number] for row in batch])
                if (target >= 0).any():
                    loss = loss + share * torch.nn.functional.cross_entropy(
                        args.scale * vectors @ normalise(weights, dim=-1).T,
                        target,
                        label_smoothing=0.05,
                        ignore_index=-1,
                    )
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            total += loss.item() * len(batch)
            if step % 50 == 49:
                print(f"{step + 1} batches: loss {loss.item():.3f}", flush=True)
        print(
            f"epoch {epoch + 1}: loss {total / len(both):.3f}",
            *([f"held out {probe(encoder, train, test):.4f}"] if test else []),
            flush=True,
        )
        if args.out:
            folder = args.out / f"epoch-{epoch + 1}"
            folder.mkdir(parents=True, exist_ok=True)
            encoder.model.save_pretrained(folder, safe_serialization=True)
            shutil.copy(args.weights / "tokenizer.json", folder / "tokenizer.json")


if __name__ == "__main__":
    main()
