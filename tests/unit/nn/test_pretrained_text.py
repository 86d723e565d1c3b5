"""Networks from Hugging Face folders give what `transformers` gives with the same files."""

from __future__ import annotations

import json
import re

import pytest
import torch
from safetensors.torch import load_file, save_file

from deepfit.errors import ArtifactError
from deepfit.nn.pretrained_text import load_decoder, load_encoder, read_arguments

transformers = pytest.importorskip("transformers")

TOLERANCE = 1e-5
SHAPE = {"hidden_size": 24, "num_hidden_layers": 3, "num_attention_heads": 4, "intermediate_size": 40}
CONFIGS = {
    "Bert": lambda: transformers.BertConfig(vocab_size=60, max_position_embeddings=20, **SHAPE),
    "Roberta": lambda: transformers.RobertaConfig(
        vocab_size=60, max_position_embeddings=20, pad_token_id=1, **SHAPE
    ),
    "DistilBert": lambda: transformers.DistilBertConfig(
        vocab_size=60, max_position_embeddings=20, dim=24, n_layers=3, n_heads=4, hidden_dim=40
    ),
    "GPT2": lambda: transformers.GPT2Config(vocab_size=60, n_positions=20, n_embd=24, n_layer=3, n_head=4),
}


@pytest.fixture(autouse=True)
def _without_bars():
    transformers.utils.logging.disable_progress_bar()


def published(name, folder, *, seed=0, config=None):
    """A reference network of random weights, not near zero, and its folder."""
    torch.manual_seed(seed)
    family = next(each for each in CONFIGS if name.startswith(each))
    net = getattr(transformers, name)(config or CONFIGS[family]()).eval()
    with torch.no_grad():
        for parameter in net.parameters():
            parameter += 0.2 * torch.randn_like(parameter)
    net.save_pretrained(folder)
    return net


def batch(steps=11, low=2):
    """Tokens with padding of different lengths, and which are kept."""
    generator = torch.Generator().manual_seed(1)
    tokens = torch.randint(low, 60, (4, steps), generator=generator)
    keep = torch.arange(steps) < torch.tensor([11, 8, 3, 1])[:, None]
    return tokens.masked_fill(~keep, 1), keep


@pytest.mark.parametrize("name", ["BertModel", "RobertaModel", "DistilBertModel"])
def test_an_encoder_gives_what_transformers_gives_with_padding_and_without(name, tmp_path):
    theirs = published(name, tmp_path)
    ours, notes = load_encoder(tmp_path)
    assert notes == []
    tokens, keep = batch()
    with torch.no_grad():
        wanted = theirs(input_ids=tokens, attention_mask=keep.long())
        found = ours(tokens, keep)
        torch.testing.assert_close(found[keep], wanted.last_hidden_state[keep], rtol=0, atol=TOLERANCE)
        if name != "DistilBertModel":
            torch.testing.assert_close(ours.pool(found), wanted.pooler_output, rtol=0, atol=TOLERANCE)
        tokens = tokens[:1]
        torch.testing.assert_close(
            ours(tokens), theirs(input_ids=tokens).last_hidden_state, rtol=0, atol=TOLERANCE
        )


def test_segments_of_a_pair_are_told_apart_as_in_transformers(tmp_path):
    theirs, (tokens, keep) = published("BertModel", tmp_path), batch()
    types = (torch.arange(11) > 4).long().expand(4, -1)
    with torch.no_grad():
        wanted = theirs(tokens, attention_mask=keep.long(), token_type_ids=types).last_hidden_state
        found = load_encoder(tmp_path)[0](tokens, keep, types)
    torch.testing.assert_close(found[keep], wanted[keep], rtol=0, atol=TOLERANCE)


