"""A module: a part of a model that finds its parameters, names them and groups what it records."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from types import GeneratorType
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from .. import arguments, errors, keywords
from ..engine import Tensor
from ..notation.printed import as_html, as_text
from ..operators import value_of
from ..recording import Traced, current, inside
from .habits import missing_of_model

if TYPE_CHECKING:
    from rich.table import Table

#: How many columns of text the table of a model may take.
WIDTH = 100


def no_forward(self: Module, *_: Any, **__: Any) -> Any:
    raise errors.no_forward(type(self).__name__)


class Module:
    """A layer, or a model made of layers: write ``__init__`` and ``forward``, and call it.

    What is assigned to an attribute belongs to the module, also in lists, tuples and dicts: a
    Module, a parameter (a Tensor with ``requires_grad=True``) and a buffer (one without, which is
    saved but not trained). Each is named by its path, such as ``layers.0.weight``, and a call of a
    part groups what it records under the part's name, as `bp.scope` does; so a picture shows the
    layers.

    Attributes
    ----------
    training
        Whether the module is being trained, which matters to `Dropout` and `BatchNorm`; see
        `train` and `eval`.

    Raises
    ------
    TypeError
        For a plain array, unless the attribute's name begins with an underscore; when called, if
        ``forward`` is missing or returns nothing.
    ValueError
        For an attribute of the name of a method, such as ``train``; in ``__init__``, and in place
        of a parameter or a buffer that was there at the first call, for a Tensor that was computed
        from one that needs a gradient. Under any other name ``forward`` may keep what it computes.

    Examples
    --------
    >>> class Net(bp.nn.Module):
    ...     def __init__(self, rng):
    ...         self.hidden = bp.nn.Linear(2, 3, rng=rng)
    ...         self.scale = bp.tensor(1.0, requires_grad=True)
    ...
    ...     def forward(self, x):
    ...         return self.scale * bp.tanh(self.hidden(x))
    >>> net = Net(np.random.default_rng(0))
    >>> net(np.ones((5, 2))).shape
    (5, 3)
    >>> [name for name, parameter in net.named_parameters()]
    ['hidden.weight', 'hidden.bias', 'scale']
    """

    training: bool = True
    _scope: str | None = None  # its name in the module above; "" if it is the outermost
    _declared: frozenset[str] | None = None  # what held Tensors of its own at the first call

    forward: Callable[..., Any] = no_forward

    def __setattr__(self, name: str, value: Any) -> None:
        if callable(getattr(Module, name, None)) and name != "forward":
            raise errors.taken_name(type(self).__name__, name)
        if name == "requires_grad":  # of each parameter: here, it would do nothing
            raise missing_of_model(type(self).__name__, name, ())
        list(parts(name, value, type(self).__name__))  # an array raises, here already
        held = vars(self).get(name)
        was_trained = isinstance(held, Tensor) and held.primitive is None and held.requires_grad
        if was_trained and isinstance(value, Tensor) and not value.requires_grad:
            raise errors.no_longer_trained(f"{type(self).__name__}.{name}")
        if self._declared is None or name in self._declared:
            value = as_own(f"{type(self).__name__}.{name}", value)
        super().__setattr__(name, value)

    def __call__(self, *inputs: Any, **named: Any) -> Any:
        """Return what ``forward`` returns, recorded under the name of this module."""
        if self._scope is None:  # nobody has named it, so it is the outermost, and names its parts
            self._scope = ""
            self.named_modules()
        if self._declared is None:
            own = [path for path, part in self._own() if isinstance(part, Tensor)]
            self._declared = frozenset(path.partition(".")[0] for path in own)
        if named:
            keywords.check(self._described(), type(self).forward, named)
        state = current.get()
        # as bp.scope does, in less time: a model calls many layers
        kind = type(self).__name__
        token = current.set(inside(state, self._scope, kind) if self._scope else state)
        try:
            output = self.forward(*inputs, **named)
        finally:
            current.reset(token)
        if output is None:
            raise errors.forward_returned_nothing(type(self).__name__)
        return output

    def __array__(self, *_: Any, **__: Any) -> np.ndarray:
        """Refuse to be the operand of an operation, which only its output can be."""
        raise errors.a_layer(type(self).__name__)

    def __getattr__(self, name: str) -> Any:
        if hasattr(type(self), name):  # a property, in which another name is missing
            return object.__getattribute__(self, name)
        raise missing_of_model(type(self).__name__, name, dir(self))

    # ---- what it is made of ----

    def _attributes(self) -> Mapping[str, Any]:
        """Return what is looked through for modules and Tensors, by name."""
        return vars(self)

    def _own(self) -> Iterator[tuple[str, Module | Tensor]]:
        """Yield the modules and Tensors that were assigned to it, by name."""
        for name, value in self._attributes().items():
            yield from parts(name, value, type(self).__name__)

    def _walk(
        self, path: str = "", name: str = "", above: tuple[Module, ...] = ()
    ) -> Iterator[tuple[str, Module | Tensor]]:
        """Yield this module and all that it is made of, by path; each part gets its name.

        That is its path, but of a numbered layer it says the kind: ``linear0.weight``, as a formula
        cannot begin with a number.
        """
        if self in above:
            raise errors.holds_itself(type(self).__name__, path)
        yield path, self
        for here, part in self._own():
            below, called = f"{path}.{here}" if path else here, here
            if isinstance(part, Module):
                if here[0].isdigit():
                    called = f"{type(part).__name__.lower()}{here}"
                part._scope = called
                inner = f"{name}.{called}" if name else called
                yield from part._walk(below, inner, (*above, self))
            else:
                full = f"{name}.{here}" if name else here
                if part.name is None or full.endswith(f".{part.name}"):
                    part.name = full  # but it keeps what it was given, and a path from further out
                yield below, part

    def named_modules(self) -> list[tuple[str, Module]]:
        """Return this module, whose path is ``""``, and all modules in it, with their paths."""
        return [(path, part) for path, part in self._walk() if isinstance(part, Module)]

    def named_tensors(self) -> list[tuple[str, Tensor]]:
        """Return parameters and buffers with their paths; a shared one appears under each path."""
        return [(path, part) for path, part in self._walk() if isinstance(part, Tensor)]

    def named_parameters(self) -> list[tuple[str, Tensor]]:
        """Return every parameter once, with its path."""
        first = {t.id: (path, t) for path, t in reversed(self.named_tensors()) if t.requires_grad}
        return list(reversed(first.values()))

    def parameters(self) -> list[Tensor]:
        """Return every parameter once: what an optimiser takes."""
        return [parameter for _, parameter in self.named_parameters()]

    def zero_grad(self) -> None:
        """Forget the gradients of all parameters."""
        for parameter in self.parameters():
            parameter.zero_grad()

    # ---- its state ----

    def train(self, mode: bool = True) -> Self:
        """Set this module and all modules in it to training; return it."""
        for _, module in self.named_modules():
            module.training = mode
        return self

    def eval(self) -> Self:
        """Set this module and all modules in it to evaluation, the reverse of `train`."""
        return self.train(False)

    def state_dict(self) -> dict[str, np.ndarray]:
        """Return copies of the values of all parameters and buffers, by path.

        Examples
        --------
        >>> {path: value.shape for path, value in bp.nn.Linear(3, 2).state_dict().items()}
        {'weight': (2, 3), 'bias': (2,)}
        """
        return {path: tensor.data.copy() for path, tensor in self.named_tensors()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Set all parameters and buffers, or none if something does not fit.

        Parameters
        ----------
        state
            Arrays or Tensors by path, as `state_dict` returns them: from here or from PyTorch.
            They are converted to the dtype that the module has.

        Raises
        ------
        ValueError
            Naming the entries that are missing, unexpected, or of another shape or type; the module
            stays as it was.

        Examples
        --------
        >>> a, b = bp.nn.Linear(3, 2), bp.nn.Linear(3, 2)
        >>> a.load_state_dict(b.state_dict())
        >>> bool((a.weight.data == b.weight.data).all())
        True
        >>> a.load_state_dict({"weight": np.zeros((3, 2))})
        Traceback (most recent call last):
            ...
        ValueError: Linear takes another state: bias is missing; weight has shape (2, 3) here and \
(3, 2) there.
        """
        if not isinstance(state, Mapping):
            raise errors.no_weights(state)
        for name, value in state.items():
            if isinstance(value, Mapping):
                raise errors.state_of_states("model" if "model" in state else name)
        own = dict(self.named_tensors())
        values = {path: np.asarray(value_of(value)) for path, value in state.items()}
        wrong = [f"{path} is missing" for path in own if path not in values]
        wrong += misfits(own, values)
        if wrong:
            if any(path.endswith("_l0") for path in values):
                wrong.append("a cell has the names of nn.LSTM's layer 0 without their suffix, _l0")
            raise errors.other_state(type(self).__name__, "; ".join(wrong))
        fitting = {path: values[path].astype(tensor.dtype) for path, tensor in own.items()}
        for path, tensor in own.items():
            tensor.data = fitting[path]

    # ---- how it is shown ----

    def __repr__(self) -> str:
        total = sum(parameter.size for parameter in self.parameters())
        return f"<{type(self).__name__}: {total:,} parameters>"

    def __str__(self) -> str:
        return as_text(self, WIDTH)

    def _repr_html_(self) -> str:
        return as_html(self, WIDTH)

    def __rich__(self) -> Table:
        from rich.box import SIMPLE_HEAD
        from rich.table import Table
        from rich.text import Text

        table = Table(title=repr(self)[1:-1], title_justify="left", box=SIMPLE_HEAD)
        for head in ("layer", "kind", "what it holds"):
            table.add_column(head, overflow="fold")
        table.add_column("parameters", justify="right")
        seen: set[int] = set()  # a shared parameter counts once
        for path, module in self.named_modules():
            own = list(module._own())
            tensors = [(name, part) for name, part in own if isinstance(part, Tensor)]
            if tensors or not own:  # not what only groups others
                trained = sum(t.size for _, t in tensors if t.requires_grad and t.id not in seen)
                seen |= {t.id for _, t in tensors}
                held = ", ".join(f"{name} {t.shape}" for name, t in tensors)
                table.add_row(Text(path), type(module).__name__, Text(held), f"{trained:,}")
        return table

    def _described(self) -> str:
        """Say which layer is meant, for error messages: ``layers.0 (Linear)``."""
        path, kind = current.get().scope.replace("/", "."), type(self).__name__
        return f"{path} ({kind})" if path else kind

    def _check_width(self, x: Any, width: int, axis: int = -1, what: str = "feature") -> None:
        """Raise unless x has so many features, or whatever they are, on an axis."""
        if not -len(x.shape) <= axis < len(x.shape) or x.shape[axis] != width:
            many = f"{width} {what}{'s' * (width != 1)}"
            raise errors.wrong_input(self._described(), f"{many} on axis {axis}", x)


