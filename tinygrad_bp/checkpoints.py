"""Save and load: a model, an optimiser, a generator, in one safetensors file. No code is in it.

The arrays are tensors of the file, under their path, as PyTorch writes a ``state_dict``. All else
is JSON in the header: what holds what, numbers and text, and the name of the tensor for an array.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from . import errors
from .errors import CheckpointError as CheckpointError
from .keywords import answered
from .saving import save as save_as
from .variable import Variable

#: Where the header has our JSON. A file of others does not have it, and is a dict of its tensors.
KEY = "tinygrad_bp"

#: In the JSON, an object of this one key stands for an array: it has its name.
ARRAY = "$array"

#: The types of the format that NumPy has.
TYPES = {f"{kind}{8 * n}": f"<{kind.lower()}{n}" for kind in "FIU" for n in (1, 2, 4, 8)}
del TYPES["F8"]


@answered
def save(state: Mapping[str, Any], path: str | Path) -> None:
    """Save a state as a safetensors file. The file is written as a whole or not at all.

    Parameters
    ----------
    state
        A dict with text as keys, such as ``model.state_dict()``, of arrays, Tensors, numbers,
        text, booleans, None, and of lists, tuples and dicts of these. Of a generator, save
        ``rng.bit_generator.state``.
    path
        Where to; it ends in ".safetensors". Folders that are missing are made.

    Raises
    ------
    TypeError
        If something in it is of another kind.
    ValueError
        If the path ends otherwise; if two arrays would have one name in the file, such as
        ``{"a.b": x, "a": {"b": y}}``.
    ImportError
        Without the package safetensors.

    See Also
    --------
    load : What reads it.

    Notes
    -----
    PyTorch reads the arrays with ``safetensors.torch.load_file``: that of ``state["model"]["w"]``
    under the name "model.w".

    Examples
    --------
    >>> import numpy as np
    >>> import tinygrad_bp as bp
    >>> rng = np.random.default_rng(0)
    >>> w = bp.tensor(rng.normal(size=3), requires_grad=True)
    >>> optimizer = bp.optim.Adam([w])
    >>> bp.save({"w": w, "optimizer": optimizer.state_dict(), "epoch": 7,
    ...          "rng": rng.bit_generator.state}, "run.safetensors")  # doctest: +SKIP
    >>> state = bp.load("run.safetensors")  # doctest: +SKIP
    >>> w.data = state["w"]  # doctest: +SKIP
    >>> optimizer.load_state_dict(state["optimizer"])  # doctest: +SKIP
    >>> rng.bit_generator.state = state["rng"]  # doctest: +SKIP
    """
    if not isinstance(state, Mapping):
        raise errors.no_state(state)
    arrays: dict[str, np.ndarray] = {}
    text = json.dumps(as_json(state, (), arrays))  # Python's JSON has infinity and NaN too
    package = format_of_files()
    whole = {".safetensors": lambda: package.numpy.save(arrays, metadata={KEY: text})}
    save_as(path, "a state", whole)


def as_json(value: Any, path: tuple[str, ...], arrays: dict[str, np.ndarray]) -> Any:
    """Return a value as JSON has it, and put the arrays in it among the others."""
    if isinstance(value, Mapping):
        if not all(isinstance(key, str) and key != ARRAY for key in value):
            raise errors.bad_key(where(path), list(value))
        return {key: as_json(item, (*path, key), arrays) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [as_json(item, (*path, str(i)), arrays) for i, item in enumerate(value)]
    if isinstance(value, (str, int, float, type(None))):
        return value
    array = value.data if isinstance(value, Variable) else value
    if not isinstance(array, (np.ndarray, np.generic)) or array.dtype.kind not in "fiub":
        raise errors.cannot_be_saved(where(path), value)
    name = ".".join(path)
    if name in arrays or name == "__metadata__":
        raise errors.name_taken(name)
    # In one piece and in the order of the format, which safetensors takes for granted.
    arrays[name] = np.array(array, dtype=array.dtype.newbyteorder("<"), order="C")
    return {ARRAY: name}


def where(path: tuple[str, ...]) -> str:
    return "state" + "".join(f"[{key!r}]" for key in path)


@answered
def load(path: str | Path) -> dict[str, Any]:
    """Load a file that `save` wrote, or another safetensors file, such as PyTorch's.

    Nothing in the file is run, and no name in it is taken for a path.

    Parameters
    ----------
    path
        The file.

    Returns
    -------
    dict
        The state, with arrays in place of Tensors and lists in place of tuples; of a file of
        others, its arrays by name. float16 and bfloat16 become float32, which has all their values.

    Raises
    ------
    CheckpointError
        If there is no such file, or it is not a whole and valid one.
    ImportError
        Without the package safetensors.

    See Also
    --------
    save : What writes it, with an example.
    """
    package = format_of_files()
    try:
        if not Path(path).is_file():  # a device may never end
            raise errors.not_a_file()
        content = Path(path).read_bytes()
        if content[:4] == b"PK\x03\x04":
            raise errors.is_pickled()
        found = package.deserialize(content)
        size = int.from_bytes(content[:8], "little")
        header = json.loads(content[8 : 8 + size].decode())
        arrays = {name: as_array(name, **tensor) for name, tensor in found}
        text = (header.get("__metadata__") or {}).get(KEY)
        if text is None:
            return {name: arrays[name] for name in header if name != "__metadata__"}
        return from_json(text, arrays)
    except package.SafetensorError as error:
        raise errors.no_safetensors(str(path), error) from error
    except (OSError, ValueError, RecursionError) as error:
        raise errors.not_loaded(str(path), error) from error


def as_array(name: str, dtype: str, shape: list[int], data: bytearray) -> np.ndarray:
    array: np.ndarray
    if dtype == "BOOL":
        array = np.frombuffer(data, "u1") != 0
    elif dtype == "BF16":  # the upper half of a float32
        array = (np.frombuffer(data, "<u2").astype("<u4") << 16).view("<f4")
    elif dtype in TYPES:
        array = np.frombuffer(data, TYPES[dtype])
    else:
        raise errors.type_not_loaded(name, dtype)
    return array.astype("f4" if dtype == "F16" else array.dtype.newbyteorder("=")).reshape(shape)


def from_json(text: str, arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    """Return the state that the JSON says, with each of the arrays in its place."""
    left = dict(arrays)

    def restored(found: dict[str, Any]) -> Any:
        if ARRAY not in found:
            return found
        name = found[ARRAY]
        if len(found) > 1 or not isinstance(name, str) or name not in left:
            raise errors.layout_broken(f"{found!s:.60} stands for nothing")
        return left.pop(name)

    state = json.loads(text, object_hook=restored)
    if left:
        raise errors.layout_broken(f"it has no place for {min(left)!r:.60}")
    if not isinstance(state, dict):
        raise errors.layout_broken("it is no dict")
    return state


def format_of_files() -> Any:
    try:
        import safetensors.numpy
    except ImportError as error:
        raise errors.safetensors_missing() from error
    return safetensors
