"""Sequence to sequence: say a word backwards. Words have unequal lengths, so the loss counts letters, not
words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from deepfit.contract import Loss, Phase, Run, Splits
from toys.toy import Toy, options, shuffled

LETTERS, LONGEST, PAD = 5, 4, 0
START = LETTERS + 1


def make(dropout: float = 0.05, **given: Any) -> Toy:
    chosen = options(given, epochs=25, batch_size=33, learning_rate=0.01)
    generator = torch.Generator().manual_seed(chosen.seed)
    words = torch.randint(1, LETTERS + 1, (700, LONGEST), generator=generator)
    lengths = torch.randint(2, LONGEST + 1, (700,), generator=generator)
    place = torch.arange(LONGEST).expand(700, -1)
    inside = place < lengths[:, None]
    backwards = words.gather(1, (lengths[:, None] - 1 - place).clamp(min=0))
    rows = {"word": words.where(inside, PAD), "answer": backwards.where(inside, PAD)}
    data = Splits({k: v[:500] for k, v in rows.items()}, {k: v[500:] for k, v in rows.items()})
    torch.manual_seed(chosen.seed)
    net = Speller(48, dropout)
    task = Task(chosen)
    return Toy(task, net, data, chosen, lambda: task.right(net, data.valid), 0.9)


class Speller(nn.Module):
    """A recurrent encoder and decoder with attention between them."""

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.letters = nn.Embedding(LETTERS + 2, width)
        self.places = nn.Parameter(0.1 * torch.randn(LONGEST, width))
        self.encoder = nn.GRU(width, width, batch_first=True)
        self.decoder = nn.GRU(width, width, batch_first=True)
        self.say = nn.Linear(2 * width, LETTERS + 1)
        self.dropout = nn.Dropout(dropout)

    def forward(self, word: Tensor, said: Tensor) -> Tensor:
        """Logits of each next letter, [rows, LONGEST, LETTERS + 1], from the word and the letters said
        before."""
        heard, state = self.encoder(self.dropout(self.letters(word) + self.places))
        thought, _ = self.decoder(self.dropout(self.letters(said) + self.places), state)
        seen = (thought @ heard.transpose(1, 2)).masked_fill((word == PAD)[:, None], -1e9).softmax(-1) @ heard
        return self.say(torch.cat([thought, seen], -1))


class Task:
    def __init__(self, options: Any) -> None:
        self.options = options

    def right(self, net: nn.Module, rows: Any) -> float:
        """The share of letters that are right when the network reads its own answer as it goes."""
        net.eval()
        said = torch.full_like(rows["word"], START)
        with torch.no_grad():
            for place in range(LONGEST):
                letter = net(rows["word"], said)[:, place].argmax(-1)
                if place + 1 < LONGEST:
                    said[:, place + 1] = letter
            answer = torch.cat([said[:, 1:], letter[:, None]], 1)
        inside = rows["answer"] != PAD
        return (answer == rows["answer"])[inside].double().mean().item()

    def plan(self, net: nn.Module, data: Splits, facts: Any, run: Run) -> Iterator[Phase]:
        def step(batch: Any) -> Iterator[Loss]:
            word, answer = batch["word"], batch["answer"]
            said = torch.cat([torch.full_like(answer[:, :1], START), answer[:, :-1]], 1)
            logits = net(word, said)
            total = F.cross_entropy(logits.transpose(1, 2), answer, ignore_index=PAD, reduction="sum")
            yield Loss(total, (answer != PAD).sum())

        yield Phase(
            name="spell",
            batches=lambda epoch: shuffled(data.train, self.options.batch_size, run.rng("shuffle", epoch)),
            step=step,
            optimizers={"main": torch.optim.Adam(net.parameters(), self.options.learning_rate)},
            epochs=self.options.epochs,
            score=lambda: {"letters": self.right(net, data.valid)},
            best="letters",
        )
