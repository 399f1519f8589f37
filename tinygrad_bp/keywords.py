"""What to write here for a keyword argument that people know from PyTorch, NumPy or scikit-learn.

One table for all that is called: operations, methods, layers, losses, optimisers, data, files.
`answered` makes a function that looks an argument up in it; operations do so by themselves.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable
from types import FunctionType
from typing import Any, TypeVar, get_args, get_type_hints

F = TypeVar("F", bound=Callable[..., Any])

#: Names that people know, and the argument that does it here, where there is one of that name.
OTHER_NAMES = (
    ("dim dims axes", "axis"),
    ("dims dim", "axes"),
    ("keepdim keep_dims", "keepdims"),
    ("correction", "ddof"),
    ("negative_slope", "slope"),
    ("kernel_size", "size"),
    ("batch_size", "size"),
    ("num_classes", "classes"),
    ("generator random_state seed", "rng"),
    ("test_size", "test_fraction"),
    ("params", "parameters"),
    ("learning_rate", "lr"),
    ("state_dict", "state"),
    ("fill_value", "value"),
    ("shifts", "shift"),
    ("dims", "reps"),
    ("diagonal", "k"),
    ("index", "indices"),
    ("pad", "pad_width"),
    ("value", "constant_values"),
    ("p", "ord"),
    ("steps", "num"),
    ("end", "stop"),
    ("split_size_or_sections sections", "indices_or_sections"),
    ("axis0 dim0", "axis1"),
    ("dim1", "axis1"),
    ("dim2", "axis2"),
    ("f obj", "path"),
    ("max", "a_max"),
    ("min", "a_min"),
)

#: What there is to say of other names.
ROWS = (
    ("inplace", "A recorded value never changes: leave it out, and use what is returned."),
    ("out", "A recorded value never changes: leave it out, and use what is returned."),
    ("where", "Write np.where(mask, t, 0) first."),
    ("unbiased", "Write ddof=1, which divides by n - 1; ddof=0 is the default, as in NumPy."),
    ("retain_graph", "backward() frees nothing and may run again: leave it out."),
    ("create_graph", "Write bp.grad(loss, w, create_graph=True)."),
    ("inputs", "Write bp.grad(loss, inputs)."),
    ("set_to_none", "It always sets the gradient to None: leave it out."),
    ("closure", "Call loss.backward(), and then step()."),
    ("device non_blocking pin_memory layout memory_format map_location sparse mmap",
     "Arrays are in main memory, and dense: leave it out."),
    ("num_workers persistent_workers prefetch_factor timeout worker_init_fn collate_fn",
     "Batches are cut from arrays, in this process: leave it out."),
    ("sampler batch_sampler", "Choose the rows yourself, as in x[rows]."),
    ("shuffle", "With rng=np.random.default_rng(0) each epoch has a new order; without, none."),
    ("train_size", "Write test_fraction=0.2 for the other part."),
    ("stratify", "Samples are drawn at random, without regard to their labels."),
    ("strict assign",
     "A state must fit as a whole. For a part, load {**model.state_dict(), **state}."),
    ("weights_only pickle_module pickle_protocol pickle_load_args",
     "Nothing in a file is ever run: leave it out."),
    ("prefix recurse remove_duplicate destination keep_vars memo",
     "All parts are named, each once, by their path from here: leave it out."),
    ("dtype", "Write t.astype(dtype); the weights of a layer are float64."),
    ("descending",
     "The smallest comes first: write bp.flip(bp.sort(t), axis=-1), or (-t.data).argsort()."),
    ("stable", "Equal entries share the gradient in any order: leave it out."),
    ("size_average reduce", "Write reduction='mean', 'sum' or 'none'."),
    ("reduction ignore_index", "Write bp.cross_entropy(z, labels, ...), which has this argument."),
    ("weight", "Multiply the loss of each entry, from reduction='none', by its weight."),
    ("start_dim end_dim", "Write t.reshape(len(t), -1) to keep the first axis."),
    ("return_indices", "No gradient flows to positions: leave it out."),
    ("divisor_override", "Multiply the mean by what you want."),
    ("rounding_mode", "Write a // b, or np.trunc(a / b)."),
    ("alpha beta", "Scale it yourself, as in a + alpha * b."),
    ("threshold", "It is exact everywhere: leave it out."),
    ("approximate", "It is the exact function: leave it out."),
    ("training", "In evaluation, do not call it; bp.nn.Dropout does so by itself."),
    ("elementwise_affine affine", "It has weight and bias: leave it out, or write "
     "(x - x.mean(axis=0)) / x.std(axis=0)."),
    ("track_running_stats", "It always keeps the running mean: leave it out."),
    ("bias", "Add it: conv2d(x, w) + b.reshape(-1, 1, 1)."),
    ("padding_mode", "Pad with zeros, or with bp.pad(x, ...) first."),
    ("padding_idx max_norm norm_type scale_grad_by_freq",
     "All rows of the table are trained in the same way: leave it out."),
    ("nonlinearity", "It is tanh: leave it out, or write a Module of your own."),
    ("batch_first", "Leave it out: cells take the time first, and attention the sample."),
    ("num_layers bidirectional", "Call over_time of each cell in turn."),
    ("dropout", "Put a bp.nn.Dropout before or after it."),
    ("need_weights average_attn_weights", "Only the output is returned: leave it out."),
    ("attn_mask key_padding_mask is_causal",
     "Write bp.nn.MultiHeadAttention(..., causal=True), or a Module of your own."),
    ("kdim vdim add_bias_kv add_zero_attn", "All have the length embed_dim: leave it out."),
    ("amsgrad dampening decoupled_weight_decay",
     "The formula has no such part; help(bp.optim.Optimizer) shows how to write your own."),
    ("foreach fused capturable differentiable", "There is one way to compute it: leave it out."),
    ("maximize", "Minimise the loss with its sign reversed: (-loss).backward()."),
    ("defaults", "Write lr=."),
    ("last_epoch", "Write schedule.load_state_dict(state) to resume."),
    ("verbose", "Write print(optimizer.lr)."),
    ("epochs steps_per_epoch", "Write total_steps=epochs * len(batches)."),
    ("anneal_strategy three_phase", "It rises once and falls once, along half a cosine: leave it "
     "out, or write LambdaLR(optimizer, factor), where factor is any function of the step."),
    ("threshold_mode cooldown", "Leave it out, or lower optimizer.lr yourself."),
    ("fullgraph dynamic disable options mode recompile_limit",
     "Write bp.compile(f), or bp.compile(f, backend=...)."),
    ("dim0 dim1", "Write bp.swapaxes(t, 0, 1)."),
    ("end", "Write bp.arange(start, stop, step)."),
    ("prepend append", "Write np.diff(np.append(t, last))."),
    ("names", "A Tensor has one name: name=."),
    ("copy", "Data is always copied: leave it out."),
)  # fmt: skip


def by_name(rows: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(name, text) for names, text in rows for name in names.split()]


#: Methods that are called at every step, and by the package alone.
INNER = {"forward", "closures", "update"}

#: Each name, and what to say.
SENTENCES = dict(by_name(ROWS))


def advice(argument: str, known: Iterable[str]) -> str:
    """Say what to write for an argument that a function lacks; else, what it has.

    >>> print(advice("keepdim", ["axis", "keepdims"]))
    Write keepdims=.
    >>> print(advice("colour", ["axis", "keepdims"]))
    It has: axis, keepdims.
    """
    has = list(known)
    here = called_here(argument, has)
    if here != argument:
        return f"Write {here}=."
    return SENTENCES.get(argument) or f"It has: {', '.join(has) or 'none'}."


def called_here(argument: str, known: Iterable[str]) -> str:
    """Return which of the known arguments is meant by another name; else the name itself."""
    named = (here for name, here in by_name(OTHER_NAMES) if name == argument and here in known)
    return next(named, argument)


def unknown(who: str, argument: str, known: Iterable[str]) -> TypeError:
    """Return the error for an argument that a function lacks."""
    return TypeError(f"{who} has no argument {argument!r}. {advice(argument, known)}")


@functools.cache
def arguments_of(function: Callable[..., Any]) -> list[str] | None:
    """Return the arguments of a function that can be given by name; None if it takes any."""
    parameters = inspect.signature(function).parameters.values()
    named = [p for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    known = [p.name for p in named if p.name != "self"]
    for p in parameters:
        if p.kind is p.VAR_KEYWORD:
            if "Unpack" not in str(p.annotation):
                return None
            (options,) = get_args(get_type_hints(function)[p.name])
            known += list(options.__annotations__)
    return known


def check(who: str, function: Callable[..., Any], given: Iterable[str]) -> None:
    """Raise if a function lacks one of the arguments that are given by name."""
    known = arguments_of(function)
    for argument in given:
        if known is not None and argument not in known:
            raise unknown(who, argument, known)


def answered(function: F) -> F:
    """Return a function that says of an argument it lacks what to write; a decorator."""

    @functools.wraps(function)
    def call(*args: Any, **named: Any) -> Any:
        if not named:
            return function(*args)
        made = function.__name__ == "__init__"
        check(type(args[0]).__name__ if made else function.__name__, function, named)
        return function(*args, **named)

    return call  # type: ignore[return-value]


def answer_in(namespace: dict[str, Any]) -> None:
    """Let the public functions and classes of a module say what to write."""
    package = __name__.partition(".")[0]
    for name, value in list(namespace.items()):
        if name[0] != "_" and getattr(value, "__module__", "").startswith(package):
            if isinstance(value, type):
                for kind in value.__mro__:
                    if kind.__module__.startswith(package):
                        answer_of(kind)
            elif isinstance(value, FunctionType) and not hasattr(value, "__wrapped__"):
                namespace[name] = answered(value)


def answer_of(kind: type) -> None:
    """Let a class say what to write, when it is called and when its public methods are."""
    for name, method in list(vars(kind).items()):
        called = name == "__init__" or (name[0] != "_" and name not in INNER)
        if called and isinstance(method, FunctionType) and not hasattr(method, "__wrapped__"):
            setattr(kind, name, answered(method))
