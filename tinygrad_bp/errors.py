"""Every sentence that teaches: what went wrong, with which operands, and what to write instead.

A row makes an error of a type and a sentence; it is called with what goes into the sentence, a
Tensor as ``W1 with shape (3, 2)`` and an operation as its name.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from . import habits


def describe(value: Any) -> str:
    if hasattr(value, "_array"):
        return str(value.described())
    if isinstance(value, np.ndarray):
        return f"an array with shape {value.shape}"
    return value.__name__ if hasattr(value, "needs") else f"{value!r:.60}"


class Part:
    """What goes into a sentence: ``{0}`` describes it, ``{0:step}`` counts: "1 step", "2 steps"."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __getattr__(self, name: str) -> Any:
        return getattr(self.value, name)

    def __format__(self, form: str) -> str:
        if form:  # a noun, to be counted: "1 operand", "2 operands"
            return f"{self.value} {form}{'s' * (self.value != 1)}"
        known = isinstance(self.value, (str, int, tuple, np.dtype, Exception))
        return str(self.value) if known else describe(self.value)

    def __repr__(self) -> str:
        return repr(self.value)


def sentence(kind: type[Exception], text: str) -> Callable[..., Exception]:
    """Return what makes an error of a type and a sentence."""
    return lambda *parts: kind(text.format(*map(Part, parts)))


def operation(tensor: Any) -> str:
    return tensor.primitive.__name__ if tensor.primitive is not None else "a leaf"


class UntraceableError(TypeError):
    """Raised while a function is compiled, where the entries of an array themselves are needed.

    Inside of an operation that is no obstacle: ``whole`` makes one step of the compiled program of
    a function that cannot be taken apart.
    """

    whole: Callable[..., Any]


# fmt: off

# ---- data and names ----

bad_flag = sentence(TypeError, "requires_grad is True or False, not {0!r:.60}.")
bad_name = sentence(TypeError, "a name is text, and {0!r:.60} is not. Write name=str(...).")
already_a_tensor = sentence(
    TypeError, "{0} is a Tensor already. Use it as it is, or t.detach() for a constant copy.")
bad_shape = sentence(
    TypeError, "a shape is made of integers, not {0!r:.60}. Write bp.zeros(2, 3), or "
    "bp.zeros((2, 3)); the type of the entries is dtype=.")
masked = sentence(
    TypeError, "a masked array would lose its mask. Use data.filled(value), or np.where.")
ragged = sentence(
    ValueError, "the data is ragged: its rows differ in length, so it is not an array ({0}).")
complex_data = sentence(
    TypeError, "complex numbers are not supported. Keep the real and the imaginary part as two "
    "tensors.")
other_floats = sentence(
    TypeError, "floats are float64 or float32 here, not {0}. Convert with array.astype(float).")
no_numbers = sentence(
    TypeError, "a Tensor holds real numbers, and this data has dtype {0}. "
    "Convert it with np.array(data, dtype=float).")
bad_index = sentence(
    TypeError,
    "an index is an integer, a slice, None, ..., a list or an array of them, not {0!r:.60}.")

# ---- what a Tensor holds ----

computed_value = sentence(
    ValueError, "{0} was computed, so its value cannot be replaced: only a leaf takes a new value. "
    "Make one with bp.tensor(value).")
would_round = sentence(
    TypeError, "{0} holds {0.dtype}, and cannot take {1} without rounding. "
    "Make a new one with bp.tensor(value).")
overflows = sentence(
    ValueError, "an entry of the new array is too large for {0}, which holds {0.dtype}.")
value_is_a_tensor = sentence(
    TypeError, "{0} is a Tensor, and a leaf holds an array. Use its value, t.data; or compute with "
    "arrays, as in w.data = w.data - rate * w.grad.")
update_by_none = sentence(
    TypeError, "there is nothing to update by: grad is None before the first backward().")
