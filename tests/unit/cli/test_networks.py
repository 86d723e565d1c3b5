"""`deepfit networks` from words to output and files."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import pytest

from deepfit import cli
from deepfit.vocabulary import NETWORKS, PRESETS


def said(capsys, *words):
    status = cli.status(["networks", *words], debug=False)
    return status, *capsys.readouterr()


def test_the_list_has_every_network_and_published_shape_on_a_line_of_its_own(capsys):
    status, out, _ = said(capsys)
    assert status == 0
    first_words = [line.split()[0] for line in out.splitlines() if line]
    assert first_words == [*NETWORKS, "Published", *PRESETS]


def test_json_tells_sizes_totals_and_layers(capsys):
    status, out, _ = said(capsys, "resnet50", "--json")
    shown = json.loads(out)
    assert status == 0
    assert (shown["network"], shown["parameters"], shown["input"]) == ("resnet50", 25_557_032, [3, 224, 224])
    assert shown["multiply_adds"] == sum(layer["multiply_adds"] for layer in shown["layers"])
    assert shown["layers"][0] == {
        "name": "conv1",
        "kind": "Conv2d 7x7, stride 2",
        "output": [64, 112, 112],
        "parameters": 9408,
        "multiply_adds": 118_013_952,
    }


def test_the_page_names_source_defaults_totals_and_repeated_blocks(capsys):
    _, out, _ = said(capsys, "resnet50")
    assert "Source: He, Zhang, Ren, Sun 2015, arXiv 1512.03385" in out
    assert "It reads a picture of 3 x 224 x 224 (channels, height, width); --input changes that." in out
    assert "25,557,032  4,089,184,256" in out
    assert "6 x Bottleneck" in out


def test_sizes_change_what_is_shown(capsys):
    _, out, _ = said(capsys, "ResNet-18", "--input", "1x64x64", "--classes", "5", "--json")
    shown = json.loads(out)
    assert shown["network"] == "resnet18"
    assert shown["layers"][0]["output"] == [64, 32, 32]
    assert shown["output"] == [5]
    assert shown["parameters"] == 11_689_512 - 2 * 7 * 7 * 64 - 995 * 513


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["renset50"], "Did you mean 'resnet50'"),
        (["resnet50", "--input", "big"], "such as 3x224x224"),
        (["resnet50", "--input", "3x0x9"], "received 3x0x9"),
        (["gpt2", "--classes", "3"], "--classes has no effect on gpt2"),
        (["lenet", "--overwrite"], "--overwrite has no effect without --out"),
        (["lenet", "--out", "lenet.png"], ".svg or .html"),
        (["lenet", "--out", "nowhere/lenet.svg"], "there is no folder 'nowhere'"),
        (["--classes", "3"], "--classes has no effect on the list"),
    ],
)
def test_a_mistake_ends_with_status_2_and_says_what_to_do(capsys, words, hint):
    status, out, err = said(capsys, *words)
    assert (status, out) == (2, "")
    assert hint in err


def test_the_drawing_has_a_box_with_shape_for_every_block_and_an_arc_for_residual_ones(capsys, tmp_path):
    path = tmp_path / "net.svg"
    assert said(capsys, "resnet50", "--out", str(path))[0] == 0
    root = ElementTree.parse(path).getroot()
    texts = [each.text for each in root.iter("{http://www.w3.org/2000/svg}text")]
    assert [text for text in texts if text.startswith("x ")] == ["x 3", "x 4", "x 6", "x 3"]
    assert texts.count("+") == 4
    assert {"64 x 112 x 112", "2048 x 7 x 7", "1000"} <= set(texts)


def test_the_page_escapes_nothing_away_and_holds_every_layer(capsys, tmp_path):
    path = tmp_path / "net.html"
    assert said(capsys, "lenet", "--out", str(path))[0] == 0
    text = path.read_text(encoding="utf-8")
    _, out, _ = said(capsys, "lenet", "--json")
    assert all(f"<td>{layer['name']}</td>" in text for layer in json.loads(out)["layers"])
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")


def test_a_file_is_replaced_only_when_asked(capsys, tmp_path):
    path = tmp_path / "net.svg"
    path.write_text("mine")
    assert said(capsys, "lenet", "--out", str(path))[0] == 2
    assert path.read_text() == "mine"
    assert said(capsys, "lenet", "--out", str(path), "--overwrite")[0] == 0
    assert path.read_text().startswith("<svg")
