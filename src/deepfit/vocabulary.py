"""The names of activations, losses, optimizers and networks: what each is, and what each is for.

Pure Python, so that options can refuse a name with a reason, and `deepfit networks` can list them, before
PyTorch is loaded. The things themselves are in `deepfit.nn`; a test holds the two lists equal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from deepfit.errors import suggest

ACTIVATIONS = {
    "linear": "x: no bend, so layers without another activation between them are one linear layer",
    "tanh": "between -1 and 1, steepest at 0",
    "sigmoid": "between 0 and 1: 1 / (1 + exp(-x))",
    "relu": "max(0, x)",
    "leaky_relu": "x above 0, a hundredth of x below",
    "elu": "x above 0, exp(x) - 1 below",
    "selu": "elu, scaled so that layers keep mean 0 and variance 1",
    "gelu": "x times the normal distribution function of x",
    "swish": "x times sigmoid(x), also called silu",
    "mish": "x times tanh(softplus(x))",
    "softplus": "log(1 + exp(x)), a smooth relu",
    "softmax": "positive and adding up to 1 over the features",
}


class Term(NamedTuple):
    """A name of the vocabulary: what it is, and the kind of thing it is for (a key of USES)."""

    summary: str
    use: str


USES = {
    "numbers": "predicts numbers",
    "two classes": "tells two classes apart",
    "classes": "tells classes apart",
    "alignment": "aligns a long sequence with a shorter one, as speech with its letters",
    "embeddings": "compares pairs or triples of examples by the distance of their embeddings",
    "table": "reads the columns of a table",
    "pictures": "reads pictures",
    "series": "reads steps in their order: a series, a sound, embedded words",
    "tokens": "reads tokens of text",
}

LOSSES = {
    "binary_crossentropy": Term("-log of the probability of the true one of two classes", "two classes"),
    "categorical_crossentropy": Term(
        "-log of the probability of the true class, targets as shares", "classes"
    ),
    "sparse_categorical_crossentropy": Term(
        "-log of the probability of the true class, targets as numbers of classes", "classes"
    ),
    "focal": Term("cross-entropy that looks away from easy examples", "classes"),
    "categorical_hinge": Term("by how much the best wrong class comes within 1 of the true one", "classes"),
    "hinge": Term("by how much the margin between two classes falls short of 1", "two classes"),
    "mean_squared_error": Term("the squared difference; predicts the mean", "numbers"),
    "mean_absolute_error": Term("the absolute difference; predicts the median", "numbers"),
    "huber": Term("squared for small differences, absolute for large ones", "numbers"),
    "log_cosh": Term("log(cosh(difference)), a smooth absolute difference", "numbers"),
    "quantile": Term("the tilted absolute difference; predicts a quantile", "numbers"),
    "poisson": Term("-log of the Poisson probability; for counts and other numbers from 0 up", "numbers"),
    "ctc": Term("-log of the probability of a labelling over all its alignments", "alignment"),
    "contrastive": Term("draws pairs that belong together near, others away", "embeddings"),
    "in_batch_contrastive": Term("each example finds its partner among those of its batch", "embeddings"),
    "cosent": Term("pairs that are rated higher get the higher cosine", "embeddings"),
    "triplet": Term("an anchor nearer to its like than to another, by a margin", "embeddings"),
}

OPTIMIZERS = {
    "sgd": "stochastic gradient descent, with Nesterov momentum",
    "adagrad": "steps divided by the root of all squared gradients so far",
    "rmsprop": "steps divided by the root of recent squared gradients",
    "adam": "momentum, and steps divided by the root of recent squared gradients",
    "adamw": "adam, with weight decay apart from the gradient",
    "lamb": "adam, each layer's step scaled to the length of its weights; for very large batches",
    "muon": "momentum whose matrices are made orthogonal; adamw for everything that is no matrix",
    "schedule_free": "adamw whose weights are averaged on the way, so that it needs no schedule",
}

NETWORKS = {
    "mlp": Term("the plain multilayer network", "table"),
    "realmlp": Term("multilayer networks with periodic embeddings of numbers, eight side by side", "table"),
    "tabm": Term("multilayer networks that share most of their weights", "table"),
    "lenet": Term("the first convolutional network in wide use, LeNet-5", "pictures"),
    "resnet9": Term("a small residual network for small pictures", "pictures"),
    "resnet18": Term("a residual network of 18 layers", "pictures"),
    "resnet34": Term("a residual network of 34 layers", "pictures"),
    "resnet50": Term("a residual network of 50 layers", "pictures"),
    "resnet101": Term("a residual network of 101 layers", "pictures"),
    "resnet152": Term("a residual network of 152 layers", "pictures"),
    "rnn": Term("the plain recurrent network", "series"),
    "lstm": Term("long short-term memory, a recurrent network with gates", "series"),
    "gru": Term("gated recurrent units, a lighter LSTM", "series"),
    "temporal_cnn": Term("convolutions over time that never look ahead", "series"),
    "tide": Term("dense layers over the past and the known future, TiDE", "series"),
    "word_average": Term("the weighted mean of the tokens' vectors", "tokens"),
    "danq": Term("convolutions that find motifs and an LSTM over them, for strings of letters", "series"),
    "transformer_encoder": Term("attention in both directions, as in BERT", "tokens"),
    "transformer_decoder": Term("attention to what came before, as in GPT", "tokens"),
}


class Preset(NamedTuple):
    """A published shape of a network: what it is, and which network has it."""

    summary: str
    network: str


PRESETS = {
    "bert-base": Preset("BERT, 12 layers of width 768, English without case", "transformer_encoder"),
    "roberta-base": Preset("RoBERTa, BERT's shape with a larger vocabulary", "transformer_encoder"),
    "distilbert-base": Preset("DistilBERT, 6 layers of BERT's width", "transformer_encoder"),
    "minilm-l6": Preset("MiniLM, 6 layers of width 384", "transformer_encoder"),
    "gpt2": Preset("GPT-2, 12 layers of width 768", "transformer_decoder"),
    "gpt2-medium": Preset("GPT-2, 24 layers of width 1024", "transformer_decoder"),
    "gpt2-large": Preset("GPT-2, 36 layers of width 1280", "transformer_decoder"),
    "gpt2-xl": Preset("GPT-2, 48 layers of width 1600", "transformer_decoder"),
    "distilgpt2": Preset("DistilGPT-2, 6 layers of GPT-2's width", "transformer_decoder"),
}

OTHER_NAMES = {
    "identity": "linear",
    "silu": "swish",
    "logistic": "sigmoid",
    "bce": "binary_crossentropy",
    "cross_entropy": "sparse_categorical_crossentropy",
    "crossentropy": "sparse_categorical_crossentropy",
    "log_loss": "sparse_categorical_crossentropy",
    "mse": "mean_squared_error",
    "l2": "mean_squared_error",
    "mae": "mean_absolute_error",
    "l1": "mean_absolute_error",
    "logcosh": "log_cosh",
    "pinball": "quantile",
    "info_nce": "in_batch_contrastive",
    "multiple_negatives_ranking": "in_batch_contrastive",
    "cnn": "lenet",
    "tcn": "temporal_cnn",
    "bert": "transformer_encoder",
    "gpt": "transformer_decoder",
}
"""What else people write -> the name here."""

NAMES: dict[str, Mapping[str, Term | str]] = {
    "activation": ACTIVATIONS,
    "loss": LOSSES,
    "optimizer": OPTIMIZERS,
    "network": NETWORKS,
}
"""Option -> the names of the vocabulary for it."""


def why_not(option: str, name: str, offered: Sequence[str], task: str) -> str:
    """Why a name is refused where others are offered.

    A name of the vocabulary is known, so the reason is what it is for and what the task does, which is what
    most of the offered names are for; for another name, a suggestion.
    """
    known = NAMES[option]
    meant = OTHER_NAMES.get(name)
    if name not in known:
        hint = f"It is called '{meant}' here." if meant in offered else suggest(name, [*offered, *known])
        return f"received '{name}', which is no {option} of the vocabulary. {hint}"
    offers = f"It offers {', '.join(offered)}."
    uses = [term.use for term in map(known.get, offered) if isinstance(term, Term)]
    term = known[name]
    if isinstance(term, str) or term.use in uses or not uses:
        return f"received '{name}', which {task} does not offer. {offers}"
    return f"received '{name}', which {USES[term.use]}; {task} {USES[max(uses, key=uses.count)]}. {offers}"
