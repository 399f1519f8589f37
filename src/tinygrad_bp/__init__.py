"""tinygrad_bp: an autodiff micro-framework on NumPy, for people who learn, teach and check how gradients are computed.

Write each rule once; record each computation once; read it many ways.
"""

from .backward import grad
from .primitive import Primitive, primitive
from .recording import no_grad, scope
from .rules.activations import sigmoid, softmax
from .rules.arithmetic import add, divide, multiply, negative, power, subtract
from .rules.linear_algebra import matmul, matrix_transpose, outer
from .rules.reductions import square_sum, sum
from .tensor import Tensor, name_tensors, tensor

sub = subtract
