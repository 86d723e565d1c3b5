"""What tasks on whole texts share: the network for encoded texts, how it is trained and how it is asked."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from deepfit.contract import Batch, Facts, Phase, Run, Splits
from deepfit.data.batches import num_rows
from deepfit.data.ragged import Ragged
from deepfit.data.text_encoding import vocabulary_of
from deepfit.data.text_options import TextOptions
from deepfit.data.text_windows import Windows, all_windows, drawn_windows, joined, surrounded
from deepfit.errors import OptionError
from deepfit.nn.nets.bag_of_pairs import BagOfPairs
from deepfit.nn.optimizers import layer_factor
from deepfit.nn.text_classifier import EncoderClassifier, TextClassifier
from deepfit.options import USUAL
from deepfit.plans import bag_of_pairs
from deepfit.plans import saliency as saliencies
from deepfit.plans.foresight import foresee_by_length
from deepfit.plans.supervised import supervised

LEARNING_RATE, BASE_LEARNING_RATE = 2e-3, 1e-4
SGD = 100.0
"""How many times longer the steps of sgd are."""
BATCH_SIZE, BASE_BATCH_SIZE = 64, 16
DROPOUT, BASE_DROPOUT = 0.5, 0.1
WORD = re.compile(r"\S+")
EPOCHS, ROWS_SEEN, TOKENS_SEEN = (4, 60), 30_000, 40_000_000
BASE_EPOCHS, BASE_TOKENS_SEEN = (1, 10), 1_000_000
ANSWER_FACTOR = 5.0
"""The new layer behind a published encoder starts from nothing, so it learns faster than what is below."""


def network(options: TextOptions, facts: Facts, num_outputs: int) -> nn.Module:
    """The network that options and facts name; `forward(tokens, tokens_keep)` gives [rows, outputs]."""
    dropout = options.dropout if options.dropout >= 0 else BASE_DROPOUT if facts["encoder"] else DROPOUT
    if facts["encoder"]:
        from deepfit.nn.nets.transformer_encoder import TransformerEncoder

        encoder = TransformerEncoder(**facts["encoder"])
        return EncoderClassifier(encoder, num_outputs, dropout=dropout, bag=_bag(facts, num_outputs))
    return TextClassifier(
        facts["network"],
        facts["num_tokens"],
        num_outputs,
        longest=facts["window"] + 2,
        dropout=dropout,
        token_dropout=options.token_dropout,
        bag=_bag(facts, num_outputs),
    )


def _bag(facts: Facts, num_outputs: int) -> BagOfPairs | None:
    """The linear part by the facts; None where they have none, as those of older models have."""
    if "pairs" not in facts:
        return None
    return BagOfPairs(facts["num_tokens"], num_outputs, pairs=facts["pairs"])


def encoder_arguments(folder: str | None) -> dict[str, Any]:
    """The constructor's arguments of a folder's encoder without its pooler; empty where there is none."""
    if folder is None:
        return {}
    from deepfit.nn.pretrained_text import read_arguments

    kind, arguments = read_arguments(folder)
    if kind == "gpt2":
        raise OptionError(
            f"--base {folder} holds a gpt2, which writes texts; name an encoder: bert, roberta, distilbert."
        )
    return {**arguments, "pooled": False}


def load_base(net: nn.Module, folder: str) -> None:
    """Put the published weights of a folder into the encoder of a network."""
    from deepfit.nn.pretrained_text import load_encoder

    encoder, _ = load_encoder(folder)
    encoder.pooler = None
    net.get_submodule("encoder").load_state_dict(encoder.state_dict())


def settle(options: TextOptions, tokens: Ragged, window: int) -> TextOptions:
    """The options with numbers in place of the zeros that leave a choice to us, for these training rows."""
    seen = int(np.minimum(tokens.lengths, window).sum()) + 2 * len(tokens)
    tuned = options.base is not None
    if tuned:
        epochs = int(np.clip(round(BASE_TOKENS_SEEN / max(seen, 1)), *BASE_EPOCHS))
    else:
        epochs = int(np.clip(round(ROWS_SEEN / len(tokens)), *EPOCHS))
        epochs = max(1, min(epochs, TOKENS_SEEN // max(seen, 1)))
    rate = BASE_LEARNING_RATE if tuned else LEARNING_RATE
    rate *= SGD if options.optimizer == "sgd" else USUAL[options.optimizer].rate
    return options.model_copy(
        update={
            "epochs": options.epochs or epochs,
            "batch_size": options.batch_size or (BASE_BATCH_SIZE if tuned else BATCH_SIZE),
            "learning_rate": options.learning_rate or rate,
        }
    )


def plan(
    net: nn.Module,
    data: Splits[Batch],
    options: TextOptions,
    facts: Facts,
    run: Run,
    *,
    loss: Callable[[Tensor, Batch], Tensor],
    score: Callable[[], Mapping[str, float]],
    best: str,
) -> Iterator[Phase]:
    """Supervised learning on batches of texts of similar length.

    A text longer than the window gives one window an epoch, drawn anew. Published weights are loaded first.
    """
    if options.base is not None:
        load_base(net, options.base)
    options = settle(options, data.train["tokens"], facts["window"])
    decay = options.layer_decay

    def drawn(epoch: int, arrays: Batch) -> Batch:
        uniform = torch.rand(num_rows(arrays), generator=run.rng("windows", epoch), dtype=torch.float64)
        tokens = drawn_windows(arrays["tokens"], facts["window"], uniform.numpy())
        return {**arrays, "tokens": surrounded(tokens, facts["first"], facts["last"])}

    def factor(name: str) -> float:
        return layer_factor(name, facts["encoder"]["layers"], decay, answer=ANSWER_FACTOR)

    if isinstance(net, TextClassifier | EncoderClassifier) and net.bag is not None:
        seen = drawn(0, data.train)
        bag_of_pairs.fit(net.bag, seen["tokens"], seen["target"], loss)

    yield from supervised(
        net,
        data,
        options,
        run,
        forward=lambda batch: net(batch["tokens"], batch["tokens_keep"]),
        loss=loss,
        score=score,
        best=best,
        by="tokens",
        drawn=drawn,
        factor=factor if facts["encoder"] else None,
    )


def windows(tokens: Ragged, facts: Facts) -> Windows:
    """All windows of texts, with the tokens that the network expects around each."""
    found = all_windows(tokens, facts["window"], facts["window"] // 4)
    return found._replace(tokens=surrounded(found.tokens, facts["first"], facts["last"]))


def outputs(net: nn.Module, batch: Batch, facts: Facts) -> np.ndarray:
    """What the network says of each text, [rows, outputs] float32; of a long one the mean over windows."""
    count = num_rows(batch)
    if not count:
        return np.zeros((0, net.get_submodule("answer").out_features), np.float32)  # pyright: ignore[reportCallIssue, reportArgumentType]  (a linear layer)
    parts = windows(batch["tokens"], facts)
    forward: Any = lambda part: net(part["tokens"], part["tokens_keep"])  # noqa: E731 (one expression)
    said = foresee_by_length(net, {"tokens": parts.tokens}, forward, by="tokens")
    return joined(said, parts, count)


def embed(net: nn.Module, batch: Batch, facts: Facts) -> np.ndarray:
    """What the last layer reads of each text, [rows, width] float32: of a long one its windows' mean."""
    answer = net.get_submodule("answer")
    count = num_rows(batch)
    if not count:
        return np.zeros((0, answer.in_features), np.float32)  # pyright: ignore[reportCallIssue, reportArgumentType]  (a linear layer)
    parts = windows(batch["tokens"], facts)
    seen: list[Tensor] = []
    hook = answer.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))

    def forward(part: Batch) -> Tensor:
        net(part["tokens"], part["tokens_keep"])
        return seen.pop()

    try:
        said = foresee_by_length(net, {"tokens": parts.tokens}, forward, by="tokens")
    finally:
        hook.remove()
    return joined(said, parts, count)


