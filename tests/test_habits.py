"""Names that people know from PyTorch and NumPy: each works here, or says what to write."""

import copy
import inspect
import pydoc
import re
from types import ModuleType

import numpy as np
import pytest

import tinygrad_bp as bp
from tinygrad_bp.habits import FAMILIES, INSTEAD, folded
from tinygrad_bp.table import TABLE

#: What people use most, for where PyTorch is not installed.
ON_TENSORS = """
    view flatten numpy cpu to cuda float double long clone copy unsqueeze permute t mm matmul add
    mul pow sqrt exp log tanh relu sigmoid softmax abs argmax tolist dim numel is_leaf grad_fn
    retain_grad requires_grad_ register_hook add_ zero_ item detach backward grad data shape dtype
    ndim size sum mean max min std var prod cumsum reshape transpose squeeze expand repeat split
    chunk gather scatter masked_fill clamp norm sort topk unique eq ne lt gt all any T mT
    contiguous half int bool type_as sub div dot bmm einsum fill_ copy_ uniform_ normal_ new_zeros
    log_softmax logsumexp sin cos round floor ceil sign reciprocal square median
""".split()  # noqa: SIM905
IN_THE_MODULE = """
    tensor zeros ones full arange linspace eye randn rand zeros_like ones_like full_like
    randn_like manual_seed cat concat stack mm matmul argmax nll_loss mse_loss cross_entropy nn
    optim Module Parameter save load no_grad enable_grad abs add sub mul div pow exp log sqrt relu
    sigmoid softmax where einsum from_numpy as_tensor randint randperm device cuda float32 autograd
    jit compile clamp unsqueeze dot array random linalg concatenate
""".split()  # noqa: SIM905

MODULES = "nn", "nn.init", "optim", "optim.lr_scheduler", "data", "datasets", "linalg"
PLACES = "a Tensor", "an array", "tinygrad_bp", *(f"bp.{n}" for n in MODULES)

#: What stands in PyTorch's modules, and is not for users: its own helpers and imports.
HELPERS = set(
    """
    BroadcastingList1 BroadcastingList2 BroadcastingList3 GRID_SAMPLE_INTERPOLATION_MODES
    GRID_SAMPLE_PADDING_MODES Optional TYPE_CHECKING assert_int_or_pair boolean_dispatch
    handle_torch_function has_torch_function has_torch_function_unary
    has_torch_function_variadic reproducibility_notes sparse_support_notes tf32_notes Container
    LinearCrossEntropyOptions factory_kwargs swa_utils swap_in_optimizer_params_and_state
    """.split()  # noqa: SIM905
)


def answer(place, name):
    """Return "works", or what the error says to write."""
    try:
        getattr(place, name)
    except AttributeError as error:
        if str(error) == f"'Tensor' object has no attribute {name!r}":
            return ""
        before, text = str(error).split(f" has no {name!r}.")
        assert before in PLACES
        return text.strip()
    return "works"


def matrix():
    return bp.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)


def answers(place, names):
    """Sort names into those that work, those that are answered, and those that are not."""
    found = {name: answer(place, name) for name in names}
    works = [name for name, text in found.items() if text == "works"]
    bare = [name for name, text in found.items() if not text or is_a_guess(name, text)]
    return works, [name for name in found if name not in (*works, *bare)], bare


def is_a_guess(name, text):
    """Whether it names what is only like the name, and not the same in another spelling."""
    close = re.fullmatch("Did you mean '(.*)'[?]", text)
    return close is not None and folded(close[1]) != folded(name)


def public(module):
    return [name for name in dir(module) if not name.startswith("_")]


def test_what_people_use_most_works_or_says_what_to_write():
    for place, names in ((matrix(), ON_TENSORS), (bp, IN_THE_MODULE)):
        works, answered, bare = answers(place, names)
        assert not bare
        assert len(works) > 30
        assert len(answered) > 20


