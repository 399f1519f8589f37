"""Keyword arguments that people know from elsewhere: each works, or says what to write."""

import collections
import inspect
import re

import numpy as np
import pytest

import tinygrad_bp as bp
from tinygrad_bp.habits import ROWS
from tinygrad_bp.keywords import OTHER_NAMES, answered, arguments_of

RNG = np.random.default_rng(0)
MODEL = bp.nn.Sequential(bp.nn.Linear(2, 2, rng=RNG), bp.nn.ReLU())
OPTIMIZER = bp.optim.Adam(MODEL.parameters())


def matrix():
    return bp.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda t: t.sum(dim=0), "sum has no argument 'dim'. Write axis=."),
        (lambda t: t.argmax(dim=1), "argmax has no argument 'dim'. Write axis=."),
        (lambda t: bp.mean(t, keepdim=True), "mean has no argument 'keepdim'. Write keepdims=."),
        (lambda t: bp.softmax(t, dim=1), "softmax has no argument 'dim'. Write axis=."),
        (lambda t: np.sum(t, dtype=float), "sum has no argument 'dtype'. Write t.astype(dtype)"),
        (lambda t: t.flatten(start_dim=1), "ravel has no argument 'start_dim'. Write t.reshape("),
        (lambda t: bp.sort(t, descending=True), "sort has no argument 'descending'. The smallest"),
        (lambda t: t.sum().backward(retain_graph=True), "backward has no argument 'retain_graph'."),
        (lambda t: t.zero_grad(set_to_none=True), "zero_grad has no argument 'set_to_none'. It al"),
        (lambda t: bp.grad(t.sum(), t, retain_graph=True), "grad has no argument 'retain_graph'."),
        (lambda t: bp.tensor(1.0, device="cpu"), "Tensor has no argument 'device'. Arrays are in"),
        (lambda t: bp.zeros(2, device="cpu"), "zeros has no argument 'device'. Arrays are in main"),
        (lambda t: bp.full(2, fill_value=1), "full has no argument 'fill_value'. Write value=."),
        (lambda t: bp.randn(2, generator=RNG), "randn has no argument 'generator'. Write rng=."),
        (lambda t: bp.load("x", map_location="cpu"), "load has no argument 'map_location'. Arrays"),
        (lambda t: bp.nn.Linear(2, 2, dtype=float), "Linear has no argument 'dtype'. Write t.ast"),
        (lambda t: bp.nn.LSTMCell(2, 2, batch_first=True), "LSTMCell has no argument 'batch_first"),
        (lambda t: bp.nn.LSTMCell(2, 2).over_time(t, lengths=2), "over_time has no argument 'leng"),
        (lambda t: bp.nn.mse_loss(t, t, size_average=True), "mse_loss has no argument 'size_avera"),
        (lambda t: MODEL(t, mask=1), "Sequential has no argument 'mask'. It has: x."),
        (lambda t: MODEL.load_state_dict({}, strict=False), "load_state_dict has no argument 'str"),
        (lambda t: MODEL.zero_grad(set_to_none=True), "zero_grad has no argument 'set_to_none'. I"),
        (lambda t: OPTIMIZER.zero_grad(set_to_none=True), "zero_grad has no argument 'set_to_none"),
        (lambda t: OPTIMIZER.step(closure=None), "step has no argument 'closure'. Call loss.backw"),
        (lambda t: bp.optim.SGD([t], amsgrad=True), "SGD has no argument 'amsgrad'. The formula h"),
        (lambda t: bp.optim.StepLR(OPTIMIZER, 1, last_epoch=2), "StepLR has no argument 'last_epo"),
        (lambda t: bp.data.batches(t.data, batch_size=2), "batches has no argument 'batch_si"),
        (lambda t: bp.data.batches(t.data, size=2, shuffle=True), "batches has no argument '"),
        (lambda t: bp.data.split(t.data, test_size=0.5), "split has no argument 'test_size'."),
        (lambda t: bp.data.one_hot([0], num_classes=2), "one_hot has no argument 'num_classe"),
    ],
)  # fmt: skip
def test_an_argument_of_another_library_is_answered(call, text):
    with pytest.raises(TypeError) as caught:
        call(matrix())
    assert str(caught.value).startswith(text)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: OPTIMIZER.step(lambda: 1), "but 2 were given. Write step()."),
        (lambda: MODEL.load_state_dict({}, False), "3 were given. Write load_state_dict(state)."),
        (lambda: bp.nn.Linear(2, 3, False), "Write Linear(in_features, out_features, *, bias=Tru"),
        (lambda: bp.nn.Linear(2), "'out_features'. Write Linear(in_features, out_features, *, b"),
        (lambda: bp.optim.SGD(3, 0.1), "SGD takes a list of parameters"),  # it comes from within
    ],
)
def test_a_call_with_too_many_or_too_few_arguments_is_written_out(call, text):
    with pytest.raises(TypeError) as caught:
        call()
    assert text in str(caught.value)