read_only = sentence(
    ValueError, "this array is read-only: what was recorded relies on it. Change a copy, "
    "a = w.{0}.copy(); a[0] = ...; and give it to the leaf, w.{0} = a.")
replaced = sentence(
    ValueError, "this array is no longer the {1} of {0}, so an update of it would be lost. "
    "Write w.{1} -= ... itself.")
other_shape = sentence(
    ValueError, "{0} cannot take a value of shape {1}. Make a new one with bp.tensor(value).")
computed_flag = sentence(
    ValueError, "{0} was computed, so it needs a gradient if its inputs do. "
    "Use t.detach() for a constant of the same value.")
gradient_shape = sentence(
    ValueError, "a gradient of {0} must have the same shape, and this one has shape {1}.")
gradient_type = sentence(
    TypeError, "a gradient of {0} is an array of real numbers or None, not {1!r:.60}.")
only_leaves_keep = sentence(
    UserWarning, "{0} was computed, and only leaves keep a gradient. Ask for this one with "
    "bp.grad(loss, t). A parameter stays a leaf if it is updated by t.data = t.data - ...")
not_one_entry = sentence(
    ValueError, "item() needs exactly one entry; {0} has {0.size}. Use .data instead.")
no_format = sentence(
    TypeError, "{0} has {0.size} entries, and the format {1!r} is for one number. Format t.data.")
no_length = sentence(TypeError, "{0} has no axis, so it has no length. Its array is t.data.")
is_a_leaf = sentence(ValueError, "{0} is a leaf: no step computed it.")
no_such_input = sentence(ValueError, "{0} has {1} inputs, and no input {2}.")
input_needs_no_gradient = sentence(ValueError, "input {1} of {0} needs no gradient.")
transposes_nothing = sentence(
    ValueError, "transpose{0!r} would not change a matrix: it lists the axes in their new order, "
    "as in NumPy. Write t.T, or bp.swapaxes(t, 0, 1).")

# ---- what cannot be done with a Tensor ----

becomes_number = sentence(
    TypeError, "{0} has {0.size} entries, so it is not one number. Reduce it, as with t.sum(), or "
    "use its value, t.data.")
loses_record = sentence(
    TypeError, "turning {0} into a number, as math.exp(t) does, would lose its record while a "
    "function is differentiated. Use t.item() to look at it, np.exp(t) to record a step, or "
    "bp.stack([a, b]) to put entries together.")
becomes_array = sentence(
    TypeError, "converting {0} to an array would lose its record. Use t.data for the value, "
    "t.item() for a number; or record a step with an operation, such as bp.stack([a, b]).")
in_place = sentence(
    TypeError, "'{1}=' would change {0} in place, and a recorded value must not change. "
    "Write {2} = {2} {1} ...")
assigned = sentence(
    TypeError, "assigning to entries would change {0} in place, and a recorded value must not "
    "change. To put computed entries together, write bp.stack([a, b]), or bp.where(mask, a, t). "
    "To change data, change a copy, a = t.data.copy(), and make a tensor of it.")
no_copy = sentence(
    TypeError, "{0} was computed, so it cannot be copied. Use its value, t.data, as for a plot; or "
    "t.detach() for a constant.")
no_pickle = sentence(
    TypeError, "{0} was computed, and only leaves can be pickled. Save its value, t.data.")

decorated_generator = sentence(
    TypeError, "{0} is a generator, and computes in turn with its caller. Do not decorate it: "
    "write the block, such as with bp.no_grad(): ..., inside of it.")

# ---- operations and their arguments ----

not_a_function = sentence(
    TypeError, "a primitive is made from a Python function, and {0!r:.60} is not one. "
    "Write a function that calls it: def f(x): return ...")
unclear_signature = sentence(
    TypeError, "{0}: an operand has no default, and other arguments are named one by one after the "
    "operands, as in def f(a, b, *, axis=0).")
