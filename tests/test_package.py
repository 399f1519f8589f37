"""The package as a whole: what is public, that it is documented, and that importing it is light."""

import inspect
import re
import subprocess
import sys

import tinygrad_bp as bp
from tinygrad_bp.rules import FAMILIES
from tinygrad_bp.table import TABLE

from .sweeps import every

#: Entries of the table that are no public names, and why.
INTERNAL = {
    "getitem": "t[...] calls it",
    "identity": "+t calls it",
    "sum_to": "the sweep sums with it over broadcast axes",
    "scatter": "the rule of indexing",
    "on_diagonal": "the rule of diagonal",
    "product_of_others": "the rule of prod, where a factor is 0",
    "contraction": "einsum calls it, with the subscripts taken apart",
    "windows": "convolution and pooling are made of it",
    "from_windows": "the rule of windows",
    "cross_entropy_with_probabilities": "cross_entropy calls it",
    "euclidean_norm": "norm calls it",
    "clip_to_numbers": "clip calls it, if no bound is a Tensor",
    "normal_cdf": "gelu is its product with z",
    "pad_with_constants": "pad calls it, and so does convolution",
    "mean_binary_cross_entropy": "binary_cross_entropy_with_logits calls it",
    **dict.fromkeys(("logabsdet", "sign_of_det"), "slogdet calls it"),
    "eigenvectors": "eigh calls it",
    "left_vectors": "svd calls it",
    "right_vectors": "svd calls it",
}

PUBLIC = {
    name: value
    for name, value in [*vars(bp.linalg).items(), *vars(bp).items(), ("draw", bp.draw)]
    if not name.startswith("_") and getattr(value, "__module__", "").startswith("tinygrad_bp.")
}

#: NumPy's sections of a docstring, in their order.
SECTIONS = ["Parameters", "Returns", "Yields", "Raises", "See Also", "Notes", "Examples"]


def test_every_operation_is_public_or_listed_as_internal():
    assert TABLE.keys() - PUBLIC.keys() == INTERNAL.keys()
    for name in TABLE.keys() - INTERNAL.keys():
        assert PUBLIC[name] is TABLE[name]


def test_every_public_operation_of_a_family_is_in_the_table():
    families = {family.__name__ for family in FAMILIES}
    operations = {name for name, value in PUBLIC.items() if value.__module__ in families}
    short = {"abs", "div", "flatten", "mod", "mul", "neg", "pow", "sub"}
    assert operations - TABLE.keys() == short


@every("name", PUBLIC)
def test_what_is_public_is_documented(name):
    text = inspect.getdoc(PUBLIC[name])
    assert text, f"bp.{name} has no docstring"
    summary = text.split("\n\n")[0]
    assert summary.endswith((".", ":")), summary
    headings = re.findall(r"^(.+)\n-{3,}$", text, re.MULTILINE)
    assert headings == sorted(headings, key=SECTIONS.index)
    assert re.findall(r"^(-{3,})$", text, re.MULTILINE) == ["-" * len(h) for h in headings]


PARAMETERS = "Parameters\n----------\n"


@every("name", [n for n, f in PUBLIC.items() if PARAMETERS in inspect.getdoc(f)])
def test_documented_parameters_are_those_of_the_function(name):
    after = inspect.getdoc(PUBLIC[name]).partition(PARAMETERS)[2]
    section = re.split(r"^.+\n-{3,}$", after, flags=re.MULTILINE)[0]
    lines = re.findall(r"^\S.*$", section, re.MULTILINE)
    documented = [parameter for line in lines for parameter in line.split(", ")]
    assert documented == list(inspect.signature(PUBLIC[name]).parameters)


def test_the_package_says_what_it_is():
    assert bp.__doc__.startswith("tinygrad_bp: an autodiff micro-framework on NumPy.")
    assert re.fullmatch(r"\d+\.\d+\.\d+", bp.__version__)


# Importing


def modules_after(statement):
    """Return what a fresh interpreter has imported after a statement."""
    program = f"{statement}\nimport sys\nprint(*sys.modules)"
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return set(run.stdout.split())


def test_importing_it_imports_little_but_numpy():
    ours = modules_after("import tinygrad_bp") - modules_after("import numpy")
    own = {name for name in ours if name.partition(".")[0] == "tinygrad_bp"}
    assert "tinygrad_bp.rules.arithmetic" in own
    assert "tinygrad_bp.readings.draw" not in own
    assert "tinygrad_bp.cli" not in own
    heavy = {"rich", "graphviz", "graphviz_pure", "numpy.random", "inspect", "subprocess", "html"}
    heavy |= {"matplotlib", "safetensors"}
    assert ours.isdisjoint(heavy)


def test_the_test_above_sees_what_is_imported():
    assert {"rich", "numpy.random"} <= modules_after("import rich, numpy.random")
