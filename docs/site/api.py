"""The page of the API: every public name, by family, with its docstring."""

from __future__ import annotations

import inspect
from types import ModuleType
from typing import Any

import tinygrad_bp as bp
from tinygrad_bp.table import TABLE

#: Families of names that are no operation, in the order in which a reader meets them.
FAMILIES = {
    "Tensors": "Tensor zeros ones full arange linspace eye rand randn zeros_like ones_like "
    "full_like randn_like name_tensors",
    "Gradients": "grad value_and_grad jacobian hessian vjp jvp hvp gradcheck",
    "Recording": "no_grad scope detect_anomaly primitive",
    "Readings": "explain derive source draw play compile grade inject",
    "Files": "save load",
}
MODULES = ("nn", "optim", "data", "datasets", "plots", "linalg")


def page() -> str:
    """Return the page in MyST."""
    parts = ["# API reference", "What `import tinygrad_bp as bp` has, with an example of each."]
    for family, names in FAMILIES.items():
        found = [name for name in names.split() if hasattr(bp, name)]
        parts += [
            f"## {family}",
            *(entry("tinygrad_bp", name, getattr(bp, name)) for name in found),
        ]
    named = {name for names in FAMILIES.values() for name in names.split()}
    operations = [name for name in bp.__all__ if name in TABLE and name not in named]
    parts.append("## Operations")
    parts += [entry("tinygrad_bp", name, getattr(bp, name)) for name in operations]
    for name in MODULES:
        module = getattr(bp, name)
        parts += [f"## bp.{name}", (inspect.getdoc(module) or "").partition("\n\n")[0]]
        parts += [
            entry(module.__name__, public, getattr(module, public)) for public in members(module)
        ]
    return "\n\n".join(parts) + "\n"


def members(module: ModuleType) -> list[str]:  # but what bp has too, and stands above
    listed = getattr(module, "__all__", None) or [n for n in dir(module) if not n.startswith("_")]
    return [
        name
        for name in listed
        if callable(getattr(module, name))
        and getattr(module, name) is not getattr(bp, name, None)
        and getattr(getattr(module, name), "__module__", "").startswith("tinygrad_bp")
    ]


def entry(module: str, name: str, value: Any) -> str:
    kind = "autoclass" if inspect.isclass(value) else "autofunction"
    options = "\n   :members:" if kind == "autoclass" and not issubclass(value, tuple) else ""
    return f"```{{eval-rst}}\n.. {kind}:: {module}.{name}{options}\n```"