def as_own(name: str, value: Any) -> Any:
    """Return the value of an attribute of parameters or buffers, which are computed from nothing.

    What was computed from constants is one, and so a buffer. What was computed from parameters
    would vanish from the state.
    """
    for part in arguments.parts(value):
        if isinstance(part, Tensor) and part.primitive is not None:
            if part.requires_grad or part is not value:
                raise errors.computed_attribute(name, part)
            if isinstance(part._array, Traced):
                raise errors.traced_value_kept(part)
            value = part.detach()
    return value


def parts(name: str, value: Any, owner: str) -> Iterator[tuple[str, Module | Tensor]]:
    """Yield what belongs to a module in the value of an attribute, with its path from there."""
    if isinstance(value, Module) or (isinstance(value, Tensor) and value.primitive is None):
        yield name, value
    elif isinstance(value, (list, tuple, dict)):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in items:
            yield from parts(f"{name}.{key}", item, owner)
    elif isinstance(value, (GeneratorType, map)) or (
        isinstance(value, (set, frozenset, deque))
        and any(isinstance(item, (Module, Tensor)) for item in value)
    ):
        raise errors.not_looked_into(f"{owner}.{name}", type(value).__name__)
    elif isinstance(value, np.ndarray) and not name.startswith("_"):
        raise errors.plain_array(f"{owner}.{name}")


