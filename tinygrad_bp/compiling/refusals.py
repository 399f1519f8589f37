"""What cannot be compiled, and what to write instead: sentences, as those of `errors`."""

from ..errors import UntraceableError, sentence

# fmt: off

differs_from_run_to_run = sentence(
    ValueError, "the function to compile does not do the same when it runs twice: it draws random "
    "numbers, as dropout does, or counts. The program would keep what it drew the first time. Draw "
    "outside of the function, and give it the numbers as an argument.")
tensor_to_compiled = sentence(
    TypeError, "a compiled function takes arrays, and {0} is a Tensor. Give its value, t.data.")
no_backend = sentence(ValueError, "there is no back end {0!r}. There are {1}.")
extra_missing = sentence(
    ImportError, 'the back end {0!r} needs more ({2}): pip install "tinygrad_bp[{1}]"')
no_program = sentence(
    ValueError, "no program is written yet: that is done in the first call, for the shapes of its "
    "arguments. Call the compiled function once.")
captured = sentence(
    ValueError, "{0} needs a gradient, and the function to compile uses it but is not given it: "
    "the program would keep the value that it has now. Make it an argument; or use t.detach(), a "
    "constant.")
value_needed = sentence(
    UntraceableError, "{0} needs the value of an array of shape {1}, and while a function is "
    "compiled it has none: what depends on it would be the same in every call. Choose entry by "
    "entry with bp.where(condition, a, b); or leave this to a function that is not compiled.")
shape_by_values = sentence(
    UntraceableError, "the shape of what {0} returns depends on the values that it is given, and a "
    "program is for one shape. Choose entry by entry with bp.where(condition, a, b), and take axes "
    "and lengths from outside of the function; or leave this to a function that is not compiled.")
written_into = sentence(
    UntraceableError, "{0} writes into an array, and the arrays of a program never change. Write "
    "a = a + b in place of a += b; for some entries, a = bp.where(condition, a, b).")
