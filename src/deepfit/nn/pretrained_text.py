"""Transformers from a local Hugging Face folder: config.json beside the published weights.

Known are BERT (MiniLM too), RoBERTa, DistilBERT and GPT-2, bare or with a head for a task, which is left out;
`transformers` is not needed. Names are translated by the tables of `pretrained_names`; everything has to
fit, and what does not is named.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import torch
from torch import Tensor, nn

from deepfit.errors import ArtifactError, suggest
from deepfit.nn.nets.transformer_decoder import TransformerDecoder
from deepfit.nn.nets.transformer_encoder import TransformerEncoder
from deepfit.nn.pretrained import read_weights
from deepfit.nn.pretrained_names import ACTIVATION_NAMES, FAMILIES, Family
from deepfit.nn.sentence_encoder import POOLINGS, SentenceEncoder

POOLING_NAMES = {"mean_tokens": "mean", "cls_token": "first", "cls": "first", "max_tokens": "max"}
"""Names in the layout of sentence-transformers -> ours."""

Net = TypeVar("Net", bound=nn.Module)


def load_encoder(folder: str | Path, **arguments: Any) -> tuple[TransformerEncoder, list[str]]:
    """The encoder of a folder, and a sentence for each part of it that was left out.

    arguments: those of the constructor that shall differ from the folder's, such as dropout=0. ArtifactError
    where the folder holds something else, or its weights do not fit: with the names that are missing,
    unexpected or of another shape.
    """
    return _load(TransformerEncoder, Path(folder), ("bert", "roberta", "distilbert"), arguments)


def load_decoder(folder: str | Path, **arguments: Any) -> tuple[TransformerDecoder, list[str]]:
    """The decoder of a folder with GPT-2's shape; otherwise as `load_encoder`."""
    return _load(TransformerDecoder, Path(folder), ("gpt2",), arguments)


class SentenceSettings(NamedTuple):
    """How a folder makes one vector of a text.

    transformer: the folder of the encoder; longest: the tokens that are read, None where nothing is said.
    """

    transformer: Path
    pooling: str
    normalise: bool
    longest: int | None


def load_sentence_encoder(folder: str | Path) -> tuple[SentenceEncoder, list[str]]:
    """The encoder of a folder and the way from its tokens to one vector a text; see `read_settings`."""
    settings = read_settings(folder)
    encoder, notes = load_encoder(settings.transformer)
    how = {"pooling": settings.pooling, "normalise": settings.normalise, "longest": settings.longest}
    return SentenceEncoder(encoder, **how).eval(), notes


def read_settings(folder: str | Path) -> SentenceSettings:
    """What modules.json says, in the layout of sentence-transformers.

    A Transformer, a Pooling and mostly a Normalize. A bare encoder, with config.json and no modules.json,
    gets the mean over its tokens, of length 1.
    """
    folder = Path(folder)
    if not (folder / "modules.json").is_file() and (folder / "config.json").is_file():
        return SentenceSettings(folder, "mean", True, None)
    modules = _read_json(folder / "modules.json")
    paths = {str(each.get("type")).rsplit(".", 1)[-1]: folder / each.get("path", "") for each in modules}
    other = [kind for kind in paths if kind not in ("Transformer", "Pooling", "Normalize")]
    if other or "Transformer" not in paths or "Pooling" not in paths:
        raise ArtifactError(
            f"{folder / 'modules.json'}: expected a Transformer, a Pooling and at most a Normalize, received"
            f" {', '.join(paths) or 'nothing'}. Other modules are not known here."
        )
    pooling = _pooling(paths["Pooling"] / "config.json")
    sizes = paths["Transformer"] / "sentence_bert_config.json"
    longest = _read_json(sizes).get("max_seq_length") if sizes.is_file() else None
    return SentenceSettings(paths["Transformer"], pooling, "Normalize" in paths, longest)


def read_arguments(folder: str | Path) -> tuple[str, dict[str, Any]]:
    """The kind of network that a folder's config.json describes, and the constructor's arguments for it."""
    path = Path(folder) / "config.json"
    config = _read_json(path)
    kind = config.get("model_type")
    if kind not in FAMILIES:
        raise ArtifactError(
            f"{path}: received the model_type {kind!r}. {suggest(str(kind), FAMILIES)} Choose another model."
        )
    family = FAMILIES[kind]
    for name, wanted in family.fixed.items():
        if config.get(name, wanted) not in (wanted, None):
            raise ArtifactError(
                f"{path}: {name} is {config[name]!r}, and only {wanted!r} is known here. Choose another"
                " model."
            )
    arguments = {ours: config.get(theirs, default) for ours, (theirs, default) in family.arguments.items()}
    if kind == "roberta":
        arguments["first_position"] = config.get("pad_token_id", 1) + 1
    name = arguments["activation"]
    if name not in ACTIVATION_NAMES:
        raise ArtifactError(f"{path}: received the activation {name!r}. {suggest(name, ACTIVATION_NAMES)}")
    arguments["activation"] = ACTIVATION_NAMES[name]
    return kind, arguments


