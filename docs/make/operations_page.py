"""Make docs/operations.md, the reference page of all operations, from the rule table.

    python docs/make/operations_page.py [FILE]

What a row says comes from the entry itself: its name, its parameters, the first line of its
docstring. A test compares the page with what this script would write.
"""

import inspect
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

import tinygrad_bp as bp
from tinygrad_bp.rules import FAMILIES
from tinygrad_bp.table import FUNCTIONS, TABLE

PAGE = Path(__file__).parents[1] / "operations.md"

INTRODUCTION = """\
# Operations

This page is made from the rule table by `python docs/make/operations_page.py`; do not edit it.

Operands come first. They may be Tensors, arrays or numbers. If a Tensor is among them, the step is
recorded; if not, the result is a plain array. Further arguments follow, such as an axis or a shape;
no gradient flows to them. An operation that NumPy has too has NumPy's name and meaning.

- **NumPy** is the function that records the same step when it is called on a Tensor. A function of
  NumPy's that is not in the table raises a `TypeError` that says what to write instead. One whose
  result carries no gradient, such as `np.argmax`, gives a plain array.
- **Rule** says where the derivative comes from. *own*: the entry has a backward rule. *own, twin*:
  it also has a twin, the same function composed of simpler operations, and tests compare the two.
  *composed*: the function is made of other entries, and needs no rule.
- An entry without `bp.` in its name is used by the rules of others, or is written as an operator.

`+`, `-`, `*`, `/`, `%`, `//`, `@`, `**`, unary `-`, unary `+`, `abs()` and `t[key]` record on
Tensors, and so do the properties `t.T` and `t.mT`. Comparisons such as `t > 0` give plain arrays of
booleans.

Where NumPy's result for integers and booleans is an integer, as for `a + b`, the result is the same
here. Other functions, such as `bp.exp`, `bp.softmax` and `bp.norm`, compute integers in float64,
also where NumPy would compute in 16 or 32 bits. A float result is float64 or float32, never
float16.

Of matrices with equal eigenvalues or singular values, the vectors have no slope, and the values
have one only together, as in their sum: else the gradient is NaN. So is that of `bp.linalg.pinv`
and `lstsq` where the rank is not full. A singular matrix has no inverse, and the slope of its
determinant is refused with it. Of a symmetric matrix, NumPy reads the lower triangle, and the
gradient is that of those entries.

Refused, with a sentence that says what to write: complex results (`np.linalg.eig`, `np.fft`),
`np.linalg.svd` of a matrix that is not square with `full_matrices=True`, `np.linalg.qr`, the modes
of `np.pad` and `np.take` that are not in the table, `prepend=` and `append=` of `np.diff`, `kind=`
of `np.sort`, `returned=` of `np.average`, `divisor_override=` of pooling, and `out=`, `where=` and
`dtype=` of NumPy's functions.

Where a function has a corner, the slope of one side is taken; the table says which. If the second
derivative grows without bound toward the corner, as that of `bp.norm` at 0, it is NaN there.

Images that come out of `bp.conv2d` have
`(rows + 2 * padding - dilation * (kernel_rows - 1) - 1) // stride + 1` rows, and columns likewise.

Where samples are columns, the classes are on axis 0: write `bp.softmax(z, axis=0)` and
`bp.cross_entropy(z, classes, axis=0)`. The default of `bp.cross_entropy`, `axis=1`, is for logits
of shape (sample, class).

```python
import numpy as np
import tinygrad_bp as bp

z = bp.tensor(np.zeros((3, 2)), requires_grad=True)  # two samples, as columns, of three classes
print(bp.cross_entropy(z, [0, 2], axis=0).item() == np.log(3))
```

```text
True
```

{methods}
"""

#: How entries are written that have no public name of their own.
WRITTEN = {"getitem": "t[key]", "identity": "+t"}


def page() -> str:
    """Return the text of the page."""
    names = ", ".join(f"`{name}`" for name in TABLE if callable(getattr(bp.Tensor, name, None)))
    methods = textwrap.fill(f"These are also methods of a Tensor: {names}.", width=100)
    return "\n".join([INTRODUCTION.format(methods=methods), *map(section, FAMILIES)])


def section(family: ModuleType) -> str:
    """Return the part of the page for one family: a heading, a sentence and a table."""
    file = family.__name__.rpartition(".")[2]
    lines = [
        f"## {file.replace('_', ' ').capitalize()}",
        "",
        first_line(family),
        f"They are in [`rules/{file}.py`](../tinygrad_bp/rules/{file}.py).",
        "",
        "| name | signature | what it returns | NumPy | rule |",
        "|---|---|---|---|---|",
    ]
    for name, entry in entries(family):
        cells = (
            code(public_name(name)),
            code(signature(entry)),
            first_line(entry).removeprefix("Return ").replace("|", r"\|"),
            code(numpy_name(name)),
            rule(entry),
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, ""])


def entries(family: ModuleType) -> Iterator[tuple[str, Callable[..., Any]]]:
    """Give the entries of the table that a family defines, in the order of its file."""
    for name, entry in vars(family).items():
        if name in TABLE and TABLE[name] is entry and entry.__module__ == family.__name__:
            yield name, entry


def public_name(name: str) -> str:
    """Return what a user writes for an entry."""
    return f"bp.{name}" if hasattr(bp, name) else WRITTEN.get(name, name)


def signature(entry: Callable[..., Any]) -> str:
    """Write an entry's parameters as it may be called, without their types."""
    shown = []
    for name, parameter in inspect.signature(entry).parameters.items():
        if parameter.kind is parameter.VAR_POSITIONAL and isinstance(entry, bp.Primitive):
            shown.append(name)  # given as one list
        else:
            # Settings may be given by position too, as in NumPy.
            kind = parameter.kind
            if kind is parameter.KEYWORD_ONLY:
                kind = parameter.POSITIONAL_OR_KEYWORD
            shown.append(str(parameter.replace(annotation=parameter.empty, kind=kind)))
    return f"({', '.join(shown)})"


def first_line(documented: Any) -> str:
    """Return the first line of a docstring."""
    return str(documented.__doc__).strip().splitlines()[0]


def numpy_name(name: str) -> str:
    """Return the NumPy function that records the same step on a Tensor, if there is one."""
    for function, entry in FUNCTIONS.items():
        if entry is TABLE[name]:
            inside = getattr(np, function.__name__, None) is function
            return f"{'np' if inside else 'np.linalg'}.{function.__name__}"
    return ""


def rule(entry: Callable[..., Any]) -> str:
    """Say where the derivative of an entry comes from."""
    if not isinstance(entry, bp.Primitive):
        return "composed"
    return "own" if entry.composed is None else "own, twin"


def code(text: str) -> str:
    """Mark text as code, in a table's cell."""
    return f"`{text}`" if text else ""


def main() -> None:
    """Write the page."""
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else PAGE
    path.write_text(page(), encoding="utf-8")
    print(path)


if __name__ == "__main__":
    main()
