"""Training tokens a second of a GPT: 6 layers, 6 heads, 384 wide, context 256, vocabulary 256, batches of 16.

    python benchmarks/sequence_gpt.py --steps 12 --peer-python PYTHON [--dropouts 0,0.1]

Contenders, each a process of its own, all alive at once, take one step each in turn on the same tokens with
AdamW: `hand`, the tightest loop that we know, with PyTorch's fused attention and dropout; `hand_kept`, the
same where freed memory is kept for the next step, as our engine keeps it; `deepfit`, our decoder through the
engine; `hf_loop`, GPT2LMHeadModel of transformers in a bare loop; `hf_trainer`, the same in its Trainer.
`step_s` is the median step after two, `tokens_s` the tokens of a batch over it, `times_hand` the median over
the turns of hand's seconds over those of the contender.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

import contenders
import turns
from turns import turn

LAYERS, HEADS, WIDTH, CONTEXT, VOCABULARY, BATCH = 6, 6, 384, 256, 256, 16
WARM_UP = 2


def batches():
    """[BATCH, CONTEXT + 1] windows of random tokens, the same for every contender."""
    import torch

    generator = torch.Generator().manual_seed(0)
    text = torch.randint(VOCABULARY, (200_000,), generator=generator)
    while True:
        starts = torch.randint(len(text) - CONTEXT, (BATCH, 1), generator=generator)
        yield text[starts + torch.arange(CONTEXT + 1)]


def hand(dropout: float) -> None:
    """The network written out and the loop around it, nothing else."""
    import torch
    from torch import nn
    from torch.nn import functional as F

    torch.manual_seed(0)

    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm1, self.norm2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
            self.qkv, self.out = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
            self.up, self.down = nn.Linear(WIDTH, 4 * WIDTH), nn.Linear(4 * WIDTH, WIDTH)

        def forward(self, x):  # noqa: ANN001
            b, t, _ = x.shape
            q, k, v = self.qkv(self.norm1(x)).view(b, t, 3, HEADS, -1).permute(2, 0, 3, 1, 4)
            y = F.scaled_dot_product_attention(q, k, v, is_causal=True, dropout_p=dropout)
            x = x + F.dropout(self.out(y.transpose(1, 2).reshape(b, t, WIDTH)), dropout)
            return x + F.dropout(self.down(F.gelu(self.up(self.norm2(x)), approximate="tanh")), dropout)

    class Gpt(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.tokens, self.positions = nn.Embedding(VOCABULARY, WIDTH), nn.Embedding(CONTEXT, WIDTH)
            self.blocks = nn.ModuleList(Block() for _ in range(LAYERS))
            self.norm = nn.LayerNorm(WIDTH)
            for weight in self.parameters():
                if weight.ndim == 2:
                    nn.init.normal_(weight, 0, 0.02)

        def forward(self, x, y):  # noqa: ANN001
            h = F.dropout(self.tokens(x) + self.positions.weight, dropout)
            for block in self.blocks:
                h = block(h)
            return F.cross_entropy(
                (self.norm(h) @ self.tokens.weight.t()).view(-1, VOCABULARY), y.reshape(-1)
            )

    net = Gpt()
    optimizer = torch.optim.AdamW(net.parameters(), 3e-4, fused=True)
    for window in batches():
        turn()
        loss = net(window[:, :-1], window[:, 1:])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()


def hand_kept(dropout: float) -> None:
    """The same, with memory kept as the engine keeps it."""
    from deepfit import machine

    with machine.memory_kept():
        hand(dropout)


def deepfit(dropout: float) -> None:
    """Our decoder through the engine."""
    from deepfit.contract import Loss, Phase, Splits
    from deepfit.engine import Run, train
    from deepfit.nn import optimizers
    from deepfit.nn.linear_crossentropy import linear_crossentropy
    from deepfit.nn.nets.transformer_decoder import TransformerDecoder
    from deepfit.options import Options

    net = TransformerDecoder(
        VOCABULARY, width=WIDTH, layers=LAYERS, heads=HEADS, positions=CONTEXT, dropout=dropout
    )

    def windows(epoch: int):
        for window in batches():
            turn()
            yield {"tokens": window}

    def step(batch):  # noqa: ANN001
        tokens = batch["tokens"]
        x = net.features(tokens[:, :-1]).flatten(0, 1)
        target = tokens[:, 1:].flatten()
        yield Loss(linear_crossentropy(x, net.tokens.weight, target), len(target))

    class Write:
        def plan(self, net, data, facts, run):  # noqa: ANN001
            made = optimizers.build("adamw", net, learning_rate=3e-4, weight_decay=0.01)
            yield Phase(name="train", batches=windows, step=step, optimizers={"main": made}, epochs=1)

    with tempfile.TemporaryDirectory() as folder:
        for _ in train(Write(), net, Splits({}, {}), {}, Run(Options(epochs=1), folder)):
            pass


def hf_net(dropout: float):
    """GPT2LMHeadModel of the same sizes."""
    contenders.stand_in_for_torchvision()
    from transformers import GPT2Config, GPT2LMHeadModel

    return GPT2LMHeadModel(
        GPT2Config(
            vocab_size=VOCABULARY,
            n_positions=CONTEXT,
            n_embd=WIDTH,
            n_layer=LAYERS,
            n_head=HEADS,
            resid_pdrop=dropout,
            embd_pdrop=dropout,
            attn_pdrop=dropout,
            bos_token_id=0,
            eos_token_id=0,
        )
    )


def hf_loop(dropout: float) -> None:
    """Transformers' network in the loop of `hand`."""
    import torch

    torch.manual_seed(0)
    net = hf_net(dropout).train()
    optimizer = torch.optim.AdamW(net.parameters(), 3e-4, fused=True)
    for window in batches():
        window = window[:, :-1].contiguous()
        turn()
        loss = net(input_ids=window, labels=window).loss
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()


