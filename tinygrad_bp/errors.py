"""Every sentence that teaches: what went wrong, with which operands, and what to write instead.

Each function returns an error, to be raised where it is noticed; the text stands here, so that the
code of the engine can be read without it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np


def describe(value: Any) -> str:
    """Say which operand is meant: ``W1 with shape (3, 2)``."""
    if hasattr(value, "_array"):
        return str(value.described())
    if isinstance(value, np.ndarray):
        return f"an array with shape {value.shape}"
    return f"{value!r:.60}"


def operation(tensor: Any) -> str:
    """Return the name of the operation that computed a tensor."""
    return tensor.primitive.__name__ if tensor.primitive is not None else "a leaf"


# ---- data and names ----


def check_flag(requires_grad: Any) -> bool:
    if not isinstance(requires_grad, (bool, np.bool_)):
        raise TypeError(f"requires_grad is True or False, not {requires_grad!r:.60}.")
    return bool(requires_grad)


def check_name(name: Any) -> str | None:
    if name is not None and not isinstance(name, str):
        raise TypeError(f"a name is text, and {name!r:.60} is not. Write name={str(name)!r:.60}.")
    return name


def already_a_tensor(data: Any) -> TypeError:
    return TypeError(
        f"{data.described()} is a Tensor already. Use it as it is, or t.detach() for a "
        "constant copy."
    )


def masked() -> TypeError:
    return TypeError("a masked array would lose its mask. Use data.filled(value), or np.where.")


def ragged(error: Exception) -> ValueError:
    return ValueError(
        f"the data is ragged: its rows differ in length, so it is no array ({error})."
    )


def not_real(dtype: np.dtype[Any]) -> TypeError:
    if dtype.kind == "c":
        return TypeError(
            "complex numbers are not supported. Keep the real and the imaginary part as two "
            "tensors."
        )
    if dtype.kind == "f":
        return TypeError(
            f"floats are float64 or float32 here, not {dtype}. Convert with array.astype(float)."
        )
    return TypeError(
        f"a Tensor holds real numbers, and this data has dtype {dtype}. "
        "Convert it with np.array(data, dtype=float)."
    )


def bad_index(key: Any) -> TypeError:
    return TypeError(
        f"an index is an integer, a slice, None, ..., a list or an array of them, not {key!r:.60}."
    )


# ---- a Tensor's own values ----


def computed_value(t: Any) -> ValueError:
    return ValueError(
        f"{t.described()} was computed, so its value cannot be replaced: only a leaf "
        "takes a new value. Make one with bp.tensor(value)."
    )


def would_round(t: Any, dtype: np.dtype[Any]) -> TypeError:
    return TypeError(
        f"{t.described()} holds {t.dtype}, and cannot take {dtype} without "
        "rounding. Make a new one with bp.tensor(value)."
    )


def other_shape(t: Any, shape: tuple[int, ...]) -> ValueError:
    return ValueError(
        f"{t.described()} cannot take a value of shape {shape}. Make a new one with "
        "bp.tensor(value)."
    )


def computed_flag(t: Any) -> ValueError:
    return ValueError(
        f"{t.described()} was computed, so it needs a gradient if its inputs do. "
        "Use t.detach() for a constant of the same value."
    )


def gradient_shape(t: Any, shape: tuple[int, ...]) -> ValueError:
    return ValueError(f"a gradient of {t.described()} has that shape, and this one {shape}.")


def gradient_type(t: Any, value: Any) -> TypeError:
    return TypeError(
        f"a gradient of {t.described()} is an array of real numbers or None, not {value!r:.60}."
    )


def only_leaves_keep(t: Any) -> str:
    return (
        f"{t.described()} was computed, and only leaves keep a gradient. "
        "bp.grad(loss, t) gives that of any tensor. A parameter stays a leaf if it is "
        "updated by t.data = t.data - ..."
    )


def not_one_entry(t: Any) -> ValueError:
    return ValueError(
        f"item() needs exactly one entry; {t.described()} has {t.size}. Use .data instead."
    )


def no_length(t: Any) -> TypeError:
    return TypeError(f"{t.described()} has no axis, so it has no length.")


def is_a_leaf(t: Any) -> ValueError:
    return ValueError(f"{t.described()} is a leaf: no step computed it.")


def no_such_input(t: Any, i: int) -> ValueError:
    return ValueError(f"{t.described()} has {len(t.inputs)} inputs, and no input {i}.")


def input_needs_no_gradient(t: Any, i: int) -> ValueError:
    return ValueError(f"input {i} of {t.described()} needs no gradient.")


def would_lose_record(t: Any, what: str, instead: str) -> TypeError:
    return TypeError(f"{what.format(t.described())} would lose its record{instead}")


def in_place(t: Any, symbol: str) -> TypeError:
    parameter = t.primitive is None and t.requires_grad
    write = f"t.data = t.data {symbol} ..." if parameter else f"t = t {symbol} ..."
    return TypeError(
        f"'{symbol}=' would change {t.described()} in place, and a recorded value must stay "
        f"as it is. Write {write}"
    )


def assigned(t: Any) -> TypeError:
    return TypeError(
        f"assigning to entries would change {t.described()} in place, and a recorded value "
        "must stay as it is. Change a copy, a = t.data.copy(), and make a new tensor of it; "
        "for a parameter, t.data = a."
    )


def no_copy(t: Any) -> TypeError:
    return TypeError(
        f"{t.described()} was computed, and has no copy. Use the value, t.data, also to "
        "plot it; or t.detach() for a constant."
    )


def no_pickle(t: Any) -> TypeError:
    return TypeError(
        f"{t.described()} cannot be pickled. Save its value with np.save(file, t.data)."
    )


def no_format(t: Any, form: str) -> TypeError:
    return TypeError(
        f"{t.described()} has no format {form!r}. Format its value: t.item() or t.data."
    )


# ---- operations and their arguments ----


def not_a_function(forward: Any) -> TypeError:
    return TypeError(
        f"a primitive is made of a Python function, and {forward!r:.60} is none. "
        "Write one that calls it: def f(x): return ..."
    )


def unclear_signature(primitive: Any) -> TypeError:
    return TypeError(
        f"{primitive.__name__}: an operand has no default, and other arguments are named one by "
        "one after the operands, as in def f(a, b, *, axis=0)."
    )


def mixed_operands(primitive: Any) -> TypeError:
    return TypeError(f"{primitive.__name__} takes named operands or *operands, not both.")


def missing_rule(primitive: Any) -> Callable[..., Any]:
    """Return a rule that says that there is none."""

    def rule(*_: Any, **__: Any) -> Any:
        raise TypeError(
            f"{primitive.__name__} has no backward rule. Give it one with "
            f"@{primitive.__name__}.backward."
        )

    return rule


def too_many(primitive: Any, given: int) -> TypeError:
    operands = "a list of operands" if primitive.takes_any_number else f"{primitive.arity} operand"
    plural = "" if primitive.takes_any_number else "(s)"
    return TypeError(
        f"{primitive.__name__} takes {operands}{plural} and {len(primitive.settings)} further "
        f"argument(s), and was given {given} values."
    )


def too_few(primitive: Any, given: int) -> TypeError:
    return TypeError(
        f"{primitive.__name__} needs {primitive.arity} operand(s), "
        f"{' and '.join(primitive.operand_names)}, and was given {given}."
    )


def unknown_argument(primitive: Any, name: str) -> TypeError:
    return TypeError(
        f"{primitive.__name__} has no argument {name!r}. "
        f"It has: {', '.join(primitive.settings) or 'none'}."
    )


def tensor_as_argument(where: str) -> TypeError:
    return TypeError(f"{where} is a Tensor, and gradients flow to operands alone. Use t.data.")


def operand_names(primitive: Any, operands: Sequence[Any]) -> Sequence[str]:
    """Return what the operands are called: the forward function's parameter names."""
    return primitive.operand_names or [f"operand {i}" for i in range(1, len(operands) + 1)]