def test_every_name_of_pytorch_works_or_says_what_to_write():
    torch = pytest.importorskip("torch")
    functional = [
        name
        for name in public(torch.nn.functional)
        if not isinstance(getattr(torch.nn.functional, name), (ModuleType, type))
    ]
    schedules = [n for n in public(torch.optim.lr_scheduler) if n.endswith("LR")]
    layers = [n for n in public(torch.nn) if not isinstance(getattr(torch.nn, n), ModuleType)]
    for place, names, most in (
        (matrix(), public(torch.Tensor), 500),
        (bp, functional, 100),
        (bp.nn, layers, 100),
        (bp.optim, public(torch.optim), 10),
        (bp.optim, schedules, 4),
        (bp.data, ["DataLoader", "Dataset", "TensorDataset", "random_split"], 3),
    ):
        works, answered, bare = answers(place, [n for n in names if n not in HELPERS])
        assert not bare
        assert len(answered) > most
        print(f"{len(works)} work, {len(answered)} say what to write")


def typos(name):
    """Return how a name is mistaken: its case, its underscores, a letter left out."""
    middle = len(name) // 2
    found = {name.lower(), name.upper(), name.swapcase(), name.replace("_", "")}
    found.add(f"{name[:middle]}_{name[middle:]}")
    if len(name) > 4:
        found |= {name[:-1], name[: middle - 1] + name[middle:], name[1:]}
    return sorted(t for t in found - {name} if t[0] not in "_0123456789")


@pytest.mark.parametrize(
    "place",
    [bp, bp.nn, bp.nn.init, bp.optim, bp.optim.lr_scheduler, bp.data, bp.datasets, bp.linalg],
    ids=lambda place: place.__name__,
)
def test_a_typo_of_a_public_name_is_answered_by_that_name(place):
    own = [n for n in public(place) if callable(getattr(place, n))]
    names, wrong, seen = getattr(place, "__all__", own), [], 0
    for name in names:
        for typo in typos(name):
            said = answer(place, typo)
            elsewhere = hasattr(np, typo) or hasattr(np.linalg, typo)
            if said == "works" or elsewhere or {typo, typo.capitalize()} & INSTEAD.keys():
                continue  # it is another name
            seen += 1
            close = re.search("Did you mean '(.*)'", said)
            as_close = close and folded(typo) in map(folded, typos(close[1]))
            if folded(name) not in folded(said) and not as_close:
                wrong.append((name, typo, said))
    assert not wrong
    assert seen > 3 * len(names)


@pytest.mark.parametrize(
    ("place", "name", "right"),
    [
        (bp.nn, "Conv2D", "Conv2d"),
        (bp.optim, "StepLr", "StepLR"),
        (bp.nn.init, "xavier_norm", "xavier_normal"),
        (bp.nn, "cross_entropy_loss", "bp.cross_entropy(z, labels)"),
        (bp.nn, "MseLoss", "mse_loss"),
        (bp.nn, "Conv1D", "give one dimension as two"),
        (bp, "load_model", "model.load_state_dict(bp.load(path))"),
        (bp, "make_graph", "bp.draw(loss)"),
        (bp.datasets, "load_digits", "bp.datasets.digits()"),
    ],
)
def test_a_typo_is_no_member_of_a_family(place, name, right):
    assert right in answer(place, name)


PLACES_WITH_NAMES = bp, bp.nn, bp.nn.init, bp.optim, bp.optim.lr_scheduler, bp.data, bp.datasets


@pytest.mark.parametrize("place", PLACES_WITH_NAMES, ids=lambda place: place.__name__)
def test_a_name_that_is_no_typo_is_not_taken_for_one(place):
    """What people call their own, and what is known elsewhere: a wrong guess is worse than none."""
    known = {n for other in PLACES_WITH_NAMES for n in public(other)} | {*public(np), *INSTEAD}
    forms = "{}", "my_{}", "my{}", "new_{}", "custom_{}", "{}_of_mine"
    asked = {form.format(name) for name in known for form in forms}
    guessed = [(n, said) for n in asked if is_a_guess(n, said := answer(place, n))]
    assert not guessed
    assert answer(bp.nn, "my_loss") == ""


def test_a_family_is_matched_as_a_whole():
    for name in ("my_loss", "load_batch", "make_it", "color", "convert", "normalise"):
        assert not any(re.fullmatch(pattern, folded(name)) for pattern, _ in FAMILIES)


def test_every_name_of_numpy_works_or_says_what_to_write():
    functions = [n for n in public(np) if callable(vars(np).get(n))]
    functions = [n for n in functions if not isinstance(getattr(np, n), type)]
    assert answers(bp, functions)[2] == []
    assert answers(matrix(), public(np.ndarray))[2] == []


