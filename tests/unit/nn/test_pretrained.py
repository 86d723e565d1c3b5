import pickle

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from deepfit.errors import ArtifactError
from deepfit.nn.nets.resnet import resnet
from deepfit.nn.pretrained import fit_channels, load_pretrained, read_weights


def small_net(*, num_classes: int = 3, channels: int = 3) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(channels, 4, 3, bias=False),
        nn.BatchNorm2d(4),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(4, num_classes),
    )


class Exploit:
    def __reduce__(self):
        return (print, ("code has run",))


@pytest.mark.parametrize("name", ["weights.safetensors", "weights.pth"])
@pytest.mark.parametrize("prefix", ["", "module."])
def test_a_network_answers_as_the_one_whose_weights_it_loads(tmp_path, name, prefix):
    torch.manual_seed(0)
    saved, fresh = small_net().eval(), small_net().eval()
    state = {prefix + key: value for key, value in saved.state_dict().items()}
    save_file(state, tmp_path / name) if name.endswith("safetensors") else torch.save(state, tmp_path / name)
    x_BCHW = torch.randn(2, 3, 8, 8)
    assert not torch.equal(saved(x_BCHW), fresh(x_BCHW))
    assert load_pretrained(fresh, tmp_path / name) == []
    assert torch.equal(saved(x_BCHW), fresh(x_BCHW))


@pytest.mark.parametrize("key", ["state_dict", "model"])
def test_weights_inside_a_training_checkpoint_are_found(tmp_path, key):
    state = small_net().state_dict()
    torch.save({key: state, "epoch": 90}, tmp_path / "checkpoint.pth")
    torch.testing.assert_close(read_weights(tmp_path / "checkpoint.pth"), dict(state))


def test_another_number_of_classes_keeps_the_fresh_head_and_loads_the_rest(tmp_path):
    saved, fresh = small_net(num_classes=1000), small_net(num_classes=3)
    save_file(saved.state_dict(), tmp_path / "weights.safetensors")
    head = fresh[4].weight.detach().clone()
    notes = load_pretrained(fresh, tmp_path / "weights.safetensors")
    assert torch.equal(fresh[4].weight, head)
    assert torch.equal(fresh[0].weight, saved[0].weight)
    assert len(notes) == 1
    assert "1000 classes" in notes[0]
    assert "here are 3" in notes[0]


def test_colour_weights_answer_on_grey_as_on_three_equal_channels(tmp_path):
    torch.manual_seed(0)
    colour, grey = small_net(channels=3).eval(), small_net(channels=1).eval()
    save_file(colour.state_dict(), tmp_path / "weights.safetensors")
    notes = load_pretrained(grey, tmp_path / "weights.safetensors")
    x_B1HW = torch.randn(2, 1, 8, 8)
    torch.testing.assert_close(grey(x_B1HW), colour(x_B1HW.expand(-1, 3, -1, -1)), atol=1e-5, rtol=1e-5)
    assert "averaged" in notes[0]


def test_more_channels_repeat_the_weights_in_turn_and_keep_their_sum_over_equal_channels():
    weight_OIHW = torch.randn(4, 3, 3, 3)
    six = fit_channels(weight_OIHW, 6)
    torch.testing.assert_close(six[:, :3], weight_OIHW / 2)
    torch.testing.assert_close(six[:, 3:], weight_OIHW / 2)
    four = fit_channels(weight_OIHW, 4)
    torch.testing.assert_close(four[:, 3], weight_OIHW[:, 0] * 3 / 4)


def test_weights_of_another_network_are_refused_with_the_names_that_differ_and_change_nothing(tmp_path):
    save_file(resnet(18, num_classes=10).state_dict(), tmp_path / "resnet18.safetensors")
    net = resnet(34, num_classes=10)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    with pytest.raises(ArtifactError, match=r"missing \(80\): layer1\.2\.conv1\.weight"):
        load_pretrained(net, tmp_path / "resnet18.safetensors")
    torch.testing.assert_close(dict(net.state_dict()), before, rtol=0, atol=0)


def test_a_weight_of_another_shape_is_named_with_both_shapes(tmp_path):
    save_file(resnet(18, num_classes=10).state_dict(), tmp_path / "resnet18.safetensors")
    with pytest.raises(ArtifactError, match=r"conv1\.weight \[64, 3, 7, 7\] instead of \[64, 3, 3, 3\]"):
        load_pretrained(resnet(18, num_classes=10, small=True), tmp_path / "resnet18.safetensors")


def test_an_unexpected_weight_is_named(tmp_path):
    torch.save({**small_net().state_dict(), "7.weight": torch.zeros(1)}, tmp_path / "weights.pth")
    with pytest.raises(ArtifactError, match=r"unexpected \(1\): 7\.weight"):
        load_pretrained(small_net(), tmp_path / "weights.pth")


def test_published_weights_without_batch_counters_load(tmp_path):
    saved = small_net()
    state = {name: value for name, value in saved.state_dict().items() if "num_batches" not in name}
    torch.save(state, tmp_path / "weights.pth")
    net = small_net()
    load_pretrained(net, tmp_path / "weights.pth")
    assert torch.equal(net[0].weight, saved[0].weight)


@pytest.mark.parametrize("whole", [True, False])
def test_a_pickle_that_would_run_code_is_refused_and_does_not_run(tmp_path, capsys, whole):
    path = tmp_path / "weights.pth"
    if whole:
        path.write_bytes(pickle.dumps(Exploit()))
    else:
        torch.save({"0.weight": Exploit()}, path)
    with pytest.raises(ArtifactError, match="could run somebody's code"):
        read_weights(path)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("name", ["weights.safetensors", "weights.pth"])
@pytest.mark.parametrize("share", [0.0, 0.5])
def test_a_truncated_file_is_refused_by_name(tmp_path, name, share):
    state = small_net().state_dict()
    path = tmp_path / name
    save_file(state, path) if name.endswith("safetensors") else torch.save(state, path)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(ArtifactError, match=name):
        read_weights(path)


@pytest.mark.parametrize("held", [[torch.zeros(1)], {"epoch": 3}, {0: torch.zeros(1)}, {}])
def test_a_file_without_named_tensors_is_refused(tmp_path, held):
    torch.save(held, tmp_path / "weights.pth")
    with pytest.raises(ArtifactError, match="expected"):
        read_weights(tmp_path / "weights.pth")


def test_a_missing_file_and_a_foreign_ending_are_refused(tmp_path):
    with pytest.raises(ArtifactError, match="no such file"):
        read_weights(tmp_path / "weights.pth")
    (tmp_path / "weights.h5").write_bytes(b"")
    with pytest.raises(ArtifactError, match=r"received '\.h5'"):
        read_weights(tmp_path / "weights.h5")
