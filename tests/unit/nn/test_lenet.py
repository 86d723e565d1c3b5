import numpy as np
import pytest
import torch
from torch.nn import functional

from deepfit.nn.nets.lenet import LeNet


def reference(weights, x_CHW):
    """One picture through LeNet-5 in NumPy loops, from the weights alone."""

    def conv(x, name, frame=(0, 0)):
        x = np.pad(x, ((0, 0), (frame[0],) * 2, (frame[1],) * 2))
        kernel, bias = weights[f"{name}.weight"], weights[f"{name}.bias"]
        rows, columns = x.shape[1] - 4, x.shape[2] - 4
        y = np.empty((len(kernel), rows, columns))
        for row in range(rows):
            for column in range(columns):
                seen = x[:, row : row + 5, column : column + 5]
                y[:, row, column] = (kernel * seen).sum((1, 2, 3)) + bias
        return np.tanh(y)

    def halve(x):
        x = x[:, : x.shape[1] // 2 * 2, : x.shape[2] // 2 * 2]
        return (x[:, ::2, ::2] + x[:, 1::2, ::2] + x[:, ::2, 1::2] + x[:, 1::2, 1::2]) / 4

    def linear(x, name):
        return weights[f"{name}.weight"] @ x + weights[f"{name}.bias"]

    frame = tuple(-(-max(0, 32 - side) // 2) for side in x_CHW.shape[1:])
    x = halve(conv(halve(conv(x_CHW, "conv1", frame)), "conv2")).ravel()
    return linear(np.tanh(linear(np.tanh(linear(x, "fc1")), "fc2")), "fc3")


@pytest.mark.parametrize(("channels", "size"), [(1, (28, 28)), (3, (35, 12)), (2, (1, 32))])
def test_the_forward_pass_equals_one_written_in_numpy_from_the_weights_alone(channels, size):
    torch.manual_seed(0)
    net = LeNet(num_classes=4, in_channels=channels, size=size).double()
    for parameter in net.parameters():
        parameter.data += 0.05 * torch.randn_like(parameter)
    x_BCHW = torch.randn(2, channels, *size, dtype=torch.float64)
    weights = {name: value.numpy() for name, value in net.state_dict().items()}
    expected = np.stack([reference(weights, x) for x in x_BCHW.numpy()])
    with torch.inference_mode():
        np.testing.assert_allclose(net(x_BCHW).numpy(), expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("size", [(28, 28), (32, 32)])
def test_the_classical_shape_has_61706_parameters(size):
    net = LeNet(num_classes=10, size=size)
    assert sum(parameter.numel() for parameter in net.parameters()) == 61_706
    assert net(torch.zeros(2, 1, *size)).shape == (2, 10)


def test_smaller_pictures_are_framed_with_zeros_as_the_papers_digits_were():
    torch.manual_seed(0)
    small, large = LeNet(num_classes=3, size=(28, 20)), LeNet(num_classes=3, size=(32, 32))
    large.load_state_dict(small.state_dict())
    x_BCHW = torch.randn(2, 1, 28, 20)
    with torch.inference_mode():
        torch.testing.assert_close(small(x_BCHW), large(functional.pad(x_BCHW, (6, 6, 2, 2))))


def test_every_parameter_gets_a_gradient():
    torch.manual_seed(0)
    net = LeNet(num_classes=5, in_channels=3, size=(40, 33))
    net(torch.randn(4, 3, 40, 33)).square().sum().backward()
    assert all(
        parameter.grad is not None and parameter.grad.abs().sum() > 0 for parameter in net.parameters()
    )


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_signals_neither_die_nor_explode_at_the_start(activation):
    torch.manual_seed(0)
    net = LeNet(num_classes=10, in_channels=3, size=(64, 64), activation=activation)
    assert 0.02 < net.features(torch.randn(64, 3, 64, 64)).std(0).mean() < 1.5


def test_one_batch_of_random_labels_is_learned_by_heart():
    torch.manual_seed(0)
    net = LeNet(num_classes=4, size=(16, 16))
    x_BCHW, labels_B = torch.randn(32, 1, 16, 16), torch.arange(32) % 4
    optimizer = torch.optim.AdamW(net.parameters(), 3e-3)
    for _ in range(80):
        loss = functional.cross_entropy(net(x_BCHW), labels_B)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss < 0.05


def test_lenet_learns_pictures_through_the_task_and_the_engine(tmp_path):
    from deepfit import options
    from deepfit.engine import Run, train
    from deepfit.tasks.image_classification import ImageClassification

    _, rows, reach = ImageClassification.tiny(seed=0)
    given = {"network": "lenet", "epochs": 12, "batch_size": 32, "threads": 1}
    task = ImageClassification(options.resolve(ImageClassification.Options, given))
    facts = task.learn(rows.train)
    torch.manual_seed(0)
    net = task.build(facts)
    assert isinstance(net, LeNet)
    data = type(rows)(*(task.encode(part, facts) for part in (rows.train, rows.valid, rows.held_out)))
    for _ in train(task, net, data, facts, Run(task.options, tmp_path)):
        pass
    answers = task.decode(task.outputs(net, data.held_out, facts), facts)
    assert task.metrics(answers, rows.held_out)["accuracy"] >= reach["accuracy"]


def test_published_weights_of_a_resnet_are_refused_for_lenet():
    from deepfit import options
    from deepfit.errors import OptionError
    from deepfit.tasks.image_classification import Options

    with pytest.raises(OptionError, match="for the ResNets"):
        options.resolve(Options, {"network": "lenet", "pretrained": "resnet18.safetensors"})
