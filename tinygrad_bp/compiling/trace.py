"""From a function to a linear program: it runs once on arrays that write down what is done to them.

A `Symbol` stands in a Tensor where its array would be. The engine runs as ever: it records, it goes
back with the rules, and both the forward functions and the rules, which are plain NumPy, reach the
symbols, which note each NumPy call as an instruction. So every operation is taken apart by its own
text. A text that cannot be followed, as it looks at entries or writes into an array, is one
instruction that calls it.

A symbol also holds the value that it has in this run, so that shapes and dtypes are NumPy's own;
but it does not show it, as it will be another in the next call.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from .. import errors
from ..arguments import Structure, flatten, real_array
from ..engine import Tensor, sweep
from ..record import recorded_tensors
from ..recording import Traced
from ..transforms import differentiating
from . import refusals
from .program import Instruction, Program, Ref, Type, as_number, astype, getitem, name_of

#: Functions of shapes and dtypes, which are known.
OF_TYPES = {np.shape, np.ndim, np.size, np.result_type, np.can_cast}

#: Functions that return as many entries as the values of an array say.
SELECT = {np.nonzero, np.flatnonzero, np.argwhere, np.unique, np.extract, np.trim_zeros}

#: Methods of an array that change it, unlike NumPy's function of the same name.
IN_PLACE = {"sort", "partition", "put", "resize"}


class Symbol(NDArrayOperatorsMixin, Traced):
    """An array of the program that is being traced."""

    __slots__ = ("example", "ref", "trace")

    def __init__(self, trace: Trace, ref: Ref, example: Any) -> None:
        self.trace, self.ref, self.example = trace, ref, example

    def __repr__(self) -> str:
        return f"<traced {self.dtype.name} {self.shape}>"

    # ---- what is known of it ----

    @property
    def shape(self) -> tuple[int, ...]:
        return np.shape(self.example)

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.asarray(self.example).dtype

    @property
    def ndim(self) -> int:
        return np.ndim(self.example)

    @property
    def size(self) -> int:
        return np.size(self.example)

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of unsized object")
        return self.shape[0]

    def __iter__(self) -> Iterator[Any]:
        if not self.shape:  # a function asks whether one axis is given, or several
            self.needs_value()
        return (self[i] for i in range(len(self)))

    def setflags(self, *_: Any, **__: Any) -> None:
        """Nothing writes into it."""

    # ---- what is done with it ----

    def __array_ufunc__(self, ufunc: np.ufunc, how: str, *inputs: Any, **settings: Any) -> Any:
        if any(isinstance(x, Tensor) for x in inputs):
            return NotImplemented
        function = ufunc if how == "__call__" else getattr(ufunc, how)
        if how == "at" or settings.get("out") is not None:
            raise self.trace.refused(refusals.written_into(name_of(ufunc)))
        if how == "reduceat":
            raise self.trace.untraceable(function, self)
        return self.trace.call(function, inputs, settings)

    def __array_function__(
        self, function: Callable[..., Any], types: Any, args: Any, settings: Any
    ) -> Any:
        if any(issubclass(t, Tensor) for t in types):
            return NotImplemented
        if function is np.array2string:
            return repr(self)
        return self.trace.call(function, args, settings)

    def __getitem__(self, key: Any) -> Any:
        return self.trace.call(getitem, (self, key), {})

    def __pow__(self, n: Any) -> Any:
        # as NumPy's arrays do: of booleans, a square has another dtype than a power
        return np.square(self) if type(n) is int and n == 2 else np.power(self, n)

    def astype(self, dtype: Any) -> Any:
        if dtype in (float, np.float64) and type(self.example) in (int, float):
            return self.trace.call(as_number, (self, float), {})
        return self.trace.call(astype, (self, np.dtype(dtype)), {})

    def reshape(self, *shape: Any) -> Any:
        return np.reshape(self, shape[0] if len(shape) == 1 else shape)

    def transpose(self, *axes: Any) -> Any:
        given = axes[0] if len(axes) == 1 and not isinstance(axes[0], int) else axes or None
        return np.transpose(self, given)

    @property
    def T(self) -> Any:
        return np.transpose(self)

    @property
    def mT(self) -> Any:
        return np.matrix_transpose(self)

    def copy(self, order: Any = None) -> Any:
        return self

    def __getattr__(self, name: str) -> Any:
        if hasattr(np.ndarray, name) and hasattr(np, name) and name not in IN_PLACE:
            return partial(getattr(np, name), self)
        if name in ("_array", "mask") or not hasattr(np.ndarray, name):
            raise AttributeError(f"a traced array has no attribute {name!r}")
        if name.startswith("__array"):  # what NumPy looks for to make an array of it
            self.needs_value()
        raise self.trace.untraceable(name, self)

    # ---- where the entries themselves would be needed ----

    def needs_value(self, *_: Any, **__: Any) -> Any:
        raise self.trace.untraceable("turning it into a number or a plain array", self)

    __array__ = __float__ = __int__ = __index__ = __complex__ = item = tolist = needs_value

    def __bool__(self) -> bool:
        raise self.trace.untraceable("a condition", self)

    def __setitem__(self, key: Any, value: Any) -> None:
        raise self.trace.refused(refusals.written_into("an assignment"))

    def refuse(self) -> None:
        self.trace.checks.append(self if not self.shape else np.any(self))  # type: ignore

    __hash__ = object.__hash__


def of_numbers(method: Callable[..., Any]) -> Callable[..., Any]:
    """Return an operator whose result is a Python number where its operands are."""

    def computed(self: Symbol, *others: Any) -> Any:
        result = method(self, *others)
        if all(type(concrete(x)) in (int, float) for x in (self, *others)):
            kind = float if result.dtype.kind == "f" else int
            return self.trace.call(as_number, (result, kind), {})
        return result

    return computed


for name in ("add", "sub", "mul", "truediv", "pow"):
    for method in (f"__{name}__", f"__r{name}__"):
        setattr(Symbol, method, of_numbers(getattr(Symbol, method)))
Symbol.__neg__ = of_numbers(Symbol.__neg__)  # type: ignore[method-assign]


class Trace:
    """The program as it is written."""

    def __init__(self) -> None:
        self.constants: dict[Ref, np.ndarray] = {}
        self.instructions: dict[Ref, Instruction] = {}
        self.types: dict[Ref, Type] = {}
        self.numbers: dict[Ref, type] = {}
        self._known: dict[int, tuple[np.ndarray, Symbol]] = {}  # by identity, so both are kept
        self.ignores_errors = False  # whether a part of it runs under np.errstate
        self.checks: list[Symbol] = []
        self.failed = False  # whether a call did, as an index that is out of range does
        self._state = np.geterr()

    def value(self, example: Any) -> Symbol:
        ref = Ref(len(self.types))
        self.types[ref] = Type.of(np.asarray(example))
        if type(example) in (int, float, bool):
            self.numbers[ref] = type(example)
        return Symbol(self, ref, example)

    def constant(self, array: np.ndarray) -> Symbol:
        if id(array) not in self._known:
            symbol = self.value(array)
            self._known[id(array)] = array, symbol
            self.constants[symbol.ref] = array.copy()  # as it is now: it may be a user's array
        return self._known[id(array)][1]

    def call(self, function: Callable[..., Any], args: Any, settings: Any) -> Any:
        """Write down a call, of symbols among others, and return the symbol of its result."""
        if function is np.dot and np.ndim(concrete(args[1])) == np.ndim(concrete(args[0])) == 2:
            function = np.matmul  # one name for the same product
        try:
            example = function(*concrete(args), **concrete(dict(settings)))
        except (LookupError, ArithmeticError, np.linalg.LinAlgError):  # by entries, not by shapes
            self.failed = True
            raise
        if function in OF_TYPES:
            return example
        is_array = isinstance(example, (np.ndarray, np.generic)) and example.dtype.kind in "fiub"
        if not is_array and function is not as_number:
            given, _ = flatten([args, list(settings.values())])
            raise self.untraceable(function, next(x for x in given if isinstance(x, Symbol)))
        if not isinstance(function, np.ufunc) and shape_varies(function, args, settings, example):
            raise self.refused(refusals.shape_by_values(name_of(function)))
        symbol = self.value(example)
        self.instructions[symbol.ref] = Instruction(
            function,
            tuple(self.written(arg, operand=isinstance(function, np.ufunc)) for arg in args),
            tuple((name, self.written(value)) for name, value in settings.items()),
        )
        self.ignores_errors |= np.geterr() != self._state
        return symbol

    def written(self, value: Any, operand: bool = False) -> Any:
        """Return an argument as an instruction holds it: arrays are constants."""
        if isinstance(value, Symbol):
            return value.ref
        if isinstance(value, np.ndarray) or (operand and isinstance(value, np.generic)):
            return self.constant(np.asarray(value)).ref
        if isinstance(value, (tuple, list)):
            return type(value)(self.written(item) for item in value)
        return value

    def untraceable(self, what: Any, value: Any) -> errors.UntraceableError:
        return self.refused(refusals.value_needed(name_of(what), np.shape(concrete(value))))

    def refused(self, error: Exception) -> errors.UntraceableError:
        assert isinstance(error, errors.UntraceableError)
        error.whole = self.whole
        return error

    def whole(self, function: Callable[..., Any], operands: Sequence[Any], settings: Any) -> Any:
        """Write down a function that cannot be followed as one call."""
        traced = [self.constant(x) if isinstance(x, np.ndarray) else x for x in operands]
        if any(new is not old for new, old in zip(traced, operands, strict=True)):
            try:  # once more: the method of an array takes no symbols, but that of a symbol does
                return function(*traced, **settings)
            except errors.UntraceableError:
                pass
        return self.call(function, tuple(operands), settings)


def concrete(value: Any, of: Callable[[Symbol], Any] = operator.attrgetter("example")) -> Any:
    """Return a value with an array in the place of each symbol: its own, unless ``of`` says."""
    if isinstance(value, Symbol):
        return of(value)
    if type(value) in (tuple, list):
        return type(value)(concrete(item, of) for item in value)
    if isinstance(value, dict):
        return {name: concrete(item, of) for name, item in value.items()}
    return value


#: Other values of an array of integers or booleans, to see what shape a result then has.
OTHERS: list[Callable[[np.ndarray], Any]] = [
    *(lambda a, number=number: 0 * a + number for number in (0, 1, 2)),
    *(lambda a: a + 1, np.flip),
]


def replaced(chosen: Symbol, other: Callable[[np.ndarray], Any], symbol: Symbol) -> Any:
    """Return the value of a symbol; of the chosen one, another."""
    if symbol is not chosen:
        return symbol.example
    array = np.asarray(other(np.asarray(symbol.example))).astype(symbol.dtype)
    return array if isinstance(symbol.example, np.ndarray) else array.item()


def shape_varies(function: Callable[..., Any], args: Any, settings: Any, example: Any) -> bool:
    """Whether a result has another shape for other values.

    Shapes come from masks, indices, axes and lengths: from booleans and integers.
    """
    if function in SELECT:
        return True
    given = [args, dict(settings)]
    symbols = [x for x in flatten(given)[0] if isinstance(x, Symbol) and x.dtype.kind != "f"]
    for symbol, other in product(symbols, OTHERS):
        others, named = concrete(given, partial(replaced, symbol, other))
        try:
            with np.errstate(all="ignore"):
                shape = np.shape(function(*others, **named))
        except Exception:  # an index out of range, for example
            continue
        if shape != np.shape(example):
            return True
    return False


# ---- the reverse sweep ----


@dataclass(frozen=True)
class Contribution:
    """A backward closure that cannot be followed: as one call, of the gradient and the step."""

    primitive: Any
    operand: int

    @property
    def __name__(self) -> str:
        return f"{self.primitive.__name__}_backward_{self.operand}"

    def __call__(self, g: Any, output: Any, *operands: Any, **params: Any) -> Any:
        found = self.primitive.rule(output, *operands, **params)
        return (found if isinstance(found, (tuple, list)) else (found,))[self.operand](g)


def closures(tensor: Tensor, recorded: bool) -> list[Any]:
    """Return the closures of a step; one that cannot be followed is one call."""
    try:
        found: Sequence[Any] = tensor.closures(recorded)
    except errors.UntraceableError as reason:
        found = [reason if x is not None and x.requires_grad else None for x in tensor.inputs]
    return [
        None if closure is None else partial(followed, closure, tensor, operand)
        for operand, closure in enumerate(found)
    ]


def followed(closure: Any, tensor: Tensor, operand: int, g: Any) -> Any:
    try:
        if isinstance(closure, errors.UntraceableError):
            raise closure
        return closure(g)
    except errors.UntraceableError as reason:
        values = (g, tensor._array, *tensor.operands)
        return reason.whole(Contribution(tensor.primitive, operand), values, tensor.params)


# ---- a function ----


def trace(
    function: Callable[[list[Any]], Any], arrays: Sequence[Any], wrt: Sequence[int] | None
) -> tuple[Program, Structure]:
    """Return the program of a function, and the structure of what it returns.

    ``function`` takes the arrays as one list; those of the numbers ``wrt`` are Tensors there, and
    the others as they are, as in `value_and_grad`. The program computes the value, one number, and
    its gradients by these; or without ``wrt``, what the function returns.
    """
    written = Trace()
    symbols = [written.value(array) for array in arrays]
    given: list[Any] = list(symbols)
    for i in wrt or ():
        given[i] = Tensor(np.asarray(arrays[i]), requires_grad=True)
        given[i]._array = symbols[i]
    with differentiating():
        output = function(given)
        if wrt is None:
            leaves, structure = flatten(output, data=())
            results = [value_of(leaf) for leaf in leaves]
        else:
            check_value(output)
            structure = None
            results = [output._array, *gradients_of(written, output, [given[i] for i in wrt])]
    if written.failed:
        raise refusals.error_caught()
    program = Program(
        tuple(symbol.ref for symbol in symbols),
        written.constants,
        written.instructions,
        tuple(written.written(result, operand=True) for result in [*results, *written.checks]),
        written.types,
        written.numbers,
        written.ignores_errors,
        len(written.checks),
    )
    return program, structure


def check_value(output: Any) -> None:
    if not isinstance(output, Tensor):
        raise TypeError(
            f"the function to compile returned {output!r:.60}, not a Tensor: build its result from "
            "its arguments, with operations that record."
        )
    if output.size != 1:
        raise ValueError(
            f"the function to compile must return one number, not {output.described()}: "
            "reduce it, as with .sum(); or compile with wrt=None, without gradients."
        )


def value_of(leaf: Any) -> Any:
    if isinstance(leaf, Symbol):
        return leaf
    if not isinstance(leaf, Tensor):
        return real_array(leaf, floating=False)
    for tensor in recorded_tensors(leaf):
        check_given(tensor)
    return leaf._array


def check_given(leaf: Tensor) -> None:
    """Refuse a parameter from outside, whose value would be a constant of the program."""
    if leaf.primitive is None and leaf.requires_grad and not isinstance(leaf._array, Symbol):
        raise refusals.captured(leaf)


def gradients_of(written: Trace, output: Tensor, inputs: Sequence[Tensor]) -> list[Any]:
    found: dict[int, Any] = {x.id: np.zeros(x.shape, x.dtype) for x in inputs}
    if output.requires_grad:
        start = written.constant(np.ones(output.shape, output.dtype))
        for tensor, g in sweep([(output, start)], closures):
            check_given(tensor)
            if tensor.id in found:
                found[tensor.id] = g if g.dtype == tensor.dtype else g.astype(tensor.dtype)
    return [found[x.id] for x in inputs]
