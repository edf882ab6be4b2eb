"""The sentence encoder: all-MiniLM-L6-v2 as int8 ONNX, run with onnxruntime on one thread."""

import hashlib
import os
import threading
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Iterable, List, Optional, Tuple

import numpy as np

from assistant import paths

#: Length of an embedding.
DIMENSION = 384
#: Word pieces that are read of one text; a longer one is cut (a sentence has about 15).
MAX_TOKENS = 128
#: Texts whose word pieces are kept, for `Encoder.part`.
REMEMBER_PIECES = 16


class EncoderFileError(RuntimeError):
    """A file of the encoder is missing or is not the one that belongs to this version."""


def verify(folder: Path) -> None:
    """Check the encoder's files against SHA256SUMS. Raises EncoderFileError that names the file and
    the mend."""
    mend = "restore it with `git checkout -- assets/encoder`"
    sums = folder / "SHA256SUMS"
    if not sums.exists():
        raise EncoderFileError(f"{sums} is missing: {mend}")
    for line in sums.read_text("ascii").splitlines():
        wanted, name = line.split()
        path = folder / name
        if not path.exists():
            raise EncoderFileError(f"{path} is missing: {mend}")
        if hashlib.sha256(path.read_bytes()).hexdigest() != wanted:
            raise EncoderFileError(f"{path} does not have the checksum in SHA256SUMS: {mend}")


class Encoder:
    """Turns a text into a vector of length 1 (float32, [384]); keeps the newest results, so that
    one message is encoded once."""

    _shared = None
    _shared_lock = threading.Lock()

    def __init__(self, folder: Path = paths.ENCODER, remember: int = 512):
        verify(folder)
        import onnxruntime
        from tokenizers import Tokenizer

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(
            str(folder / "model.int8.onnx"), options, providers=["CPUExecutionProvider"]
        )
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(MAX_TOKENS)
        self._memory: OrderedDict[str, np.ndarray] = OrderedDict()
        self._pieces: OrderedDict[str, Tuple[np.ndarray, List[Tuple[int, int]]]] = OrderedDict()
        self._remember, self._lock = remember, threading.Lock()

    @classmethod
    def shared(cls) -> "Encoder":
        """The one encoder of this process. Raises EncoderFileError."""
        with cls._shared_lock:
            if cls._shared is None:
                cls._shared = cls()
            return cls._shared

    def encode(self, text: str) -> np.ndarray:
        """The embedding of one text."""
        with self._lock:
            if text in self._memory:
                self._memory.move_to_end(text)
                return self._memory[text]
        return self._run(text)[0]

    def part(self, text: str, start: int, end: int) -> Optional[np.ndarray]:
        """The embedding of text[start:end] as a part of `text`, without another run of the network;
        None when none of its word pieces is read.

        The mean of its word pieces as the network sees them in the whole text: "late chunking",
        Günther et al. 2024, arXiv:2409.04701.
        """
        # A letter that is longer in lower case: the places are others.
        if len(text.lower()) != len(text):
            return None
        with self._lock:
            kept = self._pieces.get(text)
        pieces, places = kept or self._run(text)[1]
        inside = [
            number for number, (first, last) in enumerate(places) if start <= first < last <= end
        ]
        if not inside:
            return None
        mean = pieces[inside].mean(axis=0)
        return mean / np.linalg.norm(mean)

    def _run(self, text: str) -> Tuple[np.ndarray, Tuple[np.ndarray, List[Tuple[int, int]]]]:
        """The embedding of a text, and its word pieces ([pieces, dimension], first and last
        character of each), all kept for a while."""
        encoding = self._tokenizer.encode(text.lower())
        ids = np.array([encoding.ids], dtype=np.int64)
        vector, pieces = self._session.run(
            ["embedding", "pieces"], {"input_ids": ids, "attention_mask": np.ones_like(ids)}
        )
        found = vector[0], (pieces[0], encoding.offsets)
        with self._lock:
            self._memory[text], self._pieces[text] = found
            for kept, most in ((self._memory, self._remember), (self._pieces, REMEMBER_PIECES)):
                while len(kept) > most:
                    kept.popitem(last=False)
        return found

    def encode_all(self, texts: Iterable[str]) -> np.ndarray:
        """Embeddings of several texts, [n, 384], on all cores.

        One text at a time in each thread: the int8 graph scales by batch, and a text must always
        give the same vector.
        """
        with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            rows = list(pool.map(self.encode, texts))
        return np.stack(rows) if rows else np.zeros((0, DIMENSION), np.float32)