def test_a_name_that_nobody_knows_is_seen_as_bare():
    assert answers(matrix(), ["view", "sum", "nobody_knows_it"]) == (
        *(["sum"], ["view"], ["nobody_knows_it"]),
    )


@pytest.mark.parametrize(
    ("place", "name", "text"),
    [
        (matrix(), "view", "a Tensor has no 'view'. Write t.reshape(2, 3)."),
        (matrix(), "numpy", "a Tensor has no 'numpy'. Write t.data."),
        (matrix(), "outer", "a Tensor has no 'outer'. Write bp.outer(a, b)."),
        (matrix(), "dropout", "a Tensor has no 'dropout'. Write bp.dropout(t, ...)."),
        (matrix(), "nobody_knows_it", "'Tensor' object has no attribute 'nobody_knows_it'"),
        (matrix(), "exp_", "a Tensor has no 'exp_'. A recorded value never changes. Write "),
        (matrix(), "neg_", "a Tensor has no 'neg_'. A recorded value never changes. Write "),
        (bp.nn, "Linear_", "bp.nn has no 'Linear_'. Did you mean 'Linear'?"),
        (matrix(), "partition", "a Tensor has no 'partition'. If no gradient is needed, "),
        (bp, "unsqueeze", "tinygrad_bp has no 'unsqueeze'. Write bp.expand_dims(t, axis)."),
        (bp, "Linear", "tinygrad_bp has no 'Linear'. Write bp.nn.Linear."),
        (bp, "relv", "tinygrad_bp has no 'relv'. Did you mean 'relu'?"),
        (bp, "np", "tinygrad_bp has no 'np'."),
        (bp.nn, "Mish", "bp.nn has no 'Mish'. Write t * bp.tanh(bp.softplus(t)). bp.nn.Seq"),
        (bp.nn, "Identity", "bp.nn has no 'Identity'. Write lambda t: t."),
        (bp.nn.init, "xavier_uniform_", "bp.nn.init has no 'xavier_uniform_'. Its functions "),
        (bp.nn.init, "normall", "bp.nn.init has no 'normall'. Did you mean 'normal'?"),
        (bp.data, "DataLoader", "bp.data has no 'DataLoader'. Write bp.data.batches("),
        (bp.datasets, "mnist", "bp.datasets has no 'mnist'. Write bp.datasets.digits()"),
        (bp.optim.Adam([matrix()]), "param_groups", "Adam has no 'param_groups'. Write opt"),
        (bp.nn, "relu", "bp.nn has no 'relu'. Write bp.relu(z)."),
        (bp.nn, "ReLu", "bp.nn has no 'ReLu'. Did you mean 'ReLU'?"),
        (bp.optim, "Adan", "bp.optim has no 'Adan'. Did you mean 'Adam'?"),
    ],
)  # fmt: skip
def test_what_is_said(place, name, text):
    with pytest.raises(AttributeError) as caught:
        getattr(place, name)
    assert str(caught.value).startswith(text)


def test_the_table_has_rows_for_what_is_missing_alone():
    assert len(INSTEAD) > 200
    places = set(public(bp)) & set(public(bp.Tensor))
    assert not INSTEAD.keys() & places
    for name, text in INSTEAD.items():
        assert name.removesuffix("=").isidentifier()
        assert text[0].isupper() or text.startswith("backward()"), name
        assert text.endswith((".", "..."))


def test_what_is_to_be_written_exists():
    for name, text in [*INSTEAD.items(), *FAMILIES]:
        for path in re.findall(r"\bbp\.([a-zA-Z_0-9.]*[a-zA-Z_0-9])", text):
            place = bp
            for part in path.split("."):
                assert hasattr(place, part), f"{name}: {text}"
                place = getattr(place, part)