def misfits(own: Mapping[str, Tensor], values: Mapping[str, Any]) -> list[str]:
    """Say which values by path have no place in a module, or another shape or type there."""
    wrong = [f"{path} is unexpected" for path in values if path not in own]
    for path in filter(values.__contains__, own):
        here, there = own[path], values[path]
        if here.shape != there.shape:
            wrong.append(f"{path} has shape {here.shape} here and {there.shape} there")
        elif not np.can_cast(there.dtype, here.dtype, "same_kind"):
            wrong.append(f"{path} is {here.dtype} here and {there.dtype} there")
    return wrong


class Sequential(Module):
    """Layers in a row: each takes what the one before returns.

    Parameters
    ----------
    layers
        Modules, or functions of one argument. They can be indexed, sliced and counted.

    Examples
    --------
    >>> nn, rng = bp.nn, np.random.default_rng(0)
    >>> model = nn.Sequential(nn.Linear(4, 3, rng=rng), nn.ReLU(), nn.Linear(3, 2, rng=rng))
    >>> model(np.ones((5, 4))).shape, len(model.parameters())
    ((5, 2), 4)
    >>> print(model)
    Sequential: 23 parameters
    <BLANKLINE>
      layer   kind     what it holds              parameters
     ────────────────────────────────────────────────────────
      0       Linear   weight (3, 4), bias (3,)           15
      1       ReLU                                         0
      2       Linear   weight (2, 3), bias (2,)            8
    """

    def __init__(self, *layers: Callable[[Any], Any]) -> None:
        for i, layer in enumerate(layers):
            if not callable(layer) or isinstance(layer, type):  # nn.ReLU where nn.ReLU() is meant
                raise errors.no_layer(i, layer)
        self.layers = layers

    def _attributes(self) -> Mapping[str, Any]:
        """Return the layers by number, as PyTorch names them."""
        return {str(i): layer for i, layer in enumerate(self.layers)}

    def forward(self, x: Any) -> Any:
        for layer in self.layers:
            x = layer(x)
        return x

    def __getitem__(self, i: int | slice) -> Any:
        return Sequential(*self.layers[i]) if isinstance(i, slice) else self.layers[i]

    def __len__(self) -> int:
        return len(self.layers)