def read_folder(folder: str | Path) -> tuple[dict[str, Tensor], Path]:
    """The weights of a folder by name, and the file that names them.

    model.safetensors, else pytorch_model.bin, each also in pieces with an index. No piece is looked for
    outside the folder.
    """
    folder = Path(folder)
    for name in ("model.safetensors", "pytorch_model.bin"):
        whole, index = folder / name, folder / f"{name}.index.json"
        if whole.is_file():
            return read_weights(whole), whole
        if index.is_file():
            pieces = sorted({str(piece) for piece in _read_json(index).get("weight_map", {}).values()})
            if any(Path(piece).name != piece for piece in pieces):
                raise ArtifactError(
                    f"{index}: names a file outside its folder: {', '.join(pieces)}. Fetch the folder again"
                    " from a source that you trust."
                )
            found: dict[str, Tensor] = {}
            for piece in pieces:
                found.update(read_weights(folder / piece))
            return found, index
    raise ArtifactError(
        f"{folder}: holds neither model.safetensors nor pytorch_model.bin, whole or in pieces. Fetch them"
        " into this folder."
    )


def _load(
    build: type[Net], folder: Path, kinds: Iterable[str], changes: Mapping[str, Any]
) -> tuple[Net, list[str]]:
    kind, arguments = read_arguments(folder)
    if kind not in kinds:
        raise ArtifactError(f"{folder}: holds a {kind} network; here is room for: {', '.join(kinds)}.")
    family = FAMILIES[kind]
    found, path = read_folder(folder)
    found, notes = _body(found, family, path)
    if "pooler" in family.names:
        arguments["pooled"] = f"{family.names['pooler'][0]}.weight" in found
    with torch.device("meta"):  # takes no memory and no time to fill; every weight is replaced below
        net = build(**{**arguments, **changes})
    state = _translate(found, dict(net.state_dict()), family, path)
    net.load_state_dict(state, assign=True)
    return net.eval(), notes


def _body(found: Mapping[str, Tensor], family: Family, path: Path) -> tuple[dict[str, Tensor], list[str]]:
    """The weights without the prefix of networks with a head, without heads and masks."""
    renamed = {
        name.replace("LayerNorm.gamma", "LayerNorm.weight").replace("LayerNorm.beta", "LayerNorm.bias"): value
        for name, value in found.items()
    }
    body, head = {}, []
    for name, value in renamed.items():
        bare = name.removeprefix(family.prefix)
        if bare.endswith(family.buffers):
            continue
        if bare == name and name.startswith(family.heads):
            head.append(name)
        else:
            body[bare] = value
    tied = renamed.get("lm_head.weight") if family.transposed else None
    table = body.get(f"{family.names['tokens'][0]}.weight")
    if tied is not None and table is not None and not torch.equal(tied, table):
        raise ArtifactError(
            f"{path}: lm_head.weight differs from the table of tokens, and here both are one. Choose a model"
            " with tied tables."
        )
    head = [name for name in head if tied is None or name != "lm_head.weight"]
    parts = sorted({name.split(".")[0] for name in head})
    return body, [f"{path.name}: the head '{part}' was left out." for part in parts]


def _translate(
    found: dict[str, Tensor], wanted: Mapping[str, Tensor], family: Family, path: Path
) -> dict[str, Tensor]:
    """Our state from theirs; ArtifactError where the two do not fit."""
    state: dict[str, Tensor] = {}
    missing, reshaped = [], []
    left = set(found)
    for name, like in wanted.items():
        module, kind = name.rsplit(".", 1)
        sources = [f"{source}.{kind}" for source in family.sources(module)]
        left.difference_update(sources)
        absent = [source for source in sources if source not in found]
        missing += absent
        turned = family.transposed and kind == "weight" and like.ndim == 2 and module.startswith("blocks.")
        shape = list(like.shape)
        shape[0] //= len(sources)
        shape = shape[::-1] if turned else shape
        wrong = [each for each in sources if each in found and list(found[each].shape) != shape]
        reshaped += [f"{each} {list(found[each].shape)} instead of {shape}" for each in wrong]
        if not absent and not wrong:
            values = [found[source].float() for source in sources]
            value = torch.cat(values) if len(values) > 1 else values[0]
            state[name] = (value.t() if turned else value).contiguous()
    problems = [("missing", missing), ("unexpected", sorted(left)), ("of another shape", reshaped)]
    if any(names for _, names in problems):
        said = "; ".join(
            f"{kind} ({len(names)}): {', '.join(names[:5])}" for kind, names in problems if names
        )
        nearest = suggest(missing[0], left) if missing and left else ""
        raise ArtifactError(
            f"{path}: these weights are not those that config.json beside them describes. {said}. {nearest}"
            " Fetch both again from one place."
        )
    return state


def _pooling(path: Path) -> str:
    config = _read_json(path)
    modes: list[Any] = [name.removeprefix("pooling_mode_") for name, on in config.items() if on is True]
    modes = [POOLING_NAMES.get(mode, mode) for mode in modes if mode != "include_prompt"]
    if isinstance(config.get("pooling_mode"), str):
        modes = [POOLING_NAMES.get(config["pooling_mode"], config["pooling_mode"])]
    if len(modes) != 1 or modes[0] not in POOLINGS:
        raise ArtifactError(
            f"{path}: expected one way of pooling out of {', '.join(POOLINGS)}; received"
            f" {', '.join(modes) or 'none'}."
        )
    return modes[0]


def _read_json(path: Path) -> Any:
    if not path.is_file():
        raise ArtifactError(
            f"{path}: there is no such file. A folder of a published model holds it beside the weights."
        )
    try:
        return json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise ArtifactError(f"{path}: not readable as JSON ({error}). Fetch it again.") from error