A, B = np.random.default_rng(0).normal(size=(2, 3, 4)) * 3.0
LABELS = np.array([0, 2, 1])
#: What the advice computes, and the arguments of PyTorch's function of that name.
COMPUTED = {
    **dict.fromkeys(
        """
        relu6 hardtanh mish hardsigmoid hardswish softsign tanhshrink logsigmoid selu celu glu
        swish sgn frac fix msort nonzero cov corrcoef rot90 positive normalize
        """.split(),  # noqa: SIM905
        (A,),
    ),
    **dict.fromkeys(["cosine_similarity", "dist", "pairwise_distance", "logaddexp2"], (A, B)),
    **dict.fromkeys(["logcumsumexp", "cummax", "cummin"], (A, 0)),
    **dict.fromkeys(["rsqrt", "logit"], (1.0 / (1.0 + np.exp(-A)),)),
    "addmm": (B[:, :3], A, B.T),
    "bilinear": (A, B, np.ones((2, 4, 4))),
    "cdist": (A, B),
    "cosine_embedding_loss": (A, B, np.ones(3)),
    "gaussian_nll_loss": (A, B, B**2 + 1.0),
    "hinge_embedding_loss": (A, np.where(B > 0, 1.0, -1.0)),
    "kl_div": (np.log(abs(A)), abs(B)),
    "lerp": (A, B, 0.3),
    "one_hot": (LABELS,),
    "pdist": (A,),
    "poisson_nll_loss": (A, B),
    "rms_norm": (A, (4,), None, 1e-5),
    "smooth_l1_loss": (A, B, None, None, "mean", 0.5),
    "softmin": (A, -1),
    "topk": (A, 2),
    "xlogy": (abs(A), abs(B)),
}
#: What the advice calls further operands, by the name of the function.
CALLED = {
    "addmm": "cab", "bilinear": "abW", "gaussian_nll_loss": ("mu", "y", "var"),
    "hinge_embedding_loss": "ty", "kl_div": ("log_q", "p"),
    "poisson_nll_loss": "zy", "smooth_l1_loss": ("y", "target"),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore:reduction")
@pytest.mark.parametrize("name", COMPUTED)
def test_what_is_to_be_written_computes_the_same(name):
    torch = pytest.importorskip("torch")
    F = torch.nn.functional
    theirs = [torch.tensor(x) if isinstance(x, np.ndarray) else x for x in COMPUTED[name]]
    call = getattr(F, {"swish": "silu"}.get(name, name), None) or getattr(torch, name)
    expected = call(*theirs)

    ours = [bp.tensor(x) if isinstance(x, np.ndarray) else x for x in COMPUTED[name]]
    known = {"bp": bp, "np": np, "t": ours[0], "k": 2, "weight": 1.0, "beta": 0.5, "alpha": 1.0}
    known |= {"a": ours[0], "b": ours[-1], "classes": 3}
    known |= {"labels": LABELS} | dict(zip(CALLED.get(name, ()), ours, strict=False))
    if name == "lerp":
        known |= {"b": ours[1], "weight": 0.3}
    if name == "cosine_embedding_loss":
        known["b"] = ours[1]
    expression, _, where = INSTEAD[name].removeprefix("Write ").partition(", where ")
    if where:
        exec(where.rstrip("."), known)
    found = eval(re.split(r"\. |; ", expression)[0].rstrip("."), known)
    found = np.transpose(found) if name == "nonzero" else getattr(found, "data", found)
    expected = expected[0] if name in ("topk", "cummax", "cummin") else expected
    assert np.allclose(found, expected.numpy())


def test_five_names_follow_numpy_and_what_does_as_pytorch_is_said():
    """The table of docs/pytorch.md."""
    torch = pytest.importorskip("torch")
    array = np.random.default_rng(0).normal(size=(4, 4))
    t, theirs = bp.tensor(array), torch.tensor(array)
    vector, their_vector = bp.arange(8.0), torch.arange(8.0, dtype=torch.float64)
    for found, expected in (
        (bp.swapaxes(t, 0, 1), theirs.transpose(0, 1)),
        (t.mT, theirs.transpose(-2, -1)),
        (bp.tile(vector, 2), their_vector.repeat(2)),
        (t.std(ddof=1), theirs.std()),
        (t.var(ddof=1), theirs.var()),
        (bp.stack(bp.split(vector, len(vector) // 2)), torch.stack(torch.split(their_vector, 2))),
        (t.max(axis=1), theirs.max(1).values),
    ):
        assert np.allclose(found.data, expected.numpy())
    assert t.argmax(axis=1).tolist() == theirs.max(1).indices.tolist()
    assert vector[:2].repeat(2).tolist() == [0.0, 0.0, 1.0, 1.0]
    assert len(bp.split(vector, 2)) == 2
    assert t.std() == np.std(array)


# What must not be disturbed


@pytest.mark.parametrize(
    "name",
    [
        *("__array_interface__", "__array_struct__", "__cuda_array_interface__", "_repr_png_"),
        *("_ipython_canary_method_should_not_exist_", "__wrapped__", "__length_hint__"),
    ],
)
def test_protocols_that_python_and_notebooks_ask_for(name):
    for place in (matrix(), matrix().data, bp):
        assert name in ("__array_interface__", "__array_struct__") or not hasattr(place, name)
    assert not hasattr(matrix(), name)


def test_a_slot_that_is_not_filled_is_missing():
    t = matrix()
    assert not hasattr(t, "recorded_at")
    assert copy.copy(t).shape == (2, 2)
    with pytest.raises(AttributeError):
        t.note = "a Tensor has no place for it"


# Methods


def test_every_public_operation_of_one_operand_is_a_method():
    single = [
        name
        for name, entry in TABLE.items()
        if getattr(entry, "arity", 0) == 1 and hasattr(bp, name)
    ]
    assert len(single) > 50
    for name in single:
        assert callable(getattr(matrix(), name))
        assert name in dir(matrix())
        assert inspect.getdoc(getattr(bp.Tensor, name))


def test_a_method_applies_its_operation_with_its_arguments():
    t = matrix()
    assert t.exp().primitive is TABLE["exp"]
    assert t.abs().primitive is abs(t).primitive is TABLE["absolute"]
    assert t.flatten().tolist() == [1.0, 2.0, 3.0, 4.0]
    assert t.softmax(axis=0).tolist() == bp.softmax(t, axis=0).tolist()
    assert t.leaky_relu(slope=0.5).shape == (2, 2)
    assert bp.grad(t.neg().relu().sum() + t.log().sum(), t).tolist() == (1 / t.data).tolist()


def test_completion_and_help_show_no_habit():
    names = dir(matrix())
    assert names == dir(bp.Tensor)
    assert {"exp", "data", "reshape", "__add__", "argmax"} < set(names)
    assert {"view", "add_", "permute", "matmul"}.isdisjoint(names)
    assert not hasattr(bp.Tensor, "view")
    assert len(pydoc.render_doc(bp.Tensor).splitlines()) < 2000


def test_an_internal_operation_is_no_method():
    for name in ("getitem", "windows", "sum_to", "matmul", "where"):
        assert not hasattr(matrix(), name)


# The public face


def test_completion_shows_the_public_face_and_nothing_else():
    assert dir(bp) == sorted(bp.__all__)
    hidden = {"engine", "rules", "table", "variable", "TABLE", "anomaly", "sub_module", "habits"}
    assert hidden.isdisjoint(dir(bp))
    assert {"tensor", "grad", "nn", "optim", "derive", "zeros", "softmax", "datasets"} < set(
        dir(bp)
    )
    for name in bp.__all__:
        if name != "plots":  # needs matplotlib
            assert getattr(bp, name) is not None


def test_completion_and_help_of_the_modules_for_training_show_what_they_offer():
    torch_like = {"Linear", "Module", "Sequential", "mse_loss", "init"}
    for module, some in (
        (bp.nn, torch_like),
        (bp.optim, {"SGD", "Adam", "StepLR", "clip_grad_norm"}),
        (bp.data, {"batches", "split", "one_hot", "progress"}),
    ):
        assert some <= set(module.__all__) == set(dir(module))
        public = {n for n in vars(module) if n[0] != "_" and not n.startswith("answer")}
        of_others = {"errors", "np", "missing", "Any", "ArrayLike", "Callable", "annotations"}
        for name in public - set(module.__all__) - of_others:
            found = vars(module)[name]
            assert isinstance(found, ModuleType) or module is bp.data, name
        assert pydoc.render_doc(module, renderer=pydoc.plaintext).count("Examples") > 3


def test_short_names_are_the_operations_themselves():
    for short, name in {
        *(("abs", "absolute"), ("div", "divide"), ("mul", "multiply"), ("neg", "negative")),
        *(("pow", "power"), ("sub", "subtract"), ("flatten", "ravel")),
    }:
        assert getattr(bp, short) is TABLE[name]
