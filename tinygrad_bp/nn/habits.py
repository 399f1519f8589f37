"""What to write here for a name that people know of PyTorch's modules and that is not here.

Some names mean something else of a model than of a Tensor, of which ``habits.py`` above speaks.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..habits import by_name, close_to

#: Names, and the sentence that says what to write.
ROWS = (
    ("to cuda cpu", "Arrays are in main memory here: leave it out."),
    ("float double half bfloat16 type", "Weights are float64."),
    ("modules", "Write [module for path, module in model.named_modules()]."),
    ("children named_children", "Name the attributes that hold them; a Sequential has model[i] "
     "and model[:-1]."),
    ("get_submodule", "Write dict(model.named_modules())[path]."),
    ("buffers named_buffers get_parameter get_buffer", "Write model.named_tensors()."),
    ("register_buffer", "Assign to an attribute: self.mean = bp.tensor(array)."),
    ("register_parameter", "Assign to an attribute: "
     "self.W = bp.tensor(array, requires_grad=True)."),
    ("register_module add_module append extend insert", "Assign a layer, or a "
     "list of layers, to an attribute; to extend a Sequential, make a new one."),
    ("apply", "Write for path, layer in model.named_modules(): ..."),
    ("requires_grad requires_grad_", "Write for p in model.parameters(): p.requires_grad = "
     "False. Keep that list, to thaw them: parameters() leaves frozen ones out."),
    ("register_forward_hook register_forward_pre_hook register_full_backward_hook "
     "register_backward_hook", "Every value is in the record: see bp.explain(loss) and bp.grad."),
    ("save", "Write bp.save(model.state_dict(), path)."),
    ("load", "Write model.load_state_dict(bp.load(path))."),
    ("backward", "Call it on the loss: loss.backward()."),
    ("step", "Make an optimiser: bp.optim.SGD(model.parameters(), lr=0.1)."),
    ("compile", "Compile a function that calls bp.nn.functional_call(model, values, x)."),
    ("shape size dtype data grad numpy item", "A model is not a Tensor; its output is: model(x)."),
    ("weight bias", "A layer has it, as model[0].weight; see print(model)."),
)  # fmt: skip

#: Each name, and what to write.
INSTEAD = by_name(ROWS)


def missing_of_model(place: str, name: str, known: Iterable[str]) -> AttributeError:
    """Return the error for a name that a model or a layer lacks.

    >>> print(missing_of_model("Linear", "get_submodule", []))
    Linear has no 'get_submodule'. Write dict(model.named_modules())[path].
    """
    text = INSTEAD.get(name) or close_to(name, known)
    return AttributeError(f"{place} has no {name!r}. {text}".rstrip(), name=name)