mixed_operands = sentence(TypeError, "{0} takes named operands or *operands, not both.")
no_rule = sentence(TypeError, "{0} has no backward rule. Give it one with @{0}.backward.")
too_many = sentence(
    TypeError, "{0} takes {1} and {2:further argument}, and was given {3:value}.{4}")
too_few = sentence(TypeError, "{0} needs {1:operand}, {2}, and was given {3}.")
given_twice = sentence(TypeError, "{0} was given its argument {1!r} twice, once by position.")
no_list = sentence(TypeError, "{0} takes a list of operands, not {1!r:.60}.")
tensor_as_argument = sentence(
    TypeError, "{0} is a Tensor, and gradients flow only to operands. Use t.data.")
bad_result = sentence(
    TypeError, "{0} returned a {1}, and a primitive returns one array of real numbers. "
    "Make a primitive for each output.")

# ---- backward rules ----

wrong_number_of_closures = sentence(
    TypeError, "the backward rule of {0} returned {1:closure}, and the operation has "
    "{2:input}. Return a tuple: a closure for each input, or None where no gradient flows.")
no_closure = sentence(
    TypeError, "the backward rule of {0} returned an object of type {1}, not a closure. A closure "
    "is a function of the upstream gradient, as lambda g: g * ...")
no_array = sentence(
    TypeError, "the backward rule of {2} gave {1!r:.60} for {0}. A closure must return an array, "
    "or a Tensor if it is given a Tensor.")
wrong_shape = sentence(
    ValueError, "the backward rule of {2} gave a gradient of shape {1} for {0}. It must have the "
    "shape of that input, or a shape that the input is broadcast to.")
complex_gradient = sentence(TypeError, "a backward rule gave complex numbers for {0}.")

# ---- backward and grad ----

not_differentiable = sentence(
    TypeError, "grad differentiates a Tensor, not {0!r:.60}. For a function f, write "
    "bp.value_and_grad(f); a gradient is a Tensor if it was taken with create_graph=True.")
no_function = sentence(
    TypeError, "a derivative is that of a function, and {0!r:.60} is none. Write a function that "
    "returns it; for the gradient of a Tensor, write bp.grad(t, inputs).")
no_position = sentence(
    TypeError, "argnums is the position of an argument, or a list of positions, not {0!r:.60}. For "
    "the derivative at x, write bp.jacobian(f)(x), and likewise the others.")
no_tensor = sentence(TypeError, "grad takes Tensors to differentiate by, not {0!r:.60}.")
unused = sentence(
    ValueError, "{0} was not computed from {1}: was another tensor made with that name? "
    "Write allow_unused=True for a gradient of zeros.")
unwanted = sentence(ValueError, "{0} needs no gradient. Make it with requires_grad=True.")
not_recording = sentence(
    ValueError, "create_graph=True records the gradient, and no_grad() turns recording off.")
needs_no_gradient = sentence(
    ValueError, "{0} needs no gradient: none of its leaves was made with requires_grad=True, or "
    "it was computed under no_grad().")
needs_upstream = sentence(
    ValueError, "{0} has {0.size} entries, so its backward pass needs an upstream gradient of that "
    "shape. Pass gradient=, or reduce it to one number first, as with .sum().")
upstream_shape = sentence(
    ValueError, "the upstream gradient has shape {1}, and it must have the shape of {0}.")

# ---- layers ----

no_forward = sentence(
    TypeError, "{0} has no forward. Write what it computes: def forward(self, x): return ...")
forward_returned_nothing = sentence(
    TypeError, "forward of {0} returned nothing. End it with: return ...")
computed_attribute = sentence(
    ValueError, "{0} is {1}: it was computed, and would be lost from the state. For a parameter, "
    "write bp.tensor(array, requires_grad=True); for a state kept between calls, t.detach().")
taken_name = sentence(
    ValueError, "{0}.{1} is a method of every module. Give the attribute another name.")
