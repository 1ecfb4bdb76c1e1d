"""A plain PyTorch LSTM language model, timed: started by benchmarks/lm_speed.py in an environment that has torch.

Takes the sizes as JSON in its first argument and prints the numbers as JSON.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from typing import Any

import torch
from torch import nn


class PlainLanguageModel(nn.Module):
    """Embedding, nn.LSTM, nn.Linear."""

    def __init__(self, sizes: dict[str, Any]) -> None:
        super().__init__()
        self.embedding = nn.Embedding(sizes["vocab"], sizes["embedding"])
        self.lstm = nn.LSTM(sizes["embedding"], sizes["units"], num_layers=sizes["layers"])
        self.output = nn.Linear(sizes["units"], sizes["vocab"])

    def forward(self, ids: torch.Tensor, state: Any) -> tuple[torch.Tensor, Any]:
        """ids: [L, B] -> logits [L, B, V] and the state after them."""
        outputs, state = self.lstm(self.embedding(ids), state)
        return self.output(outputs), state


def main(sizes: dict[str, Any]) -> None:
    """Trains on random symbols with Adam and clipping; the state is passed on from chunk to chunk."""
    torch.set_num_threads(sizes["threads"])
    torch.manual_seed(1)
    model = PlainLanguageModel(sizes)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    state = None
    seconds = []
    for _ in range(sizes["warmup"] + sizes["updates"]):
        ids = torch.randint(4, sizes["vocab"], [sizes["chunk"] + 1, sizes["streams"]])
        begin = time.perf_counter()
        optimizer.zero_grad()
        logits, state = model(ids[:-1], state)
        state = tuple(s.detach() for s in state)
        loss = nn.functional.cross_entropy(logits.reshape(-1, sizes["vocab"]), ids[1:].reshape(-1))
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        loss.item()
        seconds.append(time.perf_counter() - begin)
    print(
        json.dumps(
            {
                "program": f"PyTorch {torch.__version__}, nn.LSTM",
                "seconds": seconds[sizes["warmup"] :],
                "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10,
            }
        )
    )


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
