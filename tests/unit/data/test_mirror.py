import numpy as np
import pytest
from sklearn.datasets import load_digits, load_sample_images

from deepfit.data.mirror import judge_mirror


def photographs(patches: int = 600, size: int = 24) -> tuple[np.ndarray, np.ndarray]:
    """Patches of two photographs, which are the classes."""
    random = np.random.default_rng(0)
    images, labels = [], []
    for label, photograph in enumerate(load_sample_images().images):
        for _ in range(patches // 2):
            top, left = (random.integers(0, side - size) for side in photograph.shape[:2])
            images.append(photograph[top : top + size, left : left + size])
            labels.append(label)
    return np.stack(images), np.array(labels)


def bars(rows: int = 400, *, mirrored_class: bool) -> tuple[np.ndarray, np.ndarray]:
    """Classes of lying bars; with mirrored_class the last two stand upright, left and right."""
    random = np.random.default_rng(0)
    labels = np.arange(rows) % 10
    images = random.integers(0, 30, (rows, 20, 20, 1), dtype=np.uint8)
    for row, label in enumerate(labels):
        if label < 8 or not mirrored_class:
            images[row, 2 * label : 2 * label + 2] += 200
        else:
            left = 3 if label == 8 else 14
            images[row, :, left : left + 3] += 200
    return images, labels


def test_mirroring_is_harmless_on_photographs():
    assert judge_mirror(*photographs()).harmless


def test_mirroring_is_refused_on_handwritten_digits():
    digits = load_digits()
    images_NHWC = (digits.images * 15).astype(np.uint8)[..., None]
    assert not judge_mirror(images_NHWC, digits.target).harmless


def test_two_classes_of_ten_that_are_each_others_mirror_image_are_enough_to_refuse():
    assert judge_mirror(*bars(mirrored_class=False)).harmless
    answer = judge_mirror(*bars(mirrored_class=True))
    assert not answer.harmless
    assert "a class no longer" in answer.why


def test_only_left_and_right_are_exchanged():
    images_NHWC, labels = bars(mirrored_class=True)
    upright = labels >= 8
    lying = images_NHWC.transpose(0, 2, 1, 3)
    assert not judge_mirror(images_NHWC[upright], labels[upright]).harmless
    assert judge_mirror(lying[upright], labels[upright]).harmless


@pytest.mark.parametrize("rows", [0, 1, 2, 5])
def test_few_pictures_are_judged_without_failing(rows):
    images_NHWC = np.zeros((rows, 3, 40, 4), np.uint8)
    assert judge_mirror(images_NHWC, np.zeros(rows, int)).harmless == (rows > 1)
