"""The digits are those of the source, no caller can spoil them, and the helpers do as they say."""

import hashlib

import numpy as np
import pytest
from numpy.typing import ArrayLike

from tinygrad_bp.datasets import Digits, digits, one_hot, split

# --- digits ---------------------------------------------------------------------------------------


def test_shapes_and_dtypes() -> None:
    images, labels = digits()
    assert images.shape == (1797, 64)
    assert images.dtype == np.float64
    assert labels.shape == (1797,)
    assert labels.dtype == np.int64


def test_pixels_are_sixteenths_from_zero_to_one() -> None:
    images = digits().images
    assert np.array_equal(np.unique(images), np.arange(17) / 16)


def test_class_counts_are_those_that_the_source_states() -> None:
    counts = np.bincount(digits().labels)
    assert counts.tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]


def test_values_and_order_are_those_of_the_source() -> None:
    images, labels = digits()
    assert _sha256(images * 16) == (
        "8f26b2bd9d135c256808f68f14fdabddde6d9c7f869ae419704b051f0f14b3b3"
    )
    assert _sha256(labels) == "8ba4f891220f5e4c9c819638d1602d74b83618f167043c6da52a2a247841ddf0"


def test_the_checksum_notices_one_wrong_pixel_and_a_changed_order() -> None:
    """The negative control of the test above."""
    pixels = digits().images * 16
    wrong = pixels.copy()
    wrong[1000, 30] += 1
    assert len({_sha256(pixels), _sha256(wrong), _sha256(pixels[::-1])}) == 3


def test_one_caller_cannot_change_the_data_of_another() -> None:
    spoilt = digits()
    spoilt.images[:] = -1
    spoilt.labels[:] = -1
    fresh = digits()
    assert fresh.images.min() == 0
    assert fresh.labels.min() == 0


def _sha256(counts: ArrayLike) -> str:
    """Hash numbers from 0 to 255 as bytes, row by row."""
    return hashlib.sha256(np.asarray(counts).astype(np.uint8).tobytes()).hexdigest()


# --- split ----------------------------------------------------------------------------------------


def numbered(count: int) -> Digits:
    """Make samples that can be told apart: image `i` is filled with `i`, and its label is `i`."""
    labels = np.arange(count)
    return Digits(images=np.repeat(labels[:, None], 64, axis=1).astype(np.float64), labels=labels)


def test_split_puts_every_sample_in_exactly_one_part() -> None:
    train, test = split(numbered(100))
    assert not set(train.labels) & set(test.labels)
    assert sorted([*train.labels, *test.labels]) == list(range(100))


def test_split_keeps_each_image_with_its_label() -> None:
    for part in split(numbered(100)):
        assert part.images.shape == (len(part.labels), 64)
        assert np.array_equal(part.images[:, 0], part.labels)


def test_split_shuffles() -> None:
    train, test = split(numbered(100))
    for part in (train, test):
        assert part.labels.tolist() != sorted(part.labels)


def test_split_is_reproducible_and_the_seed_matters() -> None:
    first, again, other = (split(digits(), seed=seed)[1].images for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize(("fraction", "held_out"), [(0.01, 1), (0.2, 20), (0.5, 50), (0.99, 99)])
def test_split_holds_out_the_fraction_asked_for(fraction: float, held_out: int) -> None:
    train, test = split(numbered(100), test_fraction=fraction)
    assert (len(train.labels), len(test.labels)) == (100 - held_out, held_out)


def test_split_keeps_the_dtypes_and_copies() -> None:
    whole = digits()
    for part in split(whole):
        assert part.images.dtype == np.float64
        assert part.labels.dtype == np.int64
        assert not np.shares_memory(part.images, whole.images)
        assert not np.shares_memory(part.labels, whole.labels)


@pytest.mark.parametrize("fraction", [-0.2, 0.0, 0.001, 0.999, 1.0, 20, float("nan")])
def test_split_refuses_to_leave_a_part_empty(fraction: float) -> None:
    with pytest.raises(ValueError, match=rf"split: test_fraction = {fraction} of 100 samples"):
        split(numbered(100), test_fraction=fraction)


def test_split_refuses_images_without_labels() -> None:
    images, labels = numbered(100)
    with pytest.raises(ValueError, match=r"split: .* 100 images and 50 labels"):
        split(Digits(images, labels[:50]))


# --- one_hot --------------------------------------------------------------------------------------


def test_one_hot_has_a_single_one_in_the_column_of_the_label() -> None:
    labels = digits().labels
    rows = one_hot(labels)
    assert rows.shape == (1797, 10)
    assert rows.dtype == np.float64
    assert np.array_equal(rows.sum(axis=1), np.ones(1797))
    assert np.array_equal(rows.argmax(axis=1), labels)


def test_one_hot_takes_any_integers_and_any_number_of_classes() -> None:
    expected = [[0, 0, 1], [1, 0, 0]]
    assert one_hot([2, 0], classes=3).tolist() == expected
    assert one_hot(np.array([2, 0], np.uint8), classes=3).tolist() == expected
    assert one_hot(np.array([2, 0], np.uint64), classes=3).tolist() == expected
    assert one_hot(np.array([], np.int64), classes=3).shape == (0, 3)


@pytest.mark.parametrize("outside", [-1, 10, 255])
def test_one_hot_names_the_first_label_out_of_range(outside: int) -> None:
    with pytest.raises(ValueError, match=rf"classes = 10, but labels\[1\] is {outside}\."):
        one_hot([3, outside, outside])


@pytest.mark.parametrize(
    ("labels", "dtype"), [([1.0, 2.0], "float64"), ([True, False], "bool"), (["1", "2"], "<U1")]
)
def test_one_hot_says_how_to_convert_labels_that_are_not_integers(
    labels: ArrayLike, dtype: str
) -> None:
    with pytest.raises(TypeError, match=rf"dtype is {dtype}; .* labels\.astype\(int\)"):
        one_hot(labels)


@pytest.mark.parametrize("labels", [3, [[3, 1]]])
def test_one_hot_wants_a_row_of_labels(labels: ArrayLike) -> None:
    with pytest.raises(ValueError, match=r"one-dimensional, but their shape is \("):
        one_hot(labels)
