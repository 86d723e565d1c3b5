"""What tasks on tables share: the network for encoded columns, and how it is asked."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from torch import Tensor, nn

from deepfit.contract import Batch, Facts
from deepfit.data.table_options import TableOptions
from deepfit.plans.supervised import foresee


def network(options: TableOptions, facts: Facts, num_outputs: int) -> nn.Module:
    """The network that the options name; `forward(numbers, categories)` gives [rows, members, outputs]."""
    from deepfit.nn.nets.interim import Interim

    return Interim(facts["num_numbers"], facts["category_sizes"], num_outputs)


def forward(net: nn.Module) -> Callable[[Batch], Tensor]:
    """The network as a function of a batch."""
    return lambda batch: net(batch["numbers"], batch["categories"])


def outputs(net: nn.Module, batch: Batch, answer: Callable[[Tensor], Tensor]) -> np.ndarray:
    """What the network says of encoded rows, the members' voices joined by `answer`."""
    return foresee(net, batch, forward(net), answer=answer)
