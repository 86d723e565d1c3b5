"""What tests of several tasks share: training without a job, a small published encoder of made words."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from deepfit import catalog
from deepfit.contract import Splits
from deepfit.engine import Run, train
from deepfit.options import resolve


@pytest.fixture(scope="session")
def trained():
    """Trains a task by its name: the encoded splits and the weights. cuts: first rows of valid and test."""

    def train_it(name, source, cuts, **options):
        kind = catalog.find(name)
        task = kind(resolve(kind.Options, options))
        rows = task.read(source)
        parts = [rows.take(part) for part in np.split(np.arange(len(rows)), cuts)]
        facts = task.learn(parts[0])
        data = Splits(*(task.encode(part, facts) for part in parts))
        run = Run(task.options, None)
        run.seed("build")
        net = task.build(facts)
        for _ in train(task, net, data, facts, run):
            pass
        return data, net.state_dict()

    return train_it


@pytest.fixture(scope="session")
def write_encoder(tmp_path_factory):
    """Makes a folder in the layout of sentence-transformers: a BERT of one layer, pooled by the mean.

    It knows the words that it is given and reads 16 tokens at once.
    """

    def write(words):
        transformers = pytest.importorskip("transformers")
        folder = tmp_path_factory.mktemp("base")
        vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words]
        (folder / "vocab.txt").write_text("\n".join(vocabulary))
        torch.manual_seed(0)
        sizes = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 64}
        config = transformers.BertConfig(vocab_size=len(vocabulary), max_position_embeddings=16, **sizes)
        transformers.BertModel(config).save_pretrained(folder)
        kinds = [("Transformer", ""), ("Pooling", "1_Pooling"), ("Normalize", "2_Normalize")]
        modules = [{"type": f"sentence_transformers.models.{kind}", "path": path} for kind, path in kinds]
        (folder / "modules.json").write_text(json.dumps(modules))
        (folder / "1_Pooling").mkdir()
        (folder / "1_Pooling" / "config.json").write_text(json.dumps({"pooling_mode_mean_tokens": True}))
        return folder

    return write
