from __future__ import annotations

import pytest
import torch

from deepfit.nn.nets.transformer_encoder import TransformerEncoder
from deepfit.nn.tagger import Letters, PieceTagger, WordTagger, crossentropy


@pytest.fixture
def batch():
    torch.manual_seed(0)
    keep_BT = torch.arange(5) < torch.tensor([5, 2])[:, None]
    words_BT = torch.randint(1, 9, (2, 5)) * keep_BT
    letters_BTW = torch.randint(0, 9, (2, 5, 16)).sort(2, descending=True).values * keep_BT[:, :, None]
    return words_BT, keep_BT, letters_BTW


@pytest.mark.parametrize("network", ["lstm", "gru"])
def test_padding_changes_no_score(batch, network):
    net = WordTagger([0, 0, *[1] * 7], 9, 3, network=network, width=8, word_width=4).eval()
    words_BT, keep_BT, letters_BTW = batch
    both = net(words_BT, keep_BT, letters_BTW)
    alone = net(words_BT[1:, :2], keep_BT[1:, :2], letters_BTW[1:, :2])
    torch.testing.assert_close(both[1, :2], alone[0])


def test_rare_words_are_hidden_in_training_more_often_than_common_ones():
    rows = [0, 0, 1, 1000]
    net = WordTagger(rows, 9, 2, word_dropout=0.25)
    torch.testing.assert_close(net.chance, torch.tensor([0.0, 0.0, 0.2, 0.25 / 1000.25]))
    off = WordTagger(rows, 9, 2, word_dropout=0.0)
    assert off.chance.tolist() == [0.0] * 4


def test_two_unknown_words_are_told_apart_by_their_letters(batch):
    net = WordTagger([0, 0, 5], 30, 3, width=8).eval()
    letters = torch.zeros(1, 2, 16, dtype=torch.int64)
    letters[0, 0, :3] = torch.tensor([10, 11, 12])
    letters[0, 1, :3] = torch.tensor([12, 11, 10])
    features = net.letters(letters[0])
    assert not torch.allclose(features[0], features[1])
    assert (
        net(torch.ones(1, 2, dtype=torch.int64), torch.ones(1, 2, dtype=torch.bool), letters).isfinite().all()
    )


def test_the_end_of_a_word_is_seen_in_its_place_whatever_its_length():
    torch.manual_seed(0)
    net = Letters(9)
    word = torch.tensor(
        [[1, 2, 3, 4, 5, 6, 7, 8, 1, 2] + [0] * 6, [1, 2, 3, 4, 4, 3, 4, 5, 6, 7, 8, 1, 2] + [0] * 3]
    )
    ends = net(word)[:, net.num_features // 2 :]
    assert word[0, 2:10].tolist() == [3, 4, 5, 6, 7, 8, 1, 2] == word[1, 5:13].tolist()
    torch.testing.assert_close(ends[0], ends[1])  # the first four and the last eight letters are the same


def test_only_words_count_in_the_loss():
    scores_BTC, tags_BT = torch.randn(2, 3, 4), torch.tensor([[1, 2, 0], [3, 0, 0]])
    keep_BT = torch.tensor([[True, True, True], [True, False, False]])
    wanted = sum(-scores_BTC[b, t].log_softmax(0)[tags_BT[b, t]] for b, t in [(0, 0), (0, 1), (0, 2), (1, 0)])
    torch.testing.assert_close(crossentropy(scores_BTC, tags_BT, keep_BT), wanted)


@pytest.fixture
def pieces():
    torch.manual_seed(0)
    encoder = TransformerEncoder(
        30, width=8, layers=2, heads=2, hidden=16, positions=16, types=0, pooled=False, dropout=0.0
    )
    return PieceTagger(encoder, 9, 3, dropout=0.0).eval()


def test_short_texts_are_read_in_one_piece(pieces):
    ids, keep = torch.randint(0, 30, (2, 16)), torch.ones(2, 16, dtype=torch.bool)
    torch.testing.assert_close(pieces.read(ids, keep), pieces.encoder(ids, keep))


@pytest.mark.parametrize("length", [17, 28, 29, 100])
def test_long_texts_are_read_in_windows_and_every_piece_is_there_once(pieces, length):
    ids, keep = torch.randint(0, 30, (1, length)), torch.ones(1, length, dtype=torch.bool)
    said = pieces.read(ids, keep)
    assert said.shape == (1, length, 8)
    torch.testing.assert_close(said[:, :8], pieces.encoder(ids[:, :16], keep[:, :16])[:, :8])
    torch.testing.assert_close(said[:, -8:], pieces.encoder(ids[:, -16:], keep[:, -16:])[:, -8:])


def test_a_word_is_what_its_first_piece_says(pieces):
    ids = torch.randint(0, 30, (1, 6))
    firsts, keep = torch.tensor([[1, 4]]), torch.ones(1, 2, dtype=torch.bool)
    letters = torch.zeros(1, 2, 16, dtype=torch.int64)
    letters[:, :, 0] = 3
    said = pieces(ids, torch.ones(1, 6, dtype=torch.bool), firsts, keep, letters)
    read = pieces.read(ids, torch.ones(1, 6, dtype=torch.bool))[0, [1, 4]]
    wanted = pieces.scores(torch.cat([read, pieces.letters(letters[0])], 1))
    torch.testing.assert_close(said[0], wanted)
