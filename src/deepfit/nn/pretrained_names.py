"""What Hugging Face calls the parts and sizes of published transformers, by family, and what we call them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple


class Family(NamedTuple):
    """How a family of published networks names things.

    prefix: before every name where there is a head; layers: before the number of a block; names: our module
    -> theirs, several where ours holds them one below the other; arguments: ours -> theirs in config.json and
    its default; fixed: what config.json may only say so; heads: how the names of heads begin; buffers: how
    names end that are no weights; transposed: linear layers are saved [inputs, outputs].
    """

    prefix: str
    layers: str
    names: Mapping[str, tuple[str, ...]]
    arguments: Mapping[str, tuple[str, Any]]
    fixed: Mapping[str, Any]
    heads: tuple[str, ...]
    buffers: tuple[str, ...]
    transposed: bool = False

    def sources(self, module: str) -> list[str]:
        """Their modules for one of ours, such as 'blocks.3.norm1'."""
        if not module.startswith("blocks."):
            return list(self.names[module])
        _, number, inner = module.split(".", 2)
        return [f"{self.layers}.{number}.{name}" for name in self.names[inner]]


ACTIVATION_NAMES = {
    "gelu": "gelu",
    "gelu_new": "gelu_tanh",
    "gelu_pytorch_tanh": "gelu_tanh",
    "relu": "relu",
    "silu": "swish",
    "swish": "swish",
    "mish": "mish",
    "tanh": "tanh",
}
"""Names in config.json -> ours."""

_BERT = Family(
    prefix="bert.",
    layers="encoder.layer",
    names={
        "tokens": ("embeddings.word_embeddings",),
        "positions": ("embeddings.position_embeddings",),
        "types": ("embeddings.token_type_embeddings",),
        "norm": ("embeddings.LayerNorm",),
        "pooler": ("pooler.dense",),
        "attention.qkv": ("attention.self.query", "attention.self.key", "attention.self.value"),
        "attention.out": ("attention.output.dense",),
        "norm1": ("attention.output.LayerNorm",),
        "feed.widen": ("intermediate.dense",),
        "feed.narrow": ("output.dense",),
        "norm2": ("output.LayerNorm",),
    },
    arguments={
        "vocab_size": ("vocab_size", 30522),
        "width": ("hidden_size", 768),
        "layers": ("num_hidden_layers", 12),
        "heads": ("num_attention_heads", 12),
        "hidden": ("intermediate_size", 3072),
        "positions": ("max_position_embeddings", 512),
        "types": ("type_vocab_size", 2),
        "dropout": ("hidden_dropout_prob", 0.1),
        "activation": ("hidden_act", "gelu"),
        "norm_eps": ("layer_norm_eps", 1e-12),
    },
    fixed={"position_embedding_type": "absolute", "is_decoder": False, "add_cross_attention": False},
    heads=("cls.", "classifier.", "qa_outputs."),
    buffers=("position_ids", "token_type_ids"),
)

_DISTILBERT = Family(
    prefix="distilbert.",
    layers="transformer.layer",
    names={
        "tokens": ("embeddings.word_embeddings",),
        "positions": ("embeddings.position_embeddings",),
        "norm": ("embeddings.LayerNorm",),
        "attention.qkv": ("attention.q_lin", "attention.k_lin", "attention.v_lin"),
        "attention.out": ("attention.out_lin",),
        "norm1": ("sa_layer_norm",),
        "feed.widen": ("ffn.lin1",),
        "feed.narrow": ("ffn.lin2",),
        "norm2": ("output_layer_norm",),
    },
    arguments={
        "vocab_size": ("vocab_size", 30522),
        "width": ("dim", 768),
        "layers": ("n_layers", 6),
        "heads": ("n_heads", 12),
        "hidden": ("hidden_dim", 3072),
        "positions": ("max_position_embeddings", 512),
        "types": ("no such entry", 0),
        "pooled": ("no such entry", False),
        "dropout": ("dropout", 0.1),
        "activation": ("activation", "gelu"),
    },
    fixed={},
    heads=(
        "vocab_transform.",
        "vocab_layer_norm.",
        "vocab_projector.",
        "pre_classifier.",
        "classifier.",
        "qa_outputs.",
    ),
    buffers=("position_ids",),
)

_GPT2 = Family(
    prefix="transformer.",
    layers="h",
    names={
        "tokens": ("wte",),
        "positions": ("wpe",),
        "norm": ("ln_f",),
        "norm1": ("ln_1",),
        "attention.qkv": ("attn.c_attn",),
        "attention.out": ("attn.c_proj",),
        "norm2": ("ln_2",),
        "feed.widen": ("mlp.c_fc",),
        "feed.narrow": ("mlp.c_proj",),
    },
    arguments={
        "vocab_size": ("vocab_size", 50257),
        "width": ("n_embd", 768),
        "layers": ("n_layer", 12),
        "heads": ("n_head", 12),
        "hidden": ("n_inner", None),
        "positions": ("n_positions", 1024),
        "dropout": ("resid_pdrop", 0.1),
        "activation": ("activation_function", "gelu_new"),
        "norm_eps": ("layer_norm_epsilon", 1e-5),
    },
    fixed={
        "scale_attn_weights": True,
        "scale_attn_by_inverse_layer_idx": False,
        "add_cross_attention": False,
        "tie_word_embeddings": True,
    },
    heads=("lm_head.", "score.", "classifier.", "qa_outputs.", "multiple_choice_head."),
    buffers=(".attn.bias", ".attn.masked_bias"),
    transposed=True,
)

FAMILIES = {
    "bert": _BERT,
    "roberta": _BERT._replace(
        prefix="roberta.",
        arguments={
            **_BERT.arguments,
            "vocab_size": ("vocab_size", 50265),
            "norm_eps": ("layer_norm_eps", 1e-12),
        },
        heads=("lm_head.", "classifier.", "qa_outputs."),
    ),
    "distilbert": _DISTILBERT,
    "gpt2": _GPT2,
}
"""By the model_type of config.json."""