def hf_trainer(dropout: float) -> None:
    """Transformers' network in its Trainer, without logs, reports and checkpoints."""
    contenders.stand_in_for_torchvision()
    import torch
    from transformers import Trainer, TrainerCallback, TrainingArguments

    windows = torch.cat([window for window, _ in zip(batches(), range(100), strict=False)])[:, :-1]

    class Clock(TrainerCallback):
        def on_step_begin(self, *_, **__) -> None:
            turn()

    arguments = TrainingArguments(
        tempfile.mkdtemp(),
        per_device_train_batch_size=BATCH,
        max_steps=len(windows) // BATCH,
        use_cpu=True,
        report_to=[],
        save_strategy="no",
        logging_strategy="no",
        learning_rate=3e-4,
        lr_scheduler_type="constant",
        disable_tqdm=True,
    )
    rows = [{"input_ids": row, "labels": row} for row in windows]
    Trainer(hf_net(dropout), arguments, train_dataset=rows, callbacks=[Clock()]).train()


OURS = ("hand", "hand_kept", "deepfit")
CONTENDERS = (*OURS, "hf_loop", "hf_trainer")


def summary(records: list[dict[str, float]]) -> dict[str, Any]:
    """Medians over the turns, warm-up apart."""
    seen = records[WARM_UP:]
    table = {}
    for name in seen[0]:
        step_s = statistics.median(record[name] for record in seen)
        ratios = [record["hand"] / record[name] for record in seen]
        table[name] = {
            "turns": len(seen),
            "step_s": step_s,
            "tokens_s": BATCH * CONTEXT / step_s,
            "times_hand": statistics.median(ratios),
            "times_hand_range": [min(ratios), max(ratios)],
        }
    return table


def main() -> None:
    """Run one contender, or all of them in turn."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--one", help="be this contender, for the process that measures")
    parser.add_argument("--steps", type=int, default=12, help="timed steps of each contender")
    parser.add_argument("--dropouts", default="0,0.1")
    parser.add_argument("--contenders", default=",".join(CONTENDERS))
    parser.add_argument("--peer-python", default=sys.executable, help="the interpreter that has transformers")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "sequence_gpt.json")
    chosen = parser.parse_args()
    if chosen.one:
        globals()[chosen.one](float(chosen.dropouts))
        return
    import rounds

    records, tables = {}, {}
    for dropout in chosen.dropouts.split(","):
        commands = {
            name: [
                sys.executable if name in OURS else chosen.peer_python,
                *(__file__, "--one", name, "--dropouts", dropout),
            ]
            for name in chosen.contenders.split(",")
        }
        records[dropout] = turns.measure(commands, WARM_UP + chosen.steps)
        tables[dropout] = summary(records[dropout])
        for name, row in tables[dropout].items():
            print(f"dropout {dropout}: {name} {row}")
    rounds.write(
        chosen.out,
        claim="training tokens a second of a GPT of 6 layers, 384 wide, context 256, by dropout",
        table=tables,
        records=records,
    )


if __name__ == "__main__":
    main()
