"""The terms that a reader of the lessons meets, each in a sentence, with the lesson that shows it."""

from __future__ import annotations

TERMS: dict[str, tuple[str, str]] = {
    "activation": ("The bend that a neuron applies to its weighted sum.", "activations"),
    "attention": (
        "Each step of a sequence takes a weighted mean of the others, by how well they fit.",
        "attention",
    ),
    "autograd": (
        "PyTorch's bookkeeping of a computation, from which it derives every gradient.",
        "backpropagation",
    ),
    "backpropagation": ("The chain rule, applied from the loss back to every weight.", "backpropagation"),
    "batch size": ("How many rows one step of training looks at.", "gradient-descent"),
    "bias": ("The number that a neuron adds to its weighted sum; it moves the bend.", "neuron"),
    "channel": ("One of several pictures that a convolution reads or makes, one a filter.", "convolution"),
    "convolution": (
        "A small filter that slides over a picture and gives one number at each place.",
        "convolution",
    ),
    "cross-entropy": ("Minus the logarithm of the probability that was given to the truth.", "losses"),
    "decision boundary": ("Where a classifier is undecided between two classes.", "depth"),
    "depth": ("The number of layers between input and output.", "depth"),
    "divergence": ("Steps so long that each ends higher on the loss than it began.", "gradient-descent"),
    "early stopping": ("Keep the weights of the epoch that was best on rows held out.", "overfitting"),
    "epoch": ("One pass over all training rows.", "overfitting"),
    "exploding gradient": ("A gradient that grows with every layer or step that it passes.", "recurrence"),
    "feature map": ("What one filter of a convolution says at every place of a picture.", "convolution"),
    "filter": ("The small grid of weights of a convolution.", "convolution"),
    "forward pass": ("From the input through all layers to the output and the loss.", "backpropagation"),
    "gate": (
        "A number between 0 and 1 that decides how much of a memory is kept or let through.",
        "recurrence",
    ),
    "generalisation": ("Doing well on rows that training never saw.", "overfitting"),
    "gradient": (
        "The derivatives of the loss by every weight: the direction of steepest rise.",
        "backpropagation",
    ),
    "gradient descent": ("Walk down the loss by small steps against the gradient.", "gradient-descent"),
    "hidden layer": ("A layer whose outputs only other layers see.", "depth"),
    "layer": ("Many neurons side by side that read the same inputs.", "neuron"),
    "learning rate": ("How far a step goes along the gradient.", "gradient-descent"),
    "logits": ("Outputs before softmax or sigmoid makes them probabilities.", "losses"),
    "loss": ("The number that training makes small: how wrong the outputs are.", "losses"),
    "LSTM": (
        "A recurrent network whose memory is added to, not multiplied, so that gradients last.",
        "recurrence",
    ),
    "margin": ("By how much a score is on the right side.", "losses"),
    "mini-batch": ("The few rows that one step of training looks at.", "gradient-descent"),
    "momentum": ("A running mean of gradients, so that steps keep their direction.", "gradient-descent"),
    "neuron": ("A weighted sum of inputs plus a bias, bent by an activation.", "neuron"),
    "optimizer": ("The rule that turns gradients into steps: sgd, adam and others.", "gradient-descent"),
    "overfitting": ("The training rows are learned by heart, at the expense of new ones.", "overfitting"),
    "parameter": ("A number that training changes: a weight or a bias.", "neuron"),
    "pooling": ("One number for a small patch of a feature map: its largest or its mean.", "convolution"),
    "quantile": ("The value that a given share of cases stays below.", "losses"),
    "receptive field": ("The part of the input that can change one number inside a network.", "convolution"),
    "recurrence": ("The same layer applied at every step, fed with its own last output.", "recurrence"),
    "regularisation": (
        "Anything that keeps a network from learning by heart: decay, dropout.",
        "overfitting",
    ),
    "saturation": ("Where an activation is flat, so that no gradient passes.", "activations"),
    "SGD": ("Stochastic gradient descent: each step follows the gradient of a few rows.", "gradient-descent"),
    "softmax": ("Numbers made positive and adding up to 1.", "activations"),
    "Transformer": ("A network of attention and small feed-forward layers in turn.", "attention"),
    "underfitting": (
        "A network too small, or trained too briefly, to describe even the training rows.",
        "overfitting",
    ),
    "vanishing gradient": ("A gradient that shrinks with every layer or step that it passes.", "recurrence"),
    "weight": ("The number that a neuron multiplies an input by.", "neuron"),
    "weight decay": ("Every step also shrinks the weights a little.", "overfitting"),
}
"""Term -> its meaning and the lesson that shows it."""