def test_an_argument_that_nobody_knows_is_told_what_there_is():
    with pytest.raises(TypeError, match=r"^sum has no argument 'colour'. It has: axis, keepdims.$"):
        matrix().sum(colour=1)


#: What PyTorch calls operands, and Python's own: not the arguments of an operation.
OPERANDS = {"input", "input1", "other", "exponent", "vec2", "tensor", "tensors", "weight", "self"}
#: PyTorch's own concerns, and names that its documentation writes for a type.
INNER = {
    "ensor", "int", "name", "model", "isolate_recompiles", "shapes_spec", "padding", "stride",
    "size", "start", "step", "dilation", "ceil_mode", "count_include_pad", "requires_grad",
}  # fmt: skip


def of_torch(function):
    """Return the names of a function's arguments; of one in C, from the first line of its help."""
    try:
        return list(inspect.signature(function).parameters)
    except (ValueError, TypeError):
        found = re.search(r"\w+\((.*?)\)\s*(->|$)", function.__doc__ or "", re.MULTILINE)
        text = re.sub(r"=[^,]*", "", found[1]) if found else ""
        return re.findall(r"([a-z]\w*)\s*(?:,|$|:)", text)


def said_of(function, argument):
    """Return the error of a call with an argument that the function lacks."""
    operands = []
    if hasattr(function, "operand_names"):
        operands = [matrix() for _ in function.operand_names] or [[matrix()]]
    with pytest.raises(TypeError) as caught:
        function(*operands, **{argument: 1})
    return str(caught.value)


def test_every_argument_of_pytorchs_functions_works_or_is_answered():
    torch = pytest.importorskip("torch")
    bare, kinds = [], collections.Counter()
    for theirs, ours in (
        (torch, bp), (torch.nn.functional, bp), (torch.nn, bp.nn), (torch.nn.functional, bp.nn),
        (torch.optim, bp.optim), (torch.optim.lr_scheduler, bp.optim), (torch.Tensor, bp.Tensor),
        (torch.nn.Module, bp.nn.Module), (torch.optim.Adam, bp.optim.Adam),
    ):  # fmt: skip
        for name in dir(ours):
            one, other = getattr(theirs, name, None), getattr(ours, name)
            if name[0] == "_" or not callable(one) or not callable(other):
                continue
            if ours is bp.Tensor:  # whose methods are functions of the package
                other = getattr(bp, name, other)
            known = arguments_of(other)
            if known is None:  # it passes on what it is given
                continue
            given = of_torch(one.__init__ if isinstance(one, type) else one)
            unknown = {n for n in given if n[0] != "_"} - {*known, *OPERANDS, *INNER}
            for argument in sorted(unknown - {"args", "kwargs"}):
                lacks, _, text = said_of(other, argument).partition(f"has no argument {argument!r}")
                kinds["It has" if text.startswith(". It has: ") else "what to write"] += 1
                if not text.endswith("."):
                    bare.append((name, argument, lacks))
    assert not bare
    assert kinds["what to write"] > 200
    assert kinds["It has"] < kinds["what to write"] / 2


def test_a_function_keeps_its_signature_and_its_help():
    for function in (bp.grad, bp.nn.mse_loss, bp.data.batches, bp.nn.Linear.__init__, bp.zeros):
        assert function.__wrapped__.__doc__ == function.__doc__
        assert inspect.signature(function) == inspect.signature(function.__wrapped__)
    calls = []
    assert answered(lambda *a, **named: calls.append((a, named)))(1, b=2) is None
    assert calls == [((1,), {"b": 2})]


def test_the_table_says_whole_sentences_and_each_name_once():
    names = [name for names, _ in ROWS for name in names.split()]
    assert len(set(names)) == len(names)
    for text in (text for names, text in ROWS if "=" in names):
        assert text[0].isupper() or text.startswith("backward()")
        assert text.endswith(".")
    for _, here in OTHER_NAMES:
        assert here.isidentifier()
