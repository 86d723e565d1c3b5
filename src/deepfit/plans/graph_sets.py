"""What tasks on whole graphs share: the network, how it is trained and asked, and which nodes told."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from deepfit.contract import Batch, Facts, Phase, Run, Splits
from deepfit.data.graph_set_options import GraphSetOptions
from deepfit.data.graph_sets import Graphs
from deepfit.nn.nets.graph_readout import GraphMembers, GraphReadout
from deepfit.plans.foresight import foresee
from deepfit.plans.graphs import layers_of, links_of
from deepfit.plans.supervised import supervised

GRAPHS_AT_ONCE = 256


def network(options: GraphSetOptions, facts: Facts, num_outputs: int) -> GraphMembers:
    """The network that options and facts name; of graphs it says [graphs, members, outputs]."""
    return GraphMembers(
        [
            GraphReadout(
                facts["num_features"],
                num_outputs,
                readout=options.readout.split(","),
                **layers_of(options, facts),
            )
            for _ in range(options.members)
        ]
    )


def plan(
    net: nn.Module,
    data: Splits[Batch],
    options: GraphSetOptions,
    run: Run,
    *,
    loss: Callable[[Tensor, Batch], Tensor],
    score: Callable[[], Mapping[str, float]],
    best: str,
) -> Iterator[Phase]:
    """Supervised learning of graphs; loss is of outputs [graphs, members, outputs]."""
    yield from supervised(net, data, options, run, forward=forward(net), loss=loss, score=score, best=best)


def forward(net: nn.Module, ask: str = "forward") -> Callable[[Batch], Any]:
    """The network as a function of a batch; ask: `forward`, or `vector`."""
    return lambda batch: getattr(net, ask)(*tensors_of(batch["graphs"], net))


def tensors_of(graphs: Graphs, net: nn.Module) -> tuple[Tensor, Any, Tensor, int]:
    """Some graphs as one, as a network takes them: what is known of nodes, edges, graph of each, graphs."""
    device = next((parameter.device for parameter in net.parameters()), torch.device("cpu"))
    joined = graphs.joined()
    x, of = (torch.from_numpy(array).to(device) for array in (joined.x, joined.of))
    return x, links_of(joined.graph, device), of, len(graphs)


def outputs(net: nn.Module, batch: Batch, answer: Callable[[Tensor], Tensor]) -> np.ndarray:
    """What the network says of graphs, the members' voices joined by `answer`."""
    return foresee(net, batch, forward(net), rows_at_once=GRAPHS_AT_ONCE, answer=answer)


def embed(net: nn.Module, batch: Batch) -> np.ndarray:
    """What the last layers read of each graph, float32 [graphs, members x width]."""
    return foresee(net, batch, forward(net, "vector"), rows_at_once=GRAPHS_AT_ONCE)


def saliency(net: nn.Module, graphs: Graphs, chosen: np.ndarray | None = None) -> list[np.ndarray]:
    """How much each node of a graph adds to what is said of it: float32 [nodes] a graph.

    f(x) - f(x with what is known of the node replaced by the mean over its graph), f the members' mean output
    chosen for each graph, less the mean of the other outputs; the only output where chosen is None.
    Source: Zeiler and Fergus 2014, arXiv 1311.2901, section 4.2, of pictures.
    """
    was_training = net.training
    net.eval()
    found = []
    with torch.no_grad():
        for row in range(len(graphs)):
            alone = graphs[row : row + 1]
            copies = alone.at(np.repeat(alone.index, int(np.diff(alone.starts)[alone.index][0]) + 1))
            x, links, of, count = tensors_of(copies, net)
            nodes = count - 1
            mean = x[:nodes].mean(0)
            place = torch.arange(nodes, device=x.device)
            x[(place + 1) * nodes + place] = mean
            said = net(x, links, of, count).mean(1)
            if chosen is not None:
                at = int(chosen[row])
                others = (said.sum(1) - said[:, at]) / max(said.shape[1] - 1, 1)
                said = (said[:, at] - others)[:, None]
            found.append((said[0, 0] - said[1:, 0]).float().cpu().numpy())
    net.train(was_training)
    return found
