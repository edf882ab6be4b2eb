#!/usr/bin/env python3
"""Fine-tune the sentence encoder on the project's own training data (a maintainer's tool; see scripts/encoder/README.md).

    finetune.py --weights DIR --out DIR [--epochs 3] [--leave-out WRITER]

A classification head over cosine similarities (normalised softmax: Zhai and Wu 2018, arXiv:1811.12649) pulls messages of one
topic together; the head is thrown away afterwards. With --leave-out the messages of one writer are held out and a logistic
regression on the embeddings is scored on them before and after, which is how the gain in docs/understanding.md was measured.
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


def training_data():
    """(text, label, writer) of every example in data/nlu."""
    rows = []
    for path in sorted((ROOT / "data" / "nlu").glob("*.yml")):
        for item in yaml.safe_load(path.read_text("utf-8"))["nlu"]:
            meta = item.get("metadata") or {}
            label = item["intent"] + ("/" + meta["situation"] if meta.get("situation") else "")
            rows += [(line[2:], label, str(meta.get("writer"))) for line in item["examples"].splitlines()]
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
        ids, mask = torch.tensor([e.ids for e in batch]), torch.tensor([e.attention_mask for e in batch])
        hidden = self.model(input_ids=ids, attention_mask=mask).last_hidden_state
        mask = mask.unsqueeze(-1).to(hidden.dtype)
        return torch.nn.functional.normalize((hidden * mask).sum(1) / mask.sum(1), dim=-1)


@torch.no_grad()
def embed(encoder, texts):
    """Embeddings of many texts, [n, 384]."""
    encoder.eval()
    return np.concatenate([encoder(texts[i:i + 128]).numpy() for i in range(0, len(texts), 128)])


def probe(encoder, train, test):
    """Share of right topics of `test` when a logistic regression is fitted on `train`."""
    topic = lambda label: label.split("/")[0]
    head = LogisticRegression(C=8, max_iter=300, tol=1e-3).fit(embed(encoder, [t for t, _, _ in train]), [topic(y) for _, y, _ in train])
    return head.score(embed(encoder, [t for t, _, _ in test]), [topic(y) for _, y, _ in test])


def batches(rows, size):
    """Shuffled batches of messages of like length, so that little is padded."""
    rows = random.sample(rows, len(rows))
    for start in range(0, len(rows), size * 20):
        block = sorted(rows[start:start + size * 20], key=lambda r: len(r[0]))
        parts = [block[i:i + size] for i in range(0, len(block), size)]
        yield from random.sample(parts, len(parts))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--rate", type=float, default=5e-5)
    parser.add_argument("--scale", type=float, default=20.0)
    parser.add_argument("--leave-out")
    args = parser.parse_args()
    torch.manual_seed(7)
    random.seed(7)
    rows = training_data()
    train = [r for r in rows if r[2] != args.leave_out]
    test = [r for r in rows if r[2] == args.leave_out]
    labels = sorted({y for _, y, _ in train})
    index = {y: i for i, y in enumerate(labels)}
    encoder = Encoder(args.weights)
    if test:
        test = [r for r in test if r[1] in index]
        print("before:", round(probe(encoder, train, test), 4), flush=True)
    proxies = torch.nn.Parameter(torch.nn.functional.normalize(torch.tensor(np.stack([
        embed(encoder, [t for t, y, _ in train if y == label]).mean(0) for label in labels])), dim=-1))
    optimiser = torch.optim.AdamW([{"params": encoder.parameters(), "lr": args.rate}, {"params": [proxies], "lr": args.rate * 20}], weight_decay=0.01)
    size, steps = 64, args.epochs * (len(train) // 64 + 1)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: min(1, (step + 1) / (0.1 * steps)) * max(0.0, 1 - step / steps))
    for epoch in range(args.epochs):
        encoder.train()
        total = 0.0
        for batch in batches(train, size):
            scores = args.scale * encoder([t for t, _, _ in batch]) @ torch.nn.functional.normalize(proxies, dim=-1).T
            loss = torch.nn.functional.cross_entropy(scores, torch.tensor([index[y] for _, y, _ in batch]), label_smoothing=0.05)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            total += loss.item() * len(batch)
        print(f"epoch {epoch + 1}: loss {total / len(train):.3f}", *([f"held out {probe(encoder, train, test):.4f}"] if test else []), flush=True)
    if args.out:
        args.out.mkdir(parents=True, exist_ok=True)
        encoder.model.save_pretrained(args.out, safe_serialization=True)
        shutil.copy(args.weights / "tokenizer.json", args.out / "tokenizer.json")


if __name__ == "__main__":
    main()