plain_array = sentence(
    TypeError, "{0} is a plain array, so it would be neither trained nor saved. Assign "
    "bp.tensor(array, requires_grad=True) for a parameter, or bp.tensor(array) for a constant. "
    "Give any other array a name that begins with an underscore.")
no_longer_trained = sentence(
    ValueError, "{0} is a parameter, and this Tensor would not be trained. Write bp.tensor(array, "
    "requires_grad=True); to freeze a parameter, set its requires_grad to False.")
not_looked_into = sentence(
    TypeError, "{0} is a {1}, in which a module does not look for parts. Make it a list or a dict.")
holds_itself = sentence(
    ValueError, "{0} is a part of itself, as {1}. A part must not hold the module above it. Pass "
    "what the part needs when it is called.")
no_layer = sentence(
    TypeError, "layer {0} of Sequential is {1!r:.60}. Give layers, such as nn.ReLU(), or "
    "functions, such as bp.relu, one by one.")
called_as_function = sentence(
    TypeError, "{0} is a layer: make one, then call it, as nn.{0}()(x). The function is bp.{1}.")
fills_nothing = sentence(
    AttributeError, "bp.nn.init has no {0!r}. Its functions return an array, and change nothing: "
    "write w.data = bp.nn.init.{1}(w.shape, rng).")
wrong_arguments = sentence(TypeError, "{0} takes {1}, and not {2!r:.60}.")
a_layer = sentence(
    TypeError, "a layer ({0}) stands where an array belongs. Call it: layer(x).")
no_probabilities = sentence(
    ValueError, "binary_cross_entropy takes probabilities, between 0 and 1, and was given {0} to "
    "{1}. For scores before the sigmoid, write binary_cross_entropy_with_logits.")
no_class = sentence(
    IndexError, "nll_loss has class numbers from {0} to {1}, and {2} classes, numbered from 0. For "
    "numbers that do not count, write bp.cross_entropy(z, labels, ignore_index=...).")
inputs_in_a_tuple = sentence(
    TypeError, "functional_call takes inputs one by one: functional_call(model, parameters, x).")
no_weights = sentence(
    TypeError, "a state is a dict of arrays by path, as state_dict() returns it, not {0!r:.60}.")
state_of_states = sentence(
    TypeError, "this state holds other states. Load the state of the model, state[{0!r}].")
several_inputs = sentence(
    TypeError, "a {0} of {1} stands where one Tensor or array belongs. Take one element, as in "
    "hs, state = cell.over_time(xs); or join them, as in bp.stack([a, b]).")
wrong_input = sentence(ValueError, "{0} takes {1}, and was given {2}.")
other_state = sentence(ValueError, "{0} takes another state: {1}.")
no_generator = sentence(
    TypeError, "rng is a generator, as np.random.default_rng(seed), not {0!r:.60}.")
no_pair = sentence(TypeError, "the state of {0} is the pair (h, c), not {1!r:.60}.")

# ---- training ----

no_first_axis = sentence(
    ValueError, "Flatten(start_dim={0}) needs an axis of that number; the shape is {1}.")
out_of_range = sentence(ValueError, "{0} is a number {1}, not {2!r:.60}.")
no_list_of_parameters = sentence(
    TypeError, "{0} takes a list of parameters, such as model.parameters(), not {1}. For one "
    "parameter, write [w].")
no_parameters = sentence(
    ValueError, "{0} has no parameters to train. All may be frozen, with requires_grad = False; or "
    "they come from a generator that is used up: make a list of it.")
no_parameter = sentence(
    TypeError, "{0} takes Tensors as parameters, such as model.parameters(), not an object of "
    "type {1}. For a group with a rate of its own, make a second optimiser.")
parameter_twice = sentence(
    ValueError, "{0} was given {1} twice, and would update it twice in each step.")
computed_parameter = sentence(
    ValueError, "{0} trains leaves, and {1} was computed. Train the leaves behind it.")