def test_gradients_of_an_encoder_are_those_of_transformers(tmp_path):
    theirs, (tokens, keep) = published("BertModel", tmp_path), batch()
    ours = load_encoder(tmp_path)[0]
    (ours(tokens, keep)[keep] ** 2).sum().backward()
    (theirs(tokens, attention_mask=keep.long()).last_hidden_state[keep] ** 2).sum().backward()
    for found, wanted in [
        (ours.tokens.weight.grad, theirs.embeddings.word_embeddings.weight.grad),
        (
            ours.blocks[0].attention.qkv.weight.grad[24:48],
            theirs.encoder.layer[0].attention.self.key.weight.grad,
        ),
        (ours.blocks[2].feed.widen.bias.grad, theirs.encoder.layer[2].intermediate.dense.bias.grad),
    ]:
        kept = torch.arange(len(found)) != (0 if len(found) == 60 else -1)  # theirs freezes the padding token
        torch.testing.assert_close(found[kept], wanted[kept], rtol=1e-4, atol=1e-3)  # gradients up to 100


@pytest.mark.parametrize("name", ["GPT2Model", "GPT2LMHeadModel"])
def test_a_decoder_gives_what_transformers_gives(name, tmp_path):
    theirs = published(name, tmp_path)
    ours, notes = load_decoder(tmp_path)
    assert notes == []
    tokens = batch()[0]
    with torch.no_grad():
        wanted = theirs(tokens)
        if name == "GPT2Model":
            torch.testing.assert_close(
                ours.features(tokens), wanted.last_hidden_state, rtol=0, atol=TOLERANCE
            )
        else:
            assert float(wanted.logits.std()) > 0.5
            torch.testing.assert_close(ours(tokens), wanted.logits, rtol=0, atol=TOLERANCE)


def test_cached_logits_are_those_of_transformers_with_its_cache(tmp_path):
    theirs, tokens = published("GPT2LMHeadModel", tmp_path), batch()[0]
    ours = load_decoder(tmp_path)[0]
    cache, past = ours.empty_cache(4), None
    with torch.no_grad():
        for piece in tokens.split([4, 1, 6], dim=1):
            wanted = theirs(piece, cache=past, use_cache=True)
            past = wanted.past_key_values
            torch.testing.assert_close(ours(piece, cache), wanted.logits, rtol=0, atol=TOLERANCE)


HEADS = [
    ("BertForSequenceClassification", "classifier"),
    ("BertForMaskedLM", "cls"),
    ("BertForPreTraining", "cls"),
    ("BertForQuestionAnswering", "qa_outputs"),
    ("RobertaForMaskedLM", "lm_head"),
    ("RobertaForTokenClassification", "classifier"),
    ("DistilBertForMaskedLM", "vocab_transform"),
    ("DistilBertForSequenceClassification", "pre_classifier"),
]


@pytest.mark.parametrize(("name", "head"), HEADS)
def test_a_head_is_left_out_and_named_and_the_body_is_as_in_transformers(name, head, tmp_path):
    theirs = published(name, tmp_path)
    ours, notes = load_encoder(tmp_path)
    assert any(f"'{head}'" in note for note in notes)
    tokens, keep = batch()
    with torch.no_grad():
        wanted = theirs.base_model(input_ids=tokens, attention_mask=keep.long()).last_hidden_state
        torch.testing.assert_close(ours(tokens, keep)[keep], wanted[keep], rtol=0, atol=TOLERANCE)
    assert (ours.pooler is not None) == (getattr(theirs.base_model, "pooler", None) is not None)


def test_a_decoder_for_classes_is_loaded_without_them(tmp_path):
    config = CONFIGS["GPT2"]()
    config.pad_token_id = 0
    theirs, tokens = published("GPT2ForSequenceClassification", tmp_path, config=config), batch()[0]
    ours, notes = load_decoder(tmp_path)
    assert notes == ["model.safetensors: the head 'score' was left out."]
    with torch.no_grad():
        wanted = theirs.transformer(tokens).last_hidden_state
        torch.testing.assert_close(ours.features(tokens), wanted, rtol=0, atol=TOLERANCE)