def saliency(
    net: Any, texts: Sequence[str], facts: Facts, chosen: np.ndarray
) -> list[tuple[str, list[tuple[int, int, float]], bool]]:
    """What of each text has spoken for an output: the text looked at, (start, stop, share) of its words.

    And whether it goes on: of a long text the window with the highest output is looked at. Shares are of the
    output less the highest other one, summed over the pieces of a word.
    """
    ids, spans = vocabulary_of(facts).encode_ragged(texts, specials=False)
    found = []
    for row, text in enumerate(texts):
        parts = all_windows(ids[[row]], facts["window"], facts["window"] // 4)
        around = surrounded(parts.tokens, facts["first"], facts["last"])
        said = outputs(net, {"tokens": parts.tokens}, facts)
        others = np.where(np.arange(said.shape[1]) == chosen[row], -np.inf, said)
        window = int((said[:, chosen[row]] - others.max(1)).argmax())
        against = others[[window]].argmax(1) if said.shape[1] > 1 else None
        seen = around[[window]]
        shares = saliencies.of_tokens(net, net, net.table, seen, chosen[[row]], against=against)[0]
        if net.bag is not None:
            shares = shares + net.bag_share * _of_bag(net.bag, seen.row(0), chosen[row], against)
        before = int(facts["first"] is not None)
        places = all_windows(Ragged(spans.row(row), ids[[row]].starts), facts["window"], facts["window"] // 4)
        at = places.tokens.row(window)
        start, stop = (int(at[:, 0].min()), int(at[:, 1].max())) if len(at) else (0, len(text))
        words = of_words(text, at, shares[before : before + len(at)])
        shown = [(first - start, last - start, share) for first, last, share in words]
        found.append((text[start:stop], shown, len(parts.rows) > 1))
    return found


def _of_bag(bag: BagOfPairs, tokens: np.ndarray, chosen: int, against: np.ndarray | None) -> np.ndarray:
    """What each token adds to an output of the linear part, exactly; a pair's is shared by its two."""
    ids_1T = torch.from_numpy(tokens.astype(np.int64))[None].to(bag.keys_P.device)
    features_1N, x_1N = bag.features(ids_1T, torch.ones_like(ids_1T, dtype=torch.bool))
    weights_F = bag.weights_FO[:, int(chosen)]
    if against is not None:
        weights_F = weights_F - bag.weights_FO[:, int(against[0])]
    adds = (weights_F[features_1N[0]] * x_1N[0]).cpu().numpy()
    singles, pairs = adds[: len(tokens)].copy(), adds[len(tokens) :] / 2
    singles[:-1] += pairs
    singles[1:] += pairs
    return singles


def of_words(text: str, spans: np.ndarray, shares: np.ndarray) -> list[tuple[int, int, float]]:
    """Shares of pieces summed over words: (start, stop, share), a word being what white space surrounds.

    spans: int [pieces, 2], where each begins and ends in characters; a piece may begin with white space.
    """
    if not len(spans):
        return []
    words = [match.span() for match in WORD.finditer(text, int(spans[:, 0].min()), int(spans[:, 1].max()))]
    starts = np.array([start for start, _ in words], np.int64)
    sums = np.zeros(len(words))
    for (start, stop), share in zip(spans.tolist(), shares.tolist(), strict=True):
        while start < stop - 1 and text[start].isspace():
            start += 1
        place = int(np.searchsorted(starts, start, side="right")) - 1
        if place >= 0:
            sums[place] += share
    return [(start, stop, float(share)) for (start, stop), share in zip(words, sums, strict=True)]