nesterov_needs_momentum = sentence(
    ValueError, "nesterov=True looks ahead along the momentum, so momentum must be above 0.")
nothing_to_step_by = sentence(
    ValueError, "{0} finds no gradient on any parameter. Call loss.backward() first.")
norm_not_finite = sentence(
    ValueError, "the norm of the gradients is {0!r}, so they cannot be clipped. "
    "with bp.detect_anomaly(): finds the operation that made it.")
no_optimizer = sentence(
    TypeError, "{0} takes an optimiser, such as bp.optim.SGD(parameters, lr=0.1), not {1!r:.60}.")
unknown_choice = sentence(ValueError, "{0} is {1}, not {2!r:.60}.")
two_schedules = sentence(
    ValueError, "{0} set the learning rate to {1!r}, and now it is {2!r}: something else sets it "
    "too. An optimiser follows one schedule; LambdaLR takes any function of the epoch.")
no_momentum_to_cycle = sentence(
    ValueError, "{0} has no momentum to change along with the rate. Give it one, such as "
    "momentum=0.9, or write cycle_momentum=False.")
cycle_is_over = sentence(
    ValueError, "the cycle of OneCycleLR is over: it was made for {0} steps.")
state_does_not_fit = sentence(ValueError, "this {0} cannot go on from that state: {1}.")

# ---- data to train on ----

no_arrays = sentence(ValueError, "{0} takes arrays with one sample a row, and was given none.")
lengths_differ = sentence(
    ValueError, "{0} takes arrays of one length, with one sample a row. Their shapes are {1}.")
tuple_of_arrays = sentence(
    TypeError, "{0} takes arrays one by one, and was given a tuple of {1}. Write {0}(*pair, ...).")
no_size = sentence(TypeError, "batches needs size=, the number of samples in each.")
empty_part = sentence(
    ValueError, "split: test_fraction = {0!r} of {1} samples leaves a part empty; choose a "
    "fraction between 0 and 1 that puts a sample in each part.")
labels_not_whole = sentence(
    TypeError, "one_hot: labels must be integers, but their dtype is {0}; convert whole numbers "
    "with labels.astype(int).")
labels_of_several_axes = sentence(
    ValueError, "one_hot: labels must have one axis, but their shape is {0}. Write labels.ravel().")
label_outside = sentence(
    ValueError, "one_hot: a label must be at least 0 and less than classes = {0}, but labels[{1}] "
    "is {2}.")

# ---- files ----

class CheckpointError(ValueError):
    """A file cannot be loaded. The message names the file, and says what is wrong with it."""


not_loaded = sentence(CheckpointError, "{0} cannot be loaded: {1}.")
no_safetensors = sentence(
    CheckpointError, "{0} cannot be loaded: it is not a complete safetensors file ({1}).")
safetensors_missing = sentence(
    ImportError, "Checkpoints need safetensors: pip install safetensors")
no_state = sentence(
    TypeError, "save takes a dict, such as model.state_dict(), then the path; not {0!r:.60}.")
bad_key = sentence(
    TypeError, "a key of a saved dict must be text, and not one that the file itself uses: see "
    "{0}, with {1!s:.60}.")
cannot_be_saved = sentence(
    TypeError, "{0} is {1!r:.60}, which cannot be saved. A file holds arrays and Tensors of real "
    "numbers, numbers, text, booleans, None, and lists and dicts of these.")
name_taken = sentence(
    ValueError, "two arrays cannot be called {0!r} in the file. Rename one of the keys.")
not_a_file = sentence(ValueError, "there is no such file, or it is a folder or a device")
is_pickled = sentence(
    ValueError, "it looks like a file of torch.save, which may run code when it is loaded. In "
    "PyTorch, write it with safetensors.torch.save_file(model.state_dict(), path)")
type_not_loaded = sentence(
    ValueError, "{0!r} has the type {1}, which NumPy and this package do not have")
layout_broken = sentence(ValueError, "its layout is broken, {0}")