def test_old_names_of_norms_buffers_and_pickled_weights_are_read(tmp_path):
    theirs = published("BertForPreTraining", tmp_path)
    state = {
        name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"): value
        for name, value in theirs.state_dict().items()
    }
    state["bert.embeddings.position_ids"] = torch.arange(20)[None]
    (tmp_path / "model.safetensors").unlink()
    torch.save(state, tmp_path / "pytorch_model.bin")
    tokens, keep = batch()
    with torch.no_grad():
        wanted = theirs.bert(tokens, attention_mask=keep.long()).last_hidden_state
        found = load_encoder(tmp_path)[0](tokens, keep)
    torch.testing.assert_close(found[keep], wanted[keep], rtol=0, atol=TOLERANCE)


def test_masks_among_gpt2s_weights_are_passed_over(tmp_path):
    published("GPT2LMHeadModel", tmp_path)
    path = tmp_path / "model.safetensors"
    state = load_file(path)
    state["transformer.h.0.attn.bias"] = torch.ones(1, 1, 20, 20)
    state["transformer.h.0.attn.masked_bias"] = torch.tensor(-1e4)
    state["lm_head.weight"] = state["transformer.wte.weight"].clone()
    save_file(state, path)
    assert load_decoder(tmp_path)[1] == []
    state["lm_head.weight"] += 1
    save_file(state, path)
    with pytest.raises(ArtifactError, match=r"lm_head\.weight differs from the table of tokens"):
        load_decoder(tmp_path)


def in_pieces(folder, kind):
    state = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    names = sorted(state)
    files, whole = {}, "model.safetensors" if kind == "safetensors" else "pytorch_model.bin"
    for number, part in enumerate((names[::2], names[1::2])):
        stem, ending = whole.split(".")
        file = f"{stem}-0000{number + 1}-of-00002.{ending}"
        piece = {name: state[name] for name in part}
        save_file(piece, folder / file) if kind == "safetensors" else torch.save(piece, folder / file)
        files.update(dict.fromkeys(part, file))
    index = folder / f"{whole}.index.json"
    index.write_text(json.dumps({"metadata": {}, "weight_map": files}))
    return index


@pytest.mark.parametrize("kind", ["safetensors", "bin"])
def test_weights_in_pieces_are_put_together(tmp_path, kind):
    theirs, tokens = published("GPT2LMHeadModel", tmp_path), batch()[0]
    in_pieces(tmp_path, kind)
    with torch.no_grad():
        torch.testing.assert_close(
            load_decoder(tmp_path)[0](tokens), theirs(tokens).logits, rtol=0, atol=TOLERANCE
        )


def test_an_index_that_names_a_file_outside_the_folder_is_refused(tmp_path):
    published("GPT2LMHeadModel", tmp_path)
    index = in_pieces(tmp_path, "safetensors")
    index.write_text(index.read_text().replace("model-00001", "../model-00001"))
    with pytest.raises(ArtifactError, match="names a file outside its folder"):
        load_decoder(tmp_path)


def test_half_precision_weights_become_float32(tmp_path):
    theirs = published("BertModel", tmp_path)
    path = tmp_path / "model.safetensors"
    save_file({name: value.half() for name, value in load_file(path).items()}, path)
    ours = load_encoder(tmp_path)[0]
    assert {parameter.dtype for parameter in ours.parameters()} == {torch.float32}
    wanted = theirs.embeddings.word_embeddings.weight.half().float()
    torch.testing.assert_close(ours.tokens.weight.detach(), wanted.detach(), rtol=0, atol=0)


def edit(folder, change):
    path = folder / "model.safetensors"
    state = load_file(path)
    change(state)
    save_file(state, path)


