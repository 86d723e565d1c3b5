"""Lessons: one module a concept, each a generator that computes something real and shows what it did.

`lesson(seed)` yields prose (Markdown), figures, tables and the progress of its training, in the order in
which they are read. The terminal, the page and the documentation are loops over it. Nothing here loads
PyTorch before a lesson is imported.
"""

from __future__ import annotations

from typing import NamedTuple

from deepfit.errors import OptionError, suggest


class Concept(NamedTuple):
    """A lesson's title, and what it shows in one line."""

    title: str
    summary: str


CONCEPTS = {
    "neuron": Concept("What a neuron and a layer are", "weights, a bias, a bend; many of them side by side"),
    "activations": Concept(
        "Every activation and its derivative", "how each bends, and how much gradient it lets through"
    ),
    "depth": Concept("Deep against shallow", "the same two spirals, one to five hidden layers"),
    "losses": Concept("Every loss as a curve", "what each punishes, and what it therefore predicts"),
    "backpropagation": Concept(
        "Backpropagation on a graph of six numbers", "the chain rule by hand, by autograd and by difference"
    ),
    "gradient-descent": Concept(
        "Gradient descent on a surface", "learning rate, momentum and batch size, seen from above"
    ),
    "overfitting": Concept(
        "Epochs, underfitting, overfitting and early stopping",
        "when a network learns by heart, and when to stop",
    ),
    "convolution": Concept("Convolution and pooling", "the filters that a trained network has found"),
    "recurrence": Concept("Recurrence and vanishing gradients", "how far back an RNN and an LSTM remember"),
    "attention": Concept("Attention", "where a Transformer looks, as a map"),
}
"""Name -> what it is, in the order in which they are best read."""


def spelled(name: str) -> str:
    """The name of a lesson as it is listed; a term of the glossary leads to the lesson that explains it.

    OptionError with a suggestion where neither is known.
    """
    from deepfit.learn.glossary import TERMS

    wanted = name.strip().lower().replace("_", "-").replace(" ", "-")
    if wanted in CONCEPTS:
        return wanted
    for term, (_, concept) in TERMS.items():
        if wanted == term.lower().replace(" ", "-"):
            return concept
    known = [*CONCEPTS, *(term.replace(" ", "-") for term in TERMS)]
    raise OptionError(
        f"There is no lesson '{name}'. {suggest(wanted, known)} `deepfit learn` lists the lessons."
    )


def overview() -> str:
    """Every lesson on a line, in reading order."""
    width = max(map(len, CONCEPTS))
    return "\n".join(f"{name.ljust(width)}  {each.title}: {each.summary}" for name, each in CONCEPTS.items())
