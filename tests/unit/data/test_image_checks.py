import numpy as np
import pytest

from deepfit.data.image_checks import check_classes, look_over, skipped, stop_at_broken
from deepfit.errors import DataError

FILES = np.array([f"{number}.png" for number in range(200)])


def over(labels=None, prints=None, shapes=None, coloured=None, count=40):
    return look_over(
        "photos",
        FILES[:count],
        labels,
        np.arange(count, dtype=np.uint64) if prints is None else prints,
        np.full((count, 2), 28) if shapes is None else shapes,
        np.zeros(count, bool) if coloured is None else coloured,
    )


def test_well_formed_pictures_raise_no_concern():
    assert over(np.repeat(["a", "b"], 20)) == []


def test_broken_pictures_are_named_with_reasons_and_the_way_on():
    with pytest.raises(DataError) as caught:
        stop_at_broken("photos", FILES.tolist(), {number: "is empty (zero bytes)" for number in range(7)})
    message = str(caught.value)
    assert message.startswith("photos: 7 of 200 pictures cannot be used:\n  0.png is empty (zero bytes).")
    assert "and 2 more" in message
    assert message.endswith("Pass --skip-broken to go on without them.")


def test_where_nothing_would_remain_skipping_is_not_offered():
    with pytest.raises(DataError) as caught:
        stop_at_broken("a.png", ["a.png"], {0: "is damaged"})
    assert "--skip-broken" not in str(caught.value)


def test_skipped_pictures_are_counted_and_named():
    (concern,) = skipped("photos", FILES.tolist(), {3: "is damaged"})
    assert concern.message.startswith("1 of 200 pictures cannot be used")
    assert "3.png is damaged" in concern.message


@pytest.mark.parametrize(
    ("labels", "parts", "words"),
    [
        (["a", "a", "a"], None, "all 3 pictures are of the class 'a'"),
        (["a", "a", "b"], None, "1 class with a single picture: b"),
        (["a", "a", "b", "b"], ["train", "train", "test", "test"], "the part train has the class 'a' only"),
        (
            ["a", "a", "b", "b", "c", "c"],
            ["train", "train", "train", "train", "valid", "valid"],
            "the part valid has 1 class that train lacks: c",
        ),
    ],
)
def test_classes_that_cannot_be_learned_are_named(labels, parts, words):
    with pytest.raises(DataError, match=words):
        check_classes("photos", np.array(labels), None if parts is None else np.array(parts))


def test_classes_that_only_the_test_part_lacks_are_fine():
    check_classes("photos", np.array(["a", "a", "b", "b", "a"]), np.array(["train"] * 4 + ["test"]))


def test_a_tiny_class_is_told():
    (concern,) = over(np.repeat(["a", "b"], [36, 4]))
    assert concern.kind == "imbalance"
    assert "1 class with fewer than 10 pictures: b (4)" in concern.message


def test_imbalance_is_told_with_both_ends():
    (concern,) = over(np.repeat(["a", "c", "b"], [150, 20, 12]), count=182)
    assert "'a' has 150 pictures, 'b' has 12" in concern.message


def test_mixed_sizes_are_told_with_their_range():
    shapes = np.array([[20, 30]] * 20 + [[50, 10]] * 20)
    (concern,) = over(shapes=shapes)
    assert concern.kind == "sizes"
    assert "from 10 to 30 pixels wide and from 20 to 50 high" in concern.message


def test_grey_among_coloured_pictures_is_told():
    (concern,) = over(coloured=np.arange(40) < 30)
    assert concern.kind == "modes"
    assert "10 of 40 pictures are grey" in concern.message


def test_duplicates_are_counted_and_those_with_two_labels_named():
    prints = np.arange(40, dtype=np.uint64)
    prints[[5, 9]] = prints[2]
    prints[31] = prints[30]
    labels = np.repeat(["a", "b"], 20)
    labels[9] = "b"
    copies, torn = over(labels, prints)
    assert "3 pictures nearly repeat another one: 2.png = 5.png, 30.png = 31.png" in copies.message
    assert (
        "1 pictures are there more than once with different labels: 2.png ('a') and 9.png ('b')"
        in torn.message
    )
