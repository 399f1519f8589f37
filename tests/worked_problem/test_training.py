"""The network learns the digits, and its gradients are right before and after."""

import copy

import numpy as np
import pytest

from tinygrad_bp.data import one_hot, split
from tinygrad_bp.datasets import Digits, digits
from tinygrad_bp.worked_problem.closed_form import gradients
from tinygrad_bp.worked_problem.problem import Problem
from tinygrad_bp.worked_problem.training import DigitClassifier
from tinygrad_bp.worked_problem.verification import verify


@pytest.fixture(scope="module")
def parts():
    return parts_of(seed=0)


def parts_of(seed):
    rng = np.random.default_rng(seed)
    return [Digits(*part) for part in split(*digits(), rng=rng)]


def first(data, count):
    return Digits(data.images[:count], data.labels[:count])


def test_the_loss_falls_from_epoch_to_epoch(parts):
    classifier = DigitClassifier(hidden=(16, 12))
    epochs = list(classifier.train(parts[0], epochs=4))
    assert [epoch.number for epoch in epochs] == [1, 2, 3, 4]
    losses = [epoch.loss for epoch in epochs]
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < 0.5 * losses[0]


def test_without_a_step_the_loss_does_not_fall(parts):
    """The negative control of the test above."""
    classifier = DigitClassifier(hidden=(16, 12))
    weights = [W.data for W in classifier.weights]
    losses = [epoch.loss for epoch in classifier.train(parts[0], epochs=2, rate=0.0)]
    assert losses[1] == pytest.approx(losses[0], rel=1e-12)
    for W, value in zip(classifier.weights, weights, strict=True):
        assert np.array_equal(W.data, value)


def test_training_leaves_no_gradient_behind_and_keeps_the_names(parts):
    classifier = DigitClassifier(hidden=(16, 12))
    next(classifier.train(first(parts[0], 100)))
    assert [W.name for W in classifier.weights] == ["W1", "W2", "W3"]
    assert all(W.grad is None for W in classifier.weights)


def test_a_seed_gives_the_same_training_and_another_gives_another(parts):
    data = first(parts[0], 200)

    def losses(seed):
        classifier = DigitClassifier(hidden=(8, 7), seed=seed)
        return [epoch.loss for epoch in classifier.train(data, epochs=2)]

    assert losses(0) == losses(0)
    assert losses(0) != losses(1)


def test_steps_go_against_the_mean_gradient_of_a_batch_and_become_shorter(parts):
    """The same training by the closed form: two passes of three steps, the last of one sample."""
    data = first(parts[0], 5)
    classifier = DigitClassifier(hidden=(8, 7))
    rng = copy.deepcopy(classifier.rng)
    weights = [W.data for W in classifier.weights]
    list(classifier.train(data, epochs=2, batch=2, rate=3.0))
    for rate in (3.0, 1.5):
        order = rng.permutation(5)
        for chosen in (order[:2], order[2:4], order[4:]):
            batch = Digits(data.images[chosen], data.labels[chosen])
            slopes = gradients(Problem(*weights, x=batch.images.T, y=one_hot(batch.labels, 10).T))
            steps = [rate / len(chosen) * slopes[f"dL/dW{k}"] for k in (1, 2, 3)]
            weights = [W - step for W, step in zip(weights, steps, strict=True)]
    for W, expected in zip(classifier.weights, weights, strict=True):
        assert np.allclose(W.data, expected, rtol=1e-12, atol=1e-15)


def test_what_is_trained_by_default(parts):
    data = first(parts[0], 40)

    def weights(**settings):
        classifier = DigitClassifier(hidden=(8, 7))
        next(classifier.train(data, **settings))
        return [W.data.tolist() for W in classifier.weights]

    assert weights() == weights(epochs=60, batch=16, rate=4.0)


def test_a_batch_that_does_not_divide_the_samples_leaves_none_out(parts):
    data = first(parts[0], 50)
    means = []
    for batch in (7, 50):
        classifier = DigitClassifier(hidden=(8, 7))
        means.append(next(classifier.train(data, batch=batch, rate=0.0)).loss)
    assert means[0] == pytest.approx(means[1], rel=1e-12)


def test_the_witnesses_agree_on_a_minibatch_before_and_after_a_short_training(parts):
    classifier = DigitClassifier(hidden=(16, 12))
    minibatch = first(parts[0], 20)
    before = classifier.problem(minibatch)
    assert before.sizes == (64, 16, 12, 10)
    assert before.batch == 20
    list(classifier.train(parts[0], epochs=2))
    after = classifier.problem(minibatch)
    assert not np.array_equal(before.W1, after.W1)
    for problem in (before, after):
        assert [row.verdict for row in verify(problem)] == ["agree"] * 13


def test_accuracy_is_the_share_of_samples_whose_largest_output_is_right(parts):
    data = first(parts[1], 60)
    classifier = DigitClassifier()
    next(classifier.train(first(parts[0], 300)))
    right = 0
    for image, label in zip(data.images, data.labels, strict=True):
        a = image
        for W in classifier.weights[:2]:
            a = 1 / (1 + np.exp(-W.data @ a))
        right += (classifier.weights[2].data @ a).argmax() == label
    assert 0 < right < 60
    assert classifier.accuracy(data) == right / 60


@pytest.mark.parametrize("seed", range(4))
def test_the_held_out_digits_are_recognised(seed):
    train, test = parts_of(seed)
    classifier = DigitClassifier(seed=seed)
    assert classifier.accuracy(test) < 0.5  # before any training: the negative control
    for _ in classifier.train(train):
        pass
    assert classifier.accuracy(test) >= 0.97
    assert classifier.accuracy(train) >= 0.97
