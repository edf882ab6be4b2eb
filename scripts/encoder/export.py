#!/usr/bin/env python3
"""Make the int8 sentence encoder that the assistant ships (a maintainer's tool; see
scripts/encoder/README.md).

    export.py --weights DIR [--out assets/encoder]

DIR holds `config.json`, `model.safetensors` and `tokenizer.json` of all-MiniLM-L6-v2, or of a
fine-tuned copy made by finetune.py. The graph takes `input_ids` and `attention_mask` (int64,
[batch, tokens]) and gives `embedding` (float32, [batch, 384], mean over the tokens, length 1) and
`pieces` ([batch, tokens, 384], before the mean), so that nothing but tokenisation is left to do at
run time.
"""

import argparse
import hashlib
import shutil
import tempfile
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from tokenizers import Tokenizer
from transformers import AutoModel

UPSTREAM = {
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
}
PROBES = [
    "does it hurt",
    "I was red for three days, is that expected?",
    "price pls",
    "can I roll my scalp at home with minoxidil",
    (
        "My daughter is sixteen and has pitted scars on her cheeks; is she old enough to have this"
        " done?"
    ),
]


class Pooled(torch.nn.Module):
    """The transformer with mean pooling over real tokens and L2 normalisation."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, input_ids, attention_mask):
        hidden = self.model(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        mask = attention_mask.unsqueeze(-1).to(hidden.dtype)
        mean = (hidden * mask).sum(1) / mask.sum(1).clamp(min=1e-9)
        return torch.nn.functional.normalize(mean, dim=-1), hidden


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def run(path: Path, ids: np.ndarray, mask: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return session.run(None, {"input_ids": ids, "attention_mask": mask})[0]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument(
        "--out", type=Path, default=Path(__file__).resolve().parents[2] / "assets" / "encoder"
    )
    args = parser.parse_args()
    if sha256(args.weights / "tokenizer.json") != UPSTREAM["tokenizer.json"]:
        raise SystemExit("tokenizer.json is not the upstream one: the checksum differs")
    upstream = sha256(args.weights / "model.safetensors") == UPSTREAM["model.safetensors"]
    print("weights:", "upstream, unchanged" if upstream else "fine-tuned")

    tokenizer = Tokenizer.from_file(str(args.weights / "tokenizer.json"))
    tokenizer.enable_padding(pad_id=0, pad_token="[PAD]")
    tokenizer.enable_truncation(128)
    batch = tokenizer.encode_batch(PROBES)
    ids = np.array([e.ids for e in batch], dtype=np.int64)
    mask = np.array([e.attention_mask for e in batch], dtype=np.int64)

    model = Pooled(AutoModel.from_pretrained(args.weights, attn_implementation="eager")).eval()
    with tempfile.TemporaryDirectory() as folder:
        full = Path(folder) / "fp32.onnx"
        dynamic = {
            "input_ids": {0: "batch", 1: "tokens"},
            "attention_mask": {0: "batch", 1: "tokens"},
            "embedding": {0: "batch"},
            "pieces": {0: "batch", 1: "tokens"},
        }
        torch.onnx.export(
            model,
            (torch.from_numpy(ids), torch.from_numpy(mask)),
            str(full),
            input_names=["input_ids", "attention_mask"],
            output_names=["embedding", "pieces"],
            dynamic_axes=dynamic,
            opset_version=17,
            dynamo=False,
        )
        args.out.mkdir(parents=True, exist_ok=True)
        small = args.out / "model.int8.onnx"
        quantize_dynamic(
            str(full), str(small), weight_type=QuantType.QInt8, per_channel=True, reduce_range=True
        )
        exact, quantised = run(full, ids, mask), run(small, ids, mask)
    shutil.copy(args.weights / "tokenizer.json", args.out / "tokenizer.json")
    with torch.no_grad():
        reference = model(torch.from_numpy(ids), torch.from_numpy(mask))[0].numpy()
    print("cosine of fp32 graph with PyTorch:", (exact * reference).sum(1).round(4))
    print("cosine of int8 graph with PyTorch:", (quantised * reference).sum(1).round(4))
    lines = [
        f"{sha256(args.out / name)}  {name}\n" for name in ("model.int8.onnx", "tokenizer.json")
    ]
    (args.out / "SHA256SUMS").write_text("".join(lines))
    print(f"{small.stat().st_size / 1e6:.1f} MB", *lines, sep="\n")


if __name__ == "__main__":
    main()
