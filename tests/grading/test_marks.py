"""What a teacher should look at in a source: found by reading it, without running it."""

import pytest

from tinygrad_bp.grading.marks import find_marks

from .submissions import RIGHT


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("import torch", "torch"),
        ("import numpy, jax.numpy as jnp", "jax"),
        ("from tinygrad_bp.transforms import grad", "tinygrad_bp"),
        ("def gradients():\n    import autograd.numpy", "autograd"),
        ("if True:\n    import torch\nelse:\n    pass", "torch"),
        ("if __name__ == '__main__':\n    pass\nelse:\n    import torch", "torch"),
        ("exec('1')", "exec"),
        ("__import__('os')", "__import__"),
        ("import importlib", "importlib"),
        ("import sys\nsys._getframe(1)", "_getframe"),
        ("import sys\nsys.modules['x']", "modules"),
        ("getattr(__builtins__, 'x')", "__builtins__"),
        ("x = 'eval'", "eval"),
        ("open('../request')", "open"),
    ],
)
def test_what_is_marked(source, name):
    assert any(name in mark for mark in find_marks(source.encode()))


@pytest.mark.parametrize(
    "source",
    [
        RIGHT,
        "import numpy as np, math, os, sys",
        "if __name__ == '__main__':\n    import torch\n    exec('1')",
        "import re\npattern = re.compile('open')",
        "def broken(:",
        "\0",
        "",
    ],
)
def test_what_is_not(source):
    assert find_marks(source.encode()) == ()


def test_a_source_of_any_depth_is_read():
    assert find_marks(b"-" * 100_000 + b"1") == ()
    assert find_marks(b"x = " + b"[" * 50 + b"]" * 50) == ()