def bad_operand(primitive: Any, operands: Sequence[Any], i: int, error: Exception) -> Exception:
    name = operand_names(primitive, operands)[i]
    return type(error)(f"{primitive.__name__} cannot take its {name}: {error}")


def bad_result(primitive: Any, result: Any) -> TypeError:
    return TypeError(
        f"{primitive.__name__} returned a {type(result).__name__}, and a primitive returns one "
        "array of real numbers. Make a primitive for each output."
    )


def explained(
    primitive: Any, error: Exception, operands: Sequence[Any], params: dict[str, Any]
) -> Exception:
    """Return a forward function's error in terms of the operation and its operands."""
    named = zip(operand_names(primitive, operands), operands, strict=False)
    parts = [f"{name} is {describe(operand)}" for name, operand in named]
    parts += [f"{name} = {value!r:.60}" for name, value in params.items()]
    needs = f" It needs {primitive.needs}." if primitive.needs else ""
    kind: type[Exception] = ValueError
    if isinstance(error, (TypeError, AttributeError)):
        kind = TypeError
    elif type(error) is IndexError:
        kind = IndexError
    return kind(f"{primitive.__name__} failed: {', '.join(parts)}.{needs} ({error})")


# ---- backward rules ----


def add_usage(error: Exception, tensor: Any) -> None:
    """Add a note on how a backward rule is used to the error of one."""
    given = f" and the arguments {', '.join(tensor.params)}" if tensor.params else ""
    error.add_note(
        f"This is the backward rule of {operation(tensor)}. It is called with the output, "
        f"{len(tensor.inputs)} input(s){given}, and returns a closure for each input, such as "
        "lambda g: ..., from the upstream gradient g to that input's contribution."
    )


