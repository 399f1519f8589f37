"""The public face of `bp.nn`: every class and function is documented, with an example."""

import doctest
import inspect
import re

import pytest

from tinygrad_bp import nn

#: Of the initialisers, what they share.
HELPERS = {"fans", "of_spread"}

PUBLIC = {
    f"{place.__name__.rpartition('.')[2]}.{name}": value
    for place in (nn, nn.init)
    for name, value in vars(place).items()
    if name[0] != "_" and name not in HELPERS
    and getattr(value, "__module__", "").startswith(nn.__name__)
}  # fmt: skip


def test_what_is_public_is_found():
    assert {"nn.Module", "nn.Linear", "nn.ReLU", "nn.mse_loss"} < PUBLIC.keys()


@pytest.mark.parametrize("name", PUBLIC)
def test_what_is_public_is_documented(name):
    text = inspect.getdoc(PUBLIC[name])
    assert text.split("\n\n")[0].endswith((".", ":", ").")), "the summary is a sentence"
    assert doctest.DocTestParser().get_examples(text), "there is an example"


PARAMETERS = "Parameters\n----------\n"


@pytest.mark.parametrize("name", [n for n, f in PUBLIC.items() if PARAMETERS in inspect.getdoc(f)])
def test_documented_parameters_are_those_that_exist(name):
    section = inspect.getdoc(PUBLIC[name]).partition(PARAMETERS)[2].partition("\n\n")[0]
    documented = ", ".join(re.findall(r"^\S.*$", section, re.MULTILINE)).split(", ")
    assert documented == list(inspect.signature(PUBLIC[name]).parameters)
