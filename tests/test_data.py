"""Batches, splits and one-hot rows lose no sample, mix none up, and are drawn anew as asked."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import ArrayLike

import tinygrad_bp as bp
from tinygrad_bp.data import batches, one_hot, progress, split
from tinygrad_bp.datasets import digits

# --- split ----------------------------------------------------------------------------------------


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def numbered(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Make samples that can be told apart: image `i` is filled with `i`, and its label is `i`."""
    labels = np.arange(count)
    return np.repeat(labels[:, None], 64, axis=1).astype(np.float32), labels


def test_split_puts_every_sample_in_exactly_one_part() -> None:
    (_, train), (_, test) = split(*numbered(100), rng=rng())
    assert not set(train) & set(test)
    assert sorted([*train, *test]) == list(range(100))


def test_split_keeps_each_image_with_its_label_and_shuffles() -> None:
    for images, labels in split(*numbered(100), rng=rng()):
        assert images.shape == (len(labels), 64)
        assert np.array_equal(images[:, 0], labels)
        assert labels.tolist() != sorted(labels)


def test_split_is_reproducible_and_the_seed_matters() -> None:
    first, again, other = (split(*digits(), rng=rng(seed))[1][0] for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize(("fraction", "held_out"), [(0.01, 1), (0.2, 20), (0.5, 50), (0.99, 99)])
def test_split_holds_out_the_fraction_asked_for(fraction: float, held_out: int) -> None:
    (train,), (test,) = split(np.arange(100), rng=rng(), test_fraction=fraction)
    assert (len(train), len(test)) == (100 - held_out, held_out)


def test_split_keeps_the_dtypes_and_copies() -> None:
    whole = numbered(100)
    for part in split(*whole, rng=rng()):
        for array, source in zip(part, whole, strict=True):
            assert array.dtype == source.dtype
            assert not np.shares_memory(array, source)


@pytest.mark.parametrize("fraction", [-0.2, 0.0, 0.001, 0.999, 1.0, 20, float("nan")])
def test_split_refuses_to_leave_a_part_empty(fraction: float) -> None:
    with pytest.raises(ValueError, match=rf"split: test_fraction = {fraction} of 100 samples"):
        split(*numbered(100), rng=rng(), test_fraction=fraction)


# --- batches --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("samples", "size"), [(10, 3), (9, 3), (2, 5), (1, 1), (0, 4)])
@pytest.mark.parametrize("drop_last", [False, True])
def test_an_epoch_has_every_sample_once(samples: int, size: int, drop_last: bool) -> None:
    images, labels = numbered(samples)
    loader = batches(images, labels, size=size, rng=rng(), drop_last=drop_last)
    found = list(loader)
    assert len(found) == len(loader) == (samples // size if drop_last else -(-samples // size))
    for x, y in found:
        assert np.array_equal(x[:, 0], y)
        assert len(y) == size or y is found[-1][1]
    seen = [label for _, y in found for label in y]
    assert len(set(seen)) == len(seen) == (samples // size * size if drop_last else samples)


def test_each_epoch_is_shuffled_anew_and_the_generator_decides() -> None:
    loader, again, other = (batches(np.arange(50), size=8, rng=rng(s)) for s in (1, 1, 2))
    first, second = np.concatenate(list(loader)), np.concatenate(list(loader))
    assert first.tolist() != second.tolist()
    assert first.tolist() == np.concatenate(list(again)).tolist()
    assert first.tolist() != np.concatenate(list(other)).tolist()


def test_without_a_generator_the_samples_come_in_their_order() -> None:
    assert [b.tolist() for b in batches([3, 1, 2], size=2)] == [[3, 1], [2]]


def test_a_batch_is_a_copy() -> None:
    source = np.arange(4.0)
    for batch in batches(source, size=2):
        batch[:] = -1
    assert source.tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: batches(size=2), "batches takes arrays with one sample a row, and was given none"),
        (lambda: split(rng=rng()), "split takes arrays with one sample a row, and was given none"),
        (lambda: batches(1.0, size=2), r"Their shapes are \(\)"),
        (lambda: batches([1, 2], [1], size=2), r"Their shapes are \(2,\), \(1,\)"),
        (lambda: split([1, 2], [1], rng=rng()), r"Their shapes are \(2,\), \(1,\)"),
        (lambda: batches([1], size=0), "size is a number that is whole and at least 1, not 0"),
        (lambda: batches([1], size=2.5), "size is a number that is whole and at least 1, not 2.5"),
    ],
)
def test_what_makes_no_batches_is_refused_at_once(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("rng", [0, np.random.RandomState(0), np.random])
def test_what_is_no_generator_is_refused(rng: Any) -> None:
    for make in (lambda: batches([1, 2], size=1, rng=rng), lambda: split([1, 2], rng=rng)):
        with pytest.raises(
            TypeError, match=r"rng is a generator, as np.random.default_rng\(seed\)"
        ):
            make()


# --- progress -------------------------------------------------------------------------------------


def test_progress_is_silent_without_a_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    assert list(progress(range(3))) == [0, 1, 2]
    assert capfd.readouterr() == ("", "")


def test_progress_is_shown_on_a_terminal(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")  # rich then takes anything for a terminal
    assert list(progress(batches([0, 1, 2], size=1), "Epoch 1")) == [[0], [1], [2]]
    out, err = capfd.readouterr()
    assert out == ""
    assert "Epoch 1" in err
    assert "100%" in err


# --- one_hot --------------------------------------------------------------------------------------


def test_one_hot_has_a_single_one_in_the_column_of_the_label() -> None:
    labels = digits().labels
    rows = one_hot(labels, 10)
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
        one_hot([3, outside, outside], 10)


@pytest.mark.parametrize(
    ("labels", "dtype"), [([1.0, 2.0], "float64"), ([True, False], "bool"), (["1", "2"], "<U1")]
)
def test_one_hot_says_how_to_convert_labels_that_are_not_integers(
    labels: ArrayLike, dtype: str
) -> None:
    with pytest.raises(TypeError, match=rf"dtype is {dtype}; .* labels\.astype\(int\)"):
        one_hot(labels, 10)


@pytest.mark.parametrize("labels", [3, [[3, 1]]])
def test_one_hot_wants_a_row_of_labels(labels: ArrayLike) -> None:
    with pytest.raises(ValueError, match=r"one axis, but their shape is \("):
        one_hot(labels, 10)


def test_arrays_are_given_one_by_one_and_a_batch_has_a_size() -> None:
    pair, rng = (np.zeros((4, 2)), np.zeros(4)), np.random.default_rng(0)
    for call in (lambda: bp.data.batches(pair, size=2), lambda: bp.data.split(pair, rng=rng)):
        with pytest.raises(TypeError, match="takes arrays one by one, and was given a tuple of 2"):
            call()
    with pytest.raises(TypeError, match="batches needs size="):
        bp.data.batches(*pair, 2)
    assert len(bp.data.batches([np.zeros(2), np.zeros(2)], (1, 2), size=1)) == 2
