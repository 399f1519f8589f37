"""The digits are those of the source, and no caller can spoil them."""

import hashlib

import numpy as np
from numpy.typing import ArrayLike

from tinygrad_bp.datasets import digits, pride_and_prejudice, spirals

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


# --- spirals --------------------------------------------------------------------------------------


def test_the_spirals_are_one_curve_turned_by_half() -> None:
    points, labels = spirals(400, np.random.default_rng(0), noise=0.0)
    assert points.shape == (400, 2)
    assert np.bincount(labels).tolist() == [200, 200]
    x, y = (points * np.where(labels, -1, 1)[:, None]).T
    radius = np.hypot(x, y)
    assert 0.1 <= radius.min() < radius.max() <= 1.0
    np.testing.assert_allclose(np.cos(3 * np.pi * radius), x / radius, atol=1e-12)
    np.testing.assert_allclose(np.sin(3 * np.pi * radius), y / radius, atol=1e-12)


def test_the_generator_decides_and_the_noise_is_added() -> None:
    first, again = (spirals(50, np.random.default_rng(0))[0] for _ in range(2))
    bare = spirals(50, np.random.default_rng(0), noise=0.0)[0]
    assert np.array_equal(first, again)
    assert 0.01 < (first - bare).std() < 0.03


# --- the novel ------------------------------------------------------------------------------------


def test_the_text_is_that_of_the_source() -> None:
    text = pride_and_prejudice()
    assert (len(text), len(set(text))) == (99_872, 72)
    assert (
        hashlib.sha256(text.encode()).hexdigest()
        == "a946bedd873c6cbe34b4f25d0748e15faa58e8b92f7a0444064792d740cf4350"
    )
    assert text.startswith("Chapter 1\n\nIt is a truth universally acknowledged")
    assert text.endswith("that Colonel Forster was going to be married.\n")
    assert [f"Chapter {i}\n" in text for i in range(1, 14)] == [True] * 12 + [False]
