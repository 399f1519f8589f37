"""What cannot be compiled, and what to write instead: sentences, as those of `errors`."""

from ..errors import UntraceableError, sentence

# fmt: off

differs_from_run_to_run = sentence(
    ValueError, "the function to compile gave two different programs when it ran twice: it draws "
    "random numbers, as dropout does, or counts. The program would keep the first numbers. Draw "
    "them outside the function, and pass them as an argument.")
tensor_to_compiled = sentence(
    TypeError, "a compiled function takes arrays, and {0} is a Tensor. Give its value, t.data.")
by_position = sentence(
    TypeError, "a compiled function takes its arguments by position, and not as {0}=.")
no_function = sentence(
    TypeError, "compile takes a function, and {0!r:.60} is none. Write f = bp.compile(f, ...).")
a_model = sentence(
    TypeError, "compile takes a function, and {0!r} is a model. Compile one that calls "
    "bp.nn.functional_call(model, parameters, x).")
no_position = sentence(
    TypeError, "wrt is the number of an argument, or a list of them, from 0 on: not {0!r:.60}.")
no_backend = sentence(ValueError, "there is no back end {0!r}. There are {1}.")
packages_missing = sentence(
    ImportError, "the back end {0!r} needs more packages ({2}): pip install {1}")
no_program = sentence(
    ValueError, "no program is written yet: the first call writes one, for the shapes of its "
    "arguments. Call the compiled function once.")
captured = sentence(
    ValueError, "{0} needs a gradient, and the function to compile uses it without taking it as "
    "an argument: the program would keep its present value. Make it an argument; of a model, with "
    "bp.nn.functional_call(model, parameters, x). Or use t.detach(), a constant.")
value_needed = sentence(
    UntraceableError, "{0} needs the value of an array of shape {1}, and an array has no value "
    "while a function is compiled: the result would be the same in every call. Choose entry by "
    "entry with bp.where(condition, a, b); or do this in a function that is not compiled.")
shape_by_values = sentence(
    UntraceableError, "the shape that {0} returns depends on the values of its operands, and a "
    "program is for one shape. Choose entry by entry with bp.where(condition, a, b), and take axes "
    "and lengths from outside the function; or do this in a function that is not compiled.")
error_caught = sentence(
    UntraceableError, "the function to compile catches an error that NumPy raises for the entries "
    "of this call, and goes on: the program would do so in every call. Call it with entries that "
    "NumPy takes, or do this in a function that is not compiled.")
written_into = sentence(
    UntraceableError, "{0} writes into an array, and the arrays of a program never change. Write "
    "a = a + b in place of a += b; for some entries, a = bp.where(condition, a, b).")