def wrong_number_of_closures(tensor: Any, number: int) -> TypeError:
    return TypeError(
        f"the backward rule of {operation(tensor)} returned {number} closure(s), and the "
        f"operation has {len(tensor.inputs)} input(s). Return one for each, in a tuple; None "
        "for an input that no gradient flows to."
    )


def no_array(x: Any, given: Any, tensor: Any) -> TypeError:
    return TypeError(
        f"the backward rule of {operation(tensor)} gave {given!r:.60} for "
        f"{x.described()}. A closure must return an array, or a Tensor where it is given one."
    )


def wrong_shape(x: Any, given: Any, tensor: Any) -> ValueError:
    return ValueError(
        f"the backward rule of {operation(tensor)} gave a gradient of shape "
        f"{given.shape} for {x.described()}. It must have the shape of that input, or "
        "one that the input is broadcast to."
    )


def complex_gradient(x: Any) -> TypeError:
    return TypeError(f"a backward rule gave complex numbers for {x.described()}.")


# ---- backward and grad ----


def not_differentiable(output: Any) -> TypeError:
    return TypeError(f"grad differentiates a Tensor, not {output!r:.60}.")


def no_input(x: Any) -> Exception:
    """Return the error for what cannot be differentiated by."""
    if not hasattr(x, "_array"):
        return TypeError(f"grad takes Tensors to differentiate by, not {x!r:.60}.")
    return ValueError(f"{x.described()} needs no gradient. Make it with requires_grad=True.")


def not_recording() -> ValueError:
    return ValueError("create_graph=True records the gradient, and no_grad() forbids to record.")


def needs_no_gradient(output: Any) -> ValueError:
    return ValueError(
        f"{output.described()} needs no gradient: nothing that it was computed from was made "
        "with requires_grad=True, or it was computed under no_grad()."
    )


def needs_upstream(output: Any) -> ValueError:
    return ValueError(
        f"{output.described()} has {output.size} entries, so its backward pass needs an "
        "upstream gradient of that shape. Pass gradient=, or reduce it to one number "
        "first, as with .sum()."
    )


def upstream_shape(output: Any, g: Any) -> ValueError:
    return ValueError(
        f"the gradient has shape {g.shape}, but {output.described()}: the two must be equal."
    )


# ---- NumPy functions called on a Tensor ----

#: What to write for NumPy functions that are not in the table.
INSTEAD = {
    "dot": "a @ b",
    "inner": "a @ b.T, or np.einsum",
    "vdot": "(a * b).sum()",
    "tensordot": "np.einsum",
    "swapaxes": "np.transpose",
    "moveaxis": "np.transpose",
    "hstack": "np.concatenate",
    "vstack": "np.concatenate",
    "column_stack": "np.concatenate",
    "average": "np.mean, or (weights * t).sum() / weights.sum()",
    "diag": "np.diagonal of a matrix, or t * np.eye(len(t)) of a vector",
    "take": "t[indices]",
    "log2": "np.log(t) / np.log(2)",
    "log10": "np.log(t) / np.log(10)",
    "hypot": "np.sqrt(a**2 + b**2)",
    "copy": "the Tensor itself: its value cannot change",
}


def not_recorded(function: Any, how: str = "", given: Sequence[str] = ()) -> TypeError:
    name = function.__name__
    # A ufunc has no module before NumPy 2.1.
    place = getattr(function, "__module__", "numpy").replace("numpy", "np", 1)
    write = f" Write {INSTEAD[name]}." if name in INSTEAD else ""
    with_arguments = f" with {', '.join(given)}=" if given else " on a Tensor"
    return TypeError(
        f"{place}.{name}{how} does not record{with_arguments}.{write} If no gradient is needed, "
        "call it on the value, t.data; to add an operation, see bp.primitive."
    )