KEY = "encoder.layer.1.attention.self.key"
MISFITS = [
    (lambda state: state.pop(f"{KEY}.bias"), rf"missing \(1\): {re.escape(KEY)}\.bias"),
    (
        lambda state: state.update({"encoder.layer.3.output.dense.bias": torch.zeros(24)}),
        r"unexpected \(1\): encoder\.layer\.3\.output\.dense\.bias",
    ),
    (
        lambda state: state.update({"embeddings.word_embeddings.weight": torch.zeros(61, 24)}),
        r"embeddings\.word_embeddings\.weight \[61, 24\] instead of \[60, 24\]",
    ),
    (
        lambda state: state.update({f"{KEY}.weight": torch.zeros(24, 20)}),
        r"key\.weight \[24, 20\] instead of \[24, 24\]",
    ),
    (
        lambda state: state.update({f"{KEY}x.bias": state.pop(f"{KEY}.bias")}),
        rf"Did you mean '{re.escape(KEY)}x\.bias'",
    ),
]


@pytest.mark.parametrize(("change", "said"), MISFITS)
def test_weights_that_do_not_fit_are_named(tmp_path, change, said):
    published("BertModel", tmp_path)
    edit(tmp_path, change)
    with pytest.raises(ArtifactError, match=said):
        load_encoder(tmp_path)


def test_transposed_weights_are_named_with_the_shape_that_the_file_should_have(tmp_path):
    published("GPT2LMHeadModel", tmp_path)
    edit(tmp_path, lambda state: state.update({"transformer.h.1.attn.c_attn.weight": torch.zeros(72, 24)}))
    with pytest.raises(ArtifactError, match=r"c_attn\.weight \[72, 24\] instead of \[24, 72\]"):
        load_decoder(tmp_path)


CONFIG_FAULTS = [
    ({"model_type": "brt"}, "Did you mean 'bert'"),
    ({"model_type": None}, "received the model_type None"),
    ({"position_embedding_type": "relative_key"}, "position_embedding_type is 'relative_key'"),
    ({"hidden_act": "quick_gelu"}, "the activation 'quick_gelu'"),
]


@pytest.mark.parametrize(("fault", "said"), CONFIG_FAULTS)
def test_a_description_of_another_network_is_refused(tmp_path, fault, said):
    published("BertModel", tmp_path)
    path = tmp_path / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **fault}))
    with pytest.raises(ArtifactError, match=said):
        load_encoder(tmp_path)


def test_a_folder_of_the_other_kind_or_without_its_files_is_refused(tmp_path):
    published("BertModel", tmp_path)
    with pytest.raises(ArtifactError, match="holds a bert network; here is room for: gpt2"):
        load_decoder(tmp_path)
    (tmp_path / "model.safetensors").unlink()
    with pytest.raises(ArtifactError, match=r"neither model\.safetensors nor pytorch_model\.bin"):
        load_encoder(tmp_path)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(ArtifactError, match=r"config\.json: not readable as JSON"):
        load_encoder(tmp_path)
    with pytest.raises(ArtifactError, match="no such file"):
        load_encoder(tmp_path / "nowhere")


def test_constructor_arguments_may_be_changed_and_a_change_of_shape_is_an_error(tmp_path):
    published("BertModel", tmp_path)
    assert load_encoder(tmp_path, dropout=0.0)[0].dropout == 0.0
    with pytest.raises(ArtifactError, match=r"embeddings\.word_embeddings\.weight"):
        load_encoder(tmp_path, vocab_size=61)


def test_a_sparse_description_means_the_published_defaults(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "roberta"}))
    kind, arguments = read_arguments(tmp_path)
    assert kind == "roberta"
    assert (arguments["vocab_size"], arguments["first_position"], arguments["width"]) == (50265, 2, 768)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["BertModel", "GPT2LMHeadModel"])
def test_at_full_size_the_answers_are_those_of_transformers(name, tmp_path):
    config = transformers.BertConfig() if name == "BertModel" else transformers.GPT2Config()
    theirs = getattr(transformers, name)(config).eval()
    theirs.save_pretrained(tmp_path)
    tokens = torch.randint(2, 30000, (2, 40), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        if name == "BertModel":
            found, wanted = load_encoder(tmp_path)[0](tokens), theirs(tokens).last_hidden_state
        else:
            found, wanted = load_decoder(tmp_path)[0](tokens), theirs(tokens).logits
    torch.testing.assert_close(found, wanted, rtol=0, atol=TOLERANCE)
