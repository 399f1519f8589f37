"""`compile`: a function and its gradients as a program that is written once and runs fast."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from importlib import import_module
from itertools import accumulate
from time import process_time
from typing import Any, NamedTuple

import numpy as np

from ..arguments import Structure, flatten, real_array, unflatten
from ..engine import Tensor
from ..keywords import answered
from ..recording import current
from ..transforms import value_and_grad
from . import refusals
from .passes import PASSES
from .program import Built, Interface, Program, type_of
from .trace import trace

#: Programs that a compiled function keeps, one for each combination of shapes and dtypes; the one
#: that was not used for longest goes first.
MOST_PROGRAMS = 32

#: The file of each back end.
BACKENDS = {"numpy": ".numpy_text", "numba": ".numba_text", "jax": ".jax_text"}

#: The packages that a back end needs.
PACKAGES = {"numba": "numba scipy", "jax": "jax"}

#: The object that NumPy has for a dtype: an array may have an equal one, as of a pickle.
DTYPES = {np.dtype(code): np.dtype(code) for code in "?bBhHiIlLfd"}


class Version(NamedTuple):
    """What was written for one combination of shapes and dtypes."""

    traced: Program
    built: Built
    seconds: float  # that it took to write, and to compile where the back end does so


class Compiled:
    """A compiled function, made by `compile`."""

    def __init__(
        self, function: Callable[..., Any], backend: str, wrt: int | Sequence[int] | None
    ) -> None:
        self.function, self.wrt = function, wrt
        try:
            self.backend = import_module(BACKENDS[backend], __package__)
        except ModuleNotFoundError as error:
            raise refusals.packages_missing(backend, PACKAGES[backend], error) from error
        self.passes = (*PASSES, *self.backend.PASSES)
        self.versions: OrderedDict[Hashable, Version] = OrderedDict()
        self.lock = threading.RLock()
        self.latest: Callable[..., Any] = lambda *_: None

    def __call__(self, *args: Any, **named: Any) -> Any:
        """Return the value and the gradients, for arguments as `value_and_grad` takes them."""
        if named:
            raise refusals.by_position(", ".join(named))
        if current.get().watched:  # for NaN, operation by operation
            return self.uncompiled(args)
        try:
            found = self.latest(*args)
        except Exception:  # another number of arguments, key or order in memory, or a refusal
            found = None
        return self.of_other_types(args) if found is None else found

    def of_other_types(self, args: tuple[Any, ...]) -> Any:
        """Run a program for other shapes than in the call before; write it, if there is none."""
        parts = [flatten(arg) for arg in args]
        arrays = [self.plain(leaf) for leaves, _ in parts for leaf in leaves]
        structures = tuple(structure for _, structure in parts)
        moving = None if self.wrt is None else self.moving([len(leaves) for leaves, _ in parts])
        for i in moving or ():
            if np.result_type(arrays[i]).kind != "f" or not hasattr(arrays[i], "dtype"):
                arrays[i] = np.array(arrays[i], np.float64)
        key = (structures, *(type_of(array) for array in arrays))
        leaves = iter(arrays)
        given = [unflatten(structure, leaves) for structure in structures]
        with self.lock:
            if key not in self.versions:
                try:
                    self.versions[key] = self.written(arrays, structures, moving)
                except TypeError:  # not what can be compiled
                    raise
                except Exception:
                    self.uncompiled(given)  # which says what is wrong with the entries
                    raise
                if len(self.versions) > MOST_PROGRAMS:
                    self.versions.popitem(last=False)
            self.versions.move_to_end(key)
            run = self.latest = self.versions[key].built.run
        try:
            found = run(*given)
        except (ArithmeticError, LookupError, RuntimeError, ValueError):
            found = None
        # the engine refuses entries, such as a number of a class that is not there
        return self.uncompiled(given) if found is None else found

    def uncompiled(self, args: Sequence[Any]) -> Any:
        """Return what the engine makes of the arguments, or raise as it does."""
        if self.wrt is not None:
            return value_and_grad(self.function, self.wrt)(*args)
        leaves, structure = flatten(self.function(*args), data=())
        return unflatten(structure, iter([np.array(getattr(x, "_array", x)) for x in leaves]))

    def moving(self, counts: list[int]) -> list[int]:
        """Return which leaves to differentiate by, for arguments of so many leaves each."""
        n, starts = len(counts), [0, *accumulate(counts)]
        for i in self.positions():
            if not -n <= i < n:
                raise ValueError(f"there is no argument {i} to differentiate by: {n} were given.")
        return [leaf for i in self.positions() for leaf in range(starts[i % n], starts[i % n + 1])]

    def positions(self) -> Sequence[int]:
        assert self.wrt is not None
        return [self.wrt] if isinstance(self.wrt, int) else self.wrt

    def written(
        self, arrays: list[Any], structures: tuple[Structure, ...], moving: list[int] | None
    ) -> Version:
        def function(given: list[Any]) -> Any:
            leaves = iter(given)
            return self.function(*(unflatten(structure, leaves) for structure in structures))

        start = process_time()
        examples = [np.asarray(a) if hasattr(a, "shape") else a for a in arrays]
        traced, of_value = trace(function, examples, moving)
        if not same(traced, trace(function, examples, moving)[0]):
            raise refusals.differs_from_run_to_run()
        if moving is not None:
            by = tuple(structures[i] for i in self.positions())
            of_value = (
                tuple,
                None,
                (None, by[0] if isinstance(self.wrt, int) else (tuple, None, by)),
            )
        program = traced
        for apply in self.passes:
            program = apply(program)
        built = self.backend.build(program, Interface(structures, of_value))
        return Version(traced, built, process_time() - start)

    def plain(self, leaf: Any) -> Any:
        """Return an argument as an array, or as the Python number that it is."""
        if isinstance(leaf, Tensor):
            raise refusals.tensor_to_compiled(leaf)
        if type(leaf) in (int, float, bool) or isinstance(leaf, self.backend.ARRAYS):
            return leaf
        known = type(leaf) is np.ndarray and leaf.dtype in DTYPES
        array = leaf if known else real_array(leaf, floating=False)
        dtype = DTYPES[array.dtype.newbyteorder("=")]
        array = array if array.dtype is dtype else array.astype(dtype)
        return np.asarray(array, order="C")  # which kernels of Numba take alone

    @property
    def current(self) -> Version:
        if not self.versions:
            raise refusals.no_program()
        return next(reversed(self.versions.values()))

    @property
    def seconds(self) -> float:
        """The CPU time that it took to write and compile the program that ran last."""
        return self.current.seconds

    @property
    def source(self) -> str:
        """The text of the program that ran last."""
        return self.current.built.source

    def explain_passes(self) -> str:
        """Return the latest program as it was traced, and as it was after each pass."""
        program = self.current.traced
        parts = [f"traced, {len(program.instructions)} instructions\n{program}"]
        for apply in self.passes:
            after = apply(program)
            count = len(after.instructions)
            what = f"{apply.__name__}: {len(program.instructions)} -> {count} instructions"
            parts.append(what if str(after) == str(program) else f"{what}\n{after}")
            program = after
        return "\n\n".join([*parts, *self.current.built.notes])


def same(a: Program, b: Program) -> bool:
    """Whether two programs do the same: if not, the function draws random numbers, or the like."""
    constants = zip(a.constants.items(), b.constants.items(), strict=False)
    return str(a) == str(b) and all(
        x == y and np.array_equal(first, second, equal_nan=first.dtype.kind == "f")
        for (x, first), (y, second) in constants
    )


@answered
def compile(
    function: Callable[..., Any], backend: str = "numpy", wrt: int | Sequence[int] | None = 0
) -> Compiled:
    """Return a compiled function: it takes arrays and returns the value and the gradients.

    It does what ``bp.value_and_grad(function, wrt)`` does, in less time. In the first call the
    function runs on Tensors that write down what is done to them, forward and backward: a program
    of NumPy calls, which is made shorter and is all that later calls run. There is one program for
    each combination of shapes and dtypes; the 32 used last are kept.

    Parameters
    ----------
    function
        Takes Tensors and arrays, and returns a Tensor with one entry. What it does may depend on
        shapes, and not on entries.
    backend
        ``"numpy"``, which needs nothing else; ``"numba"``, compiled loops, which needs Numba and
        SciPy, and some seconds at first; or ``"jax"``, for any device that JAX has.
    wrt
        The argument to differentiate by, or a list of them, as ``argnums`` of `value_and_grad`; an
        argument may be an array, or lists and dictionaries of arrays. With None, the compiled
        function returns what the function returns: arrays, alone or in lists and dictionaries.

    Returns
    -------
    Compiled
        The function. Its attribute ``source`` is the text of the program that ran last, and its
        method ``explain_passes()`` shows how that came about.

    Raises
    ------
    ImportError
        If what the back end needs is not installed.
    TypeError
        When called: if the function needs the entries of an array, as for ``if loss > 1:``; if it
        is given a Tensor, or does not return one.
    ValueError
        When called: if the value has several entries; if the function uses a Tensor that needs a
        gradient and is not its argument; if it is not the same when run twice, as it draws random
        numbers: give those as an argument.

    Examples
    --------
    >>> import tinygrad_bp as bp
    >>> import numpy as np
    >>> value_and_slope = bp.compile(lambda x: (x * x).sum())
    >>> value_and_slope(np.array([1.0, 2.0]))
    (array(5.), array([2., 4.]))
    """
    if not callable(function):
        raise refusals.no_function(function)
    if hasattr(function, "named_parameters"):
        raise refusals.a_model(function)
    if not all(isinstance(i, int) for i in ([] if wrt is None else np.atleast_1d(wrt).tolist())):
        raise refusals.no_position(wrt)
    if backend not in BACKENDS:
        raise refusals.no_backend(backend, ", ".join(map(repr, BACKENDS)))
    return Compiled(function, backend, wrt)
