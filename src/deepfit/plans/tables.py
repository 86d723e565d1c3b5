"""What tasks on tables share: the network for encoded columns, how it is trained and how it is asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from torch import Tensor, nn

from deepfit.contract import Batch, Facts, Phase, Run, Splits
from deepfit.data.batches import num_rows
from deepfit.data.table_options import TableOptions
from deepfit.nn.nets.mlp import MLP
from deepfit.nn.nets.realmlp import RealMLP
from deepfit.nn.nets.tabm import TabM
from deepfit.options import USUAL
from deepfit.plans.foresight import foresee
from deepfit.plans.supervised import supervised

LEARNING_RATES = {"realmlp": 0.01, "tabm": 0.003, "mlp": 0.001}
SGD_LEARNING_RATES = {"realmlp": 1.0, "tabm": 0.3, "mlp": 0.01}
"""Steps of sgd are as long as the gradient, which is smaller where members share a loss."""

BETAS = (0.9, 0.95)
"""Of Adam, as RealMLP has them (arXiv 2407.04491, table A.1)."""

ROWS_SEEN = 8_000_000
"""Rows that training sees at most, repeats included, where no number of epochs is given."""

ROWS_AT_ONCE = 1024
"""Periodic embeddings hold rows x members x columns x 16 numbers at a time."""


def network(options: TableOptions, facts: Facts, num_outputs: int) -> nn.Module:
    """The network that the options name; `forward(numbers, categories)` gives [rows, members, outputs]."""
    bend: dict[str, Any] = {} if options.activation == "auto" else {"activation": options.activation}
    if options.network == "tabm":
        return TabM(facts["edges"], facts["category_sizes"], num_outputs, **bend)
    kind = {"realmlp": RealMLP, "mlp": MLP}[options.network]
    return kind(facts["num_numbers"], facts["category_sizes"], num_outputs, **bend)


def settle(options: TableOptions, rows: int) -> TableOptions:
    """The options with numbers in place of the zeros that leave a choice to us, for so many training rows."""
    return options.model_copy(
        update={
            "epochs": options.epochs or min(100, max(3, ROWS_SEEN // rows)),
            "batch_size": options.batch_size or min(4096, max(128, rows // 200)),
            "learning_rate": options.learning_rate or usual_rate(options),
        }
    )


def usual_rate(options: TableOptions) -> float:
    """The learning rate that suits the network and the optimizer."""
    if options.optimizer == "sgd":
        return SGD_LEARNING_RATES[options.network]
    return LEARNING_RATES[options.network] * USUAL[options.optimizer].rate


def plan(
    net: nn.Module,
    data: Splits[Batch],
    options: TableOptions,
    run: Run,
    *,
    loss: Callable[[Tensor, Batch], Tensor],
    score: Callable[[], Mapping[str, float]],
    best: str,
) -> Iterator[Phase]:
    """Supervised learning with the settings that suit tables; loss is of outputs [rows, members, outputs]."""
    options = settle(options, num_rows(data.train))
    yield from supervised(
        net,
        data,
        options,
        run,
        forward=forward(net),
        loss=loss,
        score=score,
        best=best,
        betas=BETAS,
    )


def forward(net: nn.Module) -> Callable[[Batch], Any]:
    """The network as a function of a batch."""
    return lambda batch: net(batch["numbers"], batch["categories"])


def outputs(net: nn.Module, batch: Batch, answer: Callable[[Tensor], Tensor]) -> np.ndarray:
    """What the network says of encoded rows, the members' voices joined by `answer`."""
    return foresee(net, batch, forward(net), rows_at_once=ROWS_AT_ONCE, answer=answer)
