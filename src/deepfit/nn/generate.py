"""Writing on: tokens drawn one after another from what a decoder expects next."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from deepfit.errors import DataError
from deepfit.nn.nets.transformer_decoder import TransformerDecoder

# B batch, T steps, V vocabulary


def generate(
    net: TransformerDecoder,
    tokens_BT: Tensor,
    *,
    new: int,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    stop: int | None = None,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Continue each row by up to `new` tokens, [B, new or fewer]; the arguments are those of `stream`.

    A row that has drawn `stop` is filled up with it; nothing is drawn any more once all have.
    """
    drawn = list(
        stream(
            net,
            tokens_BT,
            new=new,
            temperature=temperature,
            top_k=top_k,
            top_p=top_p,
            stop=stop,
            generator=generator,
        )
    )
    return torch.stack(drawn, dim=1) if drawn else tokens_BT[:, :0]


def stream(
    net: TransformerDecoder,
    tokens_BT: Tensor,
    *,
    new: int,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    stop: int | None = None,
    generator: torch.Generator | None = None,
) -> Iterator[Tensor]:
    """The next token of each row, [B], up to `new` times; see `choose` for temperature, top_k and top_p.

    Rows have equal lengths. The network is read in evaluation mode, whatever its own, with a cache, so each
    step costs one token. generator: draws repeat for an equal one.
    """
    rows, length = tokens_BT.shape
    if not length or length + new > net.longest + 1:
        raise DataError(
            f"{length} tokens to begin with and {new} new ones, and this network reads 1 to {net.longest}."
            " Begin with the last ones only, or ask for fewer."
        )
    cache = net.empty_cache(rows, length + max(new - 1, 0))
    done_B = torch.zeros(rows, dtype=torch.bool, device=tokens_BT.device)
    unread_BT = tokens_BT
    for _ in range(new):
        logits_BV = _read(net, unread_BT, cache)
        token_B = choose(logits_BV, temperature=temperature, top_k=top_k, top_p=top_p, generator=generator)
        if stop is not None:
            token_B = token_B.where(~done_B, stop)
            done_B = done_B | (token_B == stop)
        yield token_B
        if stop is not None and bool(done_B.all()):
            return
        unread_BT = token_B.unsqueeze(1)


def choose(
    logits_BV: Tensor,
    *,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Draw a token a row from softmax(logits / temperature), [B]; temperature 0 takes the likeliest.

    top_k: only the k likeliest. top_p: only the fewest likeliest whose probabilities reach p, at least one
    (Holtzman et al. 2020, arXiv 1904.09751, eq. 2 and 3), after top_k.
    """
    if temperature < 0 or (top_k is not None and top_k < 1) or (top_p is not None and not 0 < top_p <= 1):
        raise ValueError(
            "temperature has to be at least 0, top_k at least 1, top_p above 0 and at most 1; received "
            f"{temperature}, {top_k} and {top_p}"
        )
    if temperature == 0:
        return logits_BV.argmax(1)
    sorted_BV, order_BV = (logits_BV.float() / temperature).sort(1, descending=True)
    sorted_BV = sorted_BV[:, :top_k]
    shares_BV = sorted_BV.softmax(1)
    if top_p is not None:
        before_BV = shares_BV.cumsum(1) - shares_BV
        shares_BV = shares_BV.masked_fill(before_BV >= top_p, 0.0)
    place_B1 = torch.multinomial(shares_BV, 1, generator=generator)
    return order_BV.gather(1, place_B1).squeeze(1)


def _read(net: TransformerDecoder, tokens_BT: Tensor, cache) -> Tensor:  # noqa: ANN001 (a KeyValueCache)
    """The logits after the last token, BV."""
    was_training = net.training
    net.eval()
    with torch.no_grad():
        logits_BV = net.logits(net.features(tokens_BT, cache)[:, -1])
    net.train(was_training)
    return logits_BV