# ---- compiling ----

traced_value_kept = sentence(
    TypeError, "{0} cannot take a value inside a function that is being compiled: the program "
    "would not repeat that. Return the value, and keep it outside the function; of a model with "
    "BatchNorm, call model.eval() before you compile it.")

# ---- plots ----

matplotlib_missing = sentence(ImportError, "Plots need matplotlib: pip install matplotlib")
no_panels = sentence(
    TypeError, "curves takes a dict, from the title of each panel to its numbers, not {0!r:.60}.")
no_names = sentence(
    TypeError, "parameters are plotted by name: give model.named_parameters(), or a dict.")
nothing_to_plot = sentence(ValueError, "there is nothing to plot: the dict is empty.")
no_such_panel = sentence(ValueError, "log names panels that are not there: {0!s:.60}.")

# fmt: on


def not_real(dtype: np.dtype[Any]) -> Exception:
    """Return the error for data of a type that is no real number, or no float of ours."""
    return {"c": complex_data, "f": other_floats}.get(dtype.kind, no_numbers)(dtype)


def operand_names(primitive: Any, operands: Sequence[Any]) -> Sequence[str]:
    """Return what the operands are called: the forward function's parameter names."""
    return primitive.operand_names or [f"operand {i}" for i in range(1, len(operands) + 1)]


def bad_operand(primitive: Any, operands: Sequence[Any], i: int, error: Exception) -> Exception:
    name = operand_names(primitive, operands)[i]
    return type(error)(f"{primitive.__name__} cannot take its {name}: {error}")


#: What a forward function raises for operands that do not fit.
OF_FORWARD = (TypeError, ValueError, IndexError, AttributeError, OverflowError, ZeroDivisionError)


def explained(primitive: Any, error: Exception, operands: Any, values: Any, params: Any) -> Any:
    """Raise a forward function's error in terms of the operation and its operands.

    What cannot be taken apart while it is compiled is no error: it is computed as one step.
    """
    if isinstance(error, UntraceableError):
        return error.whole(primitive.forward, values, params)
    named = zip(operand_names(primitive, operands), operands, strict=False)
    parts = [f"{name} is {describe(operand)}" for name, operand in named]
    parts += [f"{name} = {params[name]!r:.60}" for name in primitive.settings if name in params]
    too_large = isinstance(error, ArithmeticError)  # operands fit, but the result does not
    needs = f" It needs {primitive.needs}." if primitive.needs and not too_large else ""
    of_type = isinstance(error, (TypeError, AttributeError))
    kind = TypeError if of_type else IndexError if type(error) is IndexError else ValueError
    raise kind(f"{primitive.__name__} failed: {', '.join(parts)}.{needs} ({error})") from error


def add_usage(error: Exception, tensor: Any) -> None:
    """Add a note on how a backward rule is used to the error of one."""
    given = f" and the arguments {', '.join(tensor.params)}" if tensor.params else ""
    error.add_note(
        f"This is the backward rule of {tensor.primitive.__name__}. It is called with the output, "
        f"{Part(len(tensor.inputs)):input}{given}, and returns a closure for each input, such as "
        "lambda g: ..., from the upstream gradient g to that input's contribution."
    )


# ---- NumPy functions called on a Tensor ----


def not_recorded(function: Any, how: str = "", given: Sequence[str] = ()) -> TypeError:
    name = function.__name__
    # A ufunc has no module before NumPy 2.1.
    place = getattr(function, "__module__", "numpy").replace("numpy", "np", 1)
    instead = "" if how or given else habits.INSTEAD.get(name)
    with_arguments = f" with {', '.join(given)}=" if given else " on a Tensor"
    otherwise = "If no gradient is needed, call it on the value, t.data; to add an operation, see "
    instead = instead or f"{otherwise}bp.primitive."
    return TypeError(f"{place}.{name}{how} does not record{with_arguments}. {instead}")
