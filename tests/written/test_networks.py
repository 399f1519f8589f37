"""Documents about networks of other kinds, as they are often written; all of them our own."""

import numpy as np
import pytest

import tinygrad_bp as bp
from tinygrad_bp.grading.assignment import Assignment
from tinygrad_bp.written.network import Network

rng = np.random.default_rng(0)


def quadratic(w1, b1, w2, b2, x, y):
    a1 = bp.sigmoid((w1 @ x + b1).named("z1")).named("a1")
    a2 = bp.sigmoid((w2 @ a1 + b2).named("z2")).named("a2")
    return (0.5 * bp.square_sum(y - a2)).named("C")


def rows(X, W1, b1, W2, b2, y):
    h = bp.relu((X @ W1 + b1).named("z1")).named("h")
    p = bp.softmax((h @ W2 + b2).named("z2"), axis=1).named("p")
    return (-bp.sum(y * bp.log(p)) / 6).named("L")


def columns(W1, b1, W2, b2, X, Y):
    A1 = bp.tanh((W1 @ X + b1).named("Z1")).named("A1")
    A2 = bp.sigmoid((W2 @ A1 + b2).named("Z2")).named("A2")
    return -bp.mean(Y * bp.log(A2) + (1 - Y) * bp.log(1 - A2))


def logistic(w, b, X, y):
    a = bp.sigmoid((X @ w + b).named("z")).named("a")
    return (-bp.mean(y * bp.log(a) + (1 - y) * bp.log(1 - a))).named("J")


def linear(theta, X, y):
    h = (X @ theta).named("h")
    return (bp.square_sum(h - y) / 10).named("J")


def recurrent(x_1, x_2, W_xh, W_hh, b_h, W_hy, b_y, y_1, y_2, h_0):
    loss, h = 0, h_0
    for n, x, y in ((1, x_1, y_1), (2, x_2, y_2)):
        h = bp.tanh((W_xh @ x + W_hh @ h + b_h).named(f"zh_{n}")).named(f"h_{n}")
        p = bp.softmax((W_hy @ h + b_y).named(f"zy_{n}"), axis=0).named(f"p_{n}")
        loss = loss - bp.sum(y * bp.log(p))
    return loss.named("L")


def attention(Q, K, V, Y):
    S = (Q @ bp.transpose(K) / np.sqrt(5)).named("S")
    O = (bp.softmax(S, axis=1).named("P") @ V).named("O")  # noqa: E741, as it is called
    return (0.5 * bp.square_sum(O - Y)).named("L")


def normalised(x, gamma, beta, V):
    mu = (bp.sum(x, axis=0, keepdims=True) / 4).named("mu")
    y = (gamma * (x - mu) + beta).named("y")
    return bp.square_sum(bp.tanh(y @ V)).named("L")


def drawn(**shapes):
    return {name: rng.normal(size=shape) for name, shape in shapes.items()}


QUADRATIC = (quadratic, drawn(w1=(5, 4), b1=(5, 1), w2=(3, 5), b2=(3, 1), x=(4, 1), y=(3, 1)))


def summed(W1, b1, W2, b2, X, Y):
    A1 = bp.tanh((W1 @ X + b1).named("Z1")).named("A1")
    A2 = bp.sigmoid((W2 @ A1 + b2).named("Z2")).named("A2")
    return (0.5 * bp.square_sum(A2 - Y)).named("J")


def deep(X, Y, W1, b1, W2, b2, W3, b3):
    h1 = bp.relu((X @ W1 + b1).named("z1")).named("h1")
    h2 = bp.tanh((h1 @ W2 + b2).named("z2")).named("h2")
    p = bp.softmax((h2 @ W3 + b3).named("z3"), axis=1).named("p")
    return (-bp.sum(Y * bp.log(p)) / 4).named("L")


#: As many samples as units of the second layer: the shapes alone do not say which axis is which.
DEEP = (
    deep,
    drawn(X=(4, 3), W1=(3, 5), b1=(5,), W2=(5, 4), b2=(4,), W3=(4, 3), b3=(3,))
    | {"Y": np.eye(3)[[0, 1, 2, 1]]},
)
ROWS = (
    rows,
    drawn(X=(6, 4), W1=(4, 5), b1=(5,), W2=(5, 3), b2=(3,)) | {"y": np.eye(3)[[0, 1, 2, 0, 1, 2]]},
)
COLUMNS = (
    columns,
    drawn(W1=(4, 3), b1=(4, 1), W2=(1, 4), b2=(1, 1), X=(3, 6)) | {"Y": rng.random((1, 6))},
)
SUMMED = (
    summed,
    drawn(W1=(5, 3), b1=(5, 1), W2=(2, 5), b2=(2, 1), X=(3, 6), Y=(2, 6)),
)
TWO = (
    summed,
    drawn(W1=(5, 3), b1=(5, 1), W2=(4, 5), b2=(4, 1), X=(3, 2), Y=(4, 2)),
)

RECURRENT = (
    recurrent,
    drawn(x_1=(4, 1), x_2=(4, 1), W_xh=(5, 4), W_hh=(5, 5), b_h=(5, 1), W_hy=(3, 5), b_y=(3, 1))
    | {"y_1": np.eye(3)[:, :1], "y_2": np.eye(3)[:, 1:2]}
    | drawn(h_0=(5, 1)),
)
ATTENTION = (attention, drawn(Q=(3, 5), K=(4, 5), V=(4, 6), Y=(3, 6)))
NORMALISED = (normalised, drawn(x=(4, 5), gamma=(1, 5), beta=(1, 5), V=(5, 3)))
LOGISTIC = (logistic, drawn(w=(3, 1), b=(1,), X=(5, 3)) | {"y": np.eye(5)[:, :1]})
LINEAR = (linear, drawn(theta=(3, 1), X=(5, 3), y=(5, 1)))

IN_TEMPLATES = r"""
right | C = \frac{1}{2} \|y - a^L\|^2
right | z^l = w^l a^{l-1} + b^l
right | a^l = \sigma(z^l)
right | \delta^L = (a^L - y) \odot \sigma'(z^L)
right | \delta^L = \nabla_a C \odot \sigma'(z^L)
wrong | \delta^L = -\nabla_a C \odot \sigma'(z^L)
right | \delta^L = \nabla_a C \odot \sigma'(z^L)
right | \delta^l = ((w^{l+1})^T \delta^{l+1}) \odot \sigma'(z^l)
right | \frac{\partial C}{\partial b^l_j} = \delta^l_j
right | \frac{\partial C}{\partial w^l_{jk}} = a^{l-1}_k \delta^l_j
right | \delta^l_j = \sum_k w^{l+1}_{kj} \delta^{l+1}_k \sigma'(z^l_j)
right | \delta^L_j = \frac{\partial C}{\partial a^L_j} \sigma'(z^L_j)
does not fit | \frac{\partial C}{\partial w^l_{jk}} = a^{l-1}_j \delta^l_k
wrong as arrays | \frac{\partial C}{\partial w^2} = (a^2 - y) \cdot a^2 (1-a^2) \cdot a^1
wrong | \delta^L = (a^L - y) \odot \sigma'(a^L)
wrong | \delta^L = a^L - y
"""

IN_ROWS = r"""
right | z_1 = X W_1 + b_1
right | h = \mathrm{ReLU}(z_1)
right | p = \mathrm{softmax}(z_2)
right | L = -\frac{1}{N} \sum_{i} \sum_{k} y_{ik} \log p_{ik}
right | \frac{\partial L}{\partial z_2} = \frac{1}{N} (p - y)
right | \frac{\partial L}{\partial W_2} = h^T \frac{\partial L}{\partial z_2}
right | \frac{\partial L}{\partial h} = \frac{\partial L}{\partial z_2} W_2^T
right | \frac{\partial L}{\partial z_1} = \frac{\partial L}{\partial h} \odot \mathbb{1}[z_1 > 0]
wrong as arrays | \frac{\partial L}{\partial W_1} = \frac{\partial L}{\partial z_1} X^T
wrong | \frac{\partial L}{\partial W_2} = \frac{1}{N} h^T \frac{\partial L}{\partial z_2}
"""

IN_COLUMNS = r"""
right | A^{[1]} = \tanh(Z^{[1]})
right | dZ^{[2]} = A^{[2]} - Y
right | dW^{[2]} = \frac{1}{m} dZ^{[2]} A^{[1]T}
right | dZ^{[1]} = W^{[2]T} dZ^{[2]} * g'^{[1]}(Z^{[1]})
right | dW^{[1]} = \frac{1}{m} dZ^{[1]} X^T
wrong | dZ^{[1]} = W^{[2]T} dZ^{[2]} * (1 - A^{[1]})
carried forward | dW^{[1]} = \frac{1}{m} dZ^{[1]} X^T
"""

#: The loss of each sample is L, and J is their mean.
OF_EACH_SAMPLE = r"""
right | z = X w + b
right | J = -\frac{1}{m} \sum_{i=1}^m (y^{(i)} \log a^{(i)} + (1-y^{(i)}) \log (1-a^{(i)}))
defined | L = -(y \log a + (1 - y) \log(1 - a))
right | \frac{\partial L}{\partial a} = -\frac{y}{a} + \frac{1 - y}{1 - a}
right | \frac{\partial L}{\partial z} = \hat{y} - y
right | dw = \frac{1}{m} X^T dz
right | db = \frac{1}{m} \sum_{i=1}^m (a^{(i)} - y^{(i)})
right | \frac{\partial J}{\partial w_j} = \frac{1}{m} \sum_{i=1}^m (a^{(i)} - y^{(i)}) x_j^{(i)}
right | \frac{\partial J}{\partial w_j} = \frac{1}{m} \sum_i (a_i - y_i) x_{ij}
defined | w_j := w_j - \alpha \frac{\partial J}{\partial w_j}
wrong | db = \frac{1}{m} \sum_{i=1}^m (y^{(i)} - a^{(i)})
wrong | \frac{\partial L}{\partial z} = y - \hat{y}
"""

#: Every letter counts the units of a layer: i of the input, j of the hidden, k of the last one.
OF_UNITS = r"""
right | C = \frac{1}{2} \sum_k (a_k - y_k)^2
right | \delta_k = (a_k - y_k) g_k'(z_k)
right | \frac{\partial C}{\partial w_{jk}} = \delta_k a_j
wrong | \frac{\partial C}{\partial b_k} = -\delta_k
right | \delta_j = g_j'(z_j) \sum_k \delta_k w_{jk}
right | \frac{\partial C}{\partial w_{ij}} = \delta_j x_i
right | \Delta w_{ij} = -\eta \delta_j x_i
wrong | \Delta w_{ij} = \eta \delta_j x_i
"""

#: Steps of time, also in the names, what the loss has of one step, and sums that are added up.
OVER_TIME = r"""
right | z_t^h = W_{xh} x_t + W_{hh} h_{t-1} + b_h
right | \frac{\partial L_t}{\partial z^y_t} = p_t - y_t
right | \frac{\partial L_t}{\partial h_t} = W_{hy}^T \frac{\partial L_t}{\partial z^y_t}
wrong | \frac{\partial L_t}{\partial h_t} = -W_{hy}^T \frac{\partial L_t}{\partial z^y_t}
right | \frac{\partial L}{\partial W_{hy}} \mathrel{+}= (p_t - y_t) h_t^T
not compared | \frac{\partial L}{\partial W_{hy}} \mathrel{+}= (y_t - p_t) h_t^T
"""

#: The gradient of the loss at one step flows back through all the steps before.
OF_ONE_STEP = r"""
wrong | \frac{\partial L_t}{\partial W_{hh}} = (W_{hy}^T (p_t - y_t) \odot (1 - h_t^2)) h_{t-1}^T
wrong | \frac{\partial L_t}{\partial b_h} = \frac{\partial L_t}{\partial h_t} \odot (1 - h_t^2)
right | \frac{\partial L_t}{\partial h_t} = W_{hy}^T (p_t - y_t)
right | \frac{\partial L_t}{\partial h_{t-1}} = W_{hh}^T (W_{hy}^T (p_t - y_t) \odot (1 - h_t^2))
wrong | \frac{\partial L_t}{\partial h_{t-1}} = W_{hh}^T (W_{hy}^T (p_t - y_t) \odot (1 - h_t))
right | \frac{\partial L_1}{\partial h_1} = W_{hy}^T (p_1 - y_1)
wrong | \frac{\partial L_1}{\partial h_1} = W_{hy}^T (y_1 - p_1)
"""

#: Rows and entries of matrices, and indices above.
OF_ROWS = r"""
right | \frac{\partial L}{\partial v_{11}} = \sum_i \frac{\partial L}{\partial O_{i1}} P_{i1}
right | \frac{\partial L}{\partial P_1} = \frac{\partial L}{\partial O_1} V^T
right | dS^{ij} = P^{ij} (\frac{\partial L}{\partial P^{ij}} - \sum_k P^{ik} dP^{ik})
right | \frac{\partial O^{ib}}{\partial P^{mn}} = \delta^i_m V^{nb}
wrong | \frac{\partial L}{\partial P_1} = -\frac{\partial L}{\partial O_1} V^T
right | \frac{\partial L}{\partial Q} = \frac{1}{\sqrt{d_k}} \frac{\partial L}{\partial S} K
"""

#: A loss of another name, and a sum over the rows.
OF_ANOTHER_LOSS = r"""
right | \nabla_\gamma f = \Sigma^m_{i=1} \frac{\partial f}{\partial y_i} (x_i - \mu)
right | \frac{\partial f}{\partial \beta} = \Sigma_{i=1}^m \frac{\partial f}{\partial y_i}
"""

#: The formulas of one sample, in small letters, beside the batch of the problem.
OF_ONE_SAMPLE = r"""
right | \delta^{[2]} = a^{[2]} - y
right | \frac{\partial L}{\partial W^{[2]}} = \delta^{[2]} a^{[1]T}
right | \frac{\partial L}{\partial b^{[2]}} = \delta^{[2]}
right | \frac{\partial L}{\partial b^{[2]}} = \frac{1}{m} \sum_k \delta^{[2]}_{:,k}
wrong | db^{[2]} = \frac{2}{m} \sum_k \delta^{[2]}_{:,k}
"""

#: A sum over the samples has no 1/m, of all samples or of one.
OF_A_SUMMED_LOSS = r"""
wrong | dW^{[2]} = \frac{1}{m} dZ^{[2]} A^{[1]T}
right | dW^{[2]} = dZ^{[2]} A^{[1]T}
"""

OF_ONE_IN_A_SUM = r"""
right | \delta^{[2]} = (a^{[2]} - y) \odot \sigma'(z^{[2]})
wrong | \frac{\partial J}{\partial W^{[2]}} = \frac{1}{m} \delta^{[2]} a^{[1]T}
wrong | \frac{\partial J}{\partial b^{[2]}} = \frac{1}{6} \delta^{[2]}
right | \frac{\partial J}{\partial W^{[2]}} = \delta^{[2]} a^{[1]T}
right | \frac{\partial J}{\partial b^{[2]}} = \delta^{[2]}
"""

#: A delta that has the 1/m already gets no other.
WITH_A_SHARE = r"""
right | \delta_2 = \frac{1}{m} (p - y)
wrong | \frac{\partial L}{\partial W_2} = \frac{1}{m} h^T \delta_2
right | \frac{\partial L}{\partial W_2} = h^T \delta_2
right | \frac{\partial L}{\partial W_2} = \frac{1}{m} h^T (p - y)
wrong | \frac{\partial L}{\partial W_2} = h^T (p - y)
"""

#: A document that writes (i) is about all samples, so a sum over them is lost.
WITH_AN_INDEX = r"""
right | \delta^{[2](i)} = (a^{[2](i)} - y^{(i)}) \odot \sigma'(z^{[2](i)})
not compared | \frac{\partial J}{\partial b^{[2]}} = \delta^{[2]}
not compared | \frac{\partial J}{\partial b_j^{[2]}} = \delta_j^{[2]}
right | \frac{\partial J}{\partial b_j^{[2]}} = \sum_i \delta_j^{[2](i)}
wrong | \frac{\partial J}{\partial b_j^{[2]}} = \frac{1}{m} \sum_i \delta_j^{[2](i)}
"""

AFTER_A_SUM = r"""
right | \delta^{[2]} = (a^{[2]} - y) \odot \sigma'(z^{[2]})
right | \frac{\partial J}{\partial b^{[2]}} = \sum_k \delta^{[2]}_{:,k}
not compared | \frac{\partial J}{\partial b^{[2]}} = \delta^{[2]}
"""

#: Of two samples, 1/2 may be a habit or the share of one.
OF_TWO = r"""
right | \delta^{[2]} = (a^{[2]} - y) \odot \sigma'(z^{[2]})
not compared | \frac{\partial J}{\partial b^{[2]}} = \delta^{[2]}
wrong | \frac{\partial J}{\partial b^{[2]}} = 3 \delta^{[2]}
"""

#: What follows a slip in a formula of one sample.
AFTER_A_SLIP = r"""
right | \delta^{[2]} = (a^{[2]} - y) \odot \sigma'(z^{[2]})
wrong | \delta^{[1]} = W^{[2]T} \delta^{[2]} \odot (1 - a^{[1]})
carried forward | \frac{\partial J}{\partial b^{[1]}} = \delta^{[1]}
wrong | \frac{\partial J}{\partial b^{[1]}} = 2 \delta^{[1]}
wrong | \frac{\partial J}{\partial b^{[1]}} = \frac{1}{m} \delta^{[1]}
"""

#: Remarks beside a line, in words and in Chinese, and a condition as Python writes it.
WITH_REMARKS = """
right | dz2 = (p - y) / N              [softmax and CE gradient]
right | dW2 = h.T @ dz2   (5,6) @ (6,3) → (5,3)
right | 所以：dh = dz2 @ W2.T，形状 (6, 5)
right | ∂h/∂z1 = 1 if z1 > 0 else 0
right | db2 = Σ(dz2, axis=0)   形状 (3,)
wrong | db2 = Σ(dz2, axis=1)
"""

OF_A_HYPOTHESIS = r"""
right | h = X \theta
right | J(\theta) = \frac{1}{2m} \sum_{i=1}^m (h_\theta(x^{(i)}) - y^{(i)})^2
right | J = \frac{1}{2m} \| X \theta - y \|^2
not read | h_\theta(x) = \theta^T x
right | \nabla_\theta J = \frac{1}{m} X^T (X \theta - y)
right | \theta_j := \theta_j - \alpha \frac{1}{m} \sum_i (h_\theta(x^{(i)}) - y^{(i)}) x_j^{(i)}
wrong | \theta := \theta - \frac{\alpha}{2m} X^T (X \theta - y)
other network | J = \frac{1}{m} \| X \theta - y \|^2
"""

#: An index at a matrix with samples counts them, or the units: wrong is what neither makes right.
OF_A_SUM = r"""
right | dZ^{[2]} = A^{[2]} - Y
right | db^{[1]} = \frac{1}{m} \sum_i dZ^{[1]}_i
wrong | db^{[1]} = \sum_i dZ^{[1]}_i
"""

#: dZ is of the mean in the first line, so it is in the others.
OF_THE_MEAN = r"""
right | dZ^{[2]} = \frac{1}{m} (A^{[2]} - Y)
wrong | dZ^{[1]} = m W^{[2]T} dZ^{[2]} * g'^{[1]}(Z^{[1]})
wrong | dZ^{[2]} = A^{[2]} - Y
"""

#: A bias is repeated for every sample, and its gradient is a sum over them.
OF_A_BIAS = r"""
right | \frac{\partial L}{\partial z_2} = \frac{\partial L}{\partial h_2} \odot (1 - h_2^2)
right | \frac{\partial L}{\partial z_2} = \frac{\partial L}{\partial h_2} \odot (1 - h_2^{2})
wrong | \frac{\partial L}{\partial z_2} = \frac{\partial L}{\partial h_2} \odot (1 + h_2^2)
wrong | \frac{\partial L}{\partial z_2} = \frac{\partial L}{\partial h_2} \odot (1 - h_2^3)
right | \frac{\partial L}{\partial z_2} = \frac{\partial L}{\partial h_2} \odot (1 - h_2^2)
right | \frac{\partial L}{\partial b_2} = \sum_{i=1}^m (\frac{\partial L}{\partial z_2})_i
right | \frac{\partial L}{\partial b_2} = \sum_{i=1}^m [\frac{\partial L}{\partial z_2}]_i
right | \frac{\partial L}{\partial b_2} = \sum_i (\frac{\partial L}{\partial z_2})_{i,:}
wrong | \frac{\partial L}{\partial b_2} = 2 \sum_i \left(\frac{\partial L}{\partial z_2}\right)_i
not read | \frac{\partial L}{\partial b_2} = \sum_i (\frac{\partial L}{\partial z_2})_{:,i}
not read | \frac{\partial L}{\partial b_2} = \sum_i \left(\frac{\partial L}{\partial W_2}\right)_i
right | \frac{\partial L}{\partial b_2} = \sum_i \frac{\partial L}{\partial z_2}
right | \frac{\partial L}{\partial b_2} = \sum_{\text{rows}} \frac{\partial L}{\partial z_2}
wrong | \frac{\partial L}{\partial b_2} = \sum_{\text{columns}} \frac{\partial L}{\partial z_2}
right | \frac{\partial L}{\partial b_2} = \mathbf{1}^T \delta_2
right | \frac{\partial L}{\partial b_2} = \delta_2^T \mathbf{1}
right | \frac{\partial L}{\partial b_2} = 1_m^T \delta_2
wrong | \frac{\partial L}{\partial b_2} = \delta_2 \mathbf{1}
"""

#: The same in code and plain text, and what is beside it.
OF_A_BIAS_IN_TEXT = """
right | dL/dz2 = dL/dh2 * (1 - h2**2)
wrong | dL/dz2 = dL/dh2 * (1 + h2**2)
right | dL/dz2 = dL/dh2 * (1 - h2**2)
right | db2 = np.sum(dz2, axis=0)
right | db2 = dz2.sum(0)
right | db2 = dz2.sum(axis=0, keepdims=True)
right | db2 = torch.sum(dz2, dim=0)
right | db2 = 1ᵀ δ2
right | db2 = sum_i (dL/dz2)_i
right | db2 = Σ_i δ2[i, :]
not read | db2 = Σ_i δ2[1:3]
wrong | db2 = dz2.sum(1)
wrong | db2 = np.mean(dz2, axis=0)
"""

IN_TEXT = """
right | dz2 = (p - y) / N
right | dW2 = h.T @ dz2
right | dh = dz2 @ W2.T
right | dz1 = dh * (z1 > 0)
right | db1 = np.sum(dz1, axis=0)
right | db1 = sum(dz1, 0)
wrong as arrays | dW1 = dz1 @ X.T
"""


@pytest.mark.parametrize(
    ("problem", "lines", "suffix"),
    [
        (QUADRATIC, IN_TEMPLATES, ".md"),
        (ROWS, IN_ROWS, ".md"),
        (COLUMNS, IN_COLUMNS, ".md"),
        (COLUMNS, OF_THE_MEAN, ".md"),
        (COLUMNS, OF_A_SUM, ".md"),
        (LOGISTIC, OF_EACH_SAMPLE, ".md"),
        (LINEAR, OF_A_HYPOTHESIS, ".md"),
        (ROWS, IN_TEXT, ".txt"),
        (DEEP, OF_A_BIAS, ".md"),
        (DEEP, OF_A_BIAS_IN_TEXT, ".txt"),
        (QUADRATIC, OF_UNITS, ".md"),
        (RECURRENT, OVER_TIME, ".md"),
        (RECURRENT, OF_ONE_STEP, ".md"),
        (ATTENTION, OF_ROWS, ".md"),
        (NORMALISED, OF_ANOTHER_LOSS, ".md"),
        (COLUMNS, OF_ONE_SAMPLE, ".md"),
        (SUMMED, OF_A_SUMMED_LOSS, ".md"),
        (SUMMED, OF_ONE_IN_A_SUM, ".md"),
        (SUMMED, AFTER_A_SUM, ".md"),
        (TWO, OF_TWO, ".md"),
        (SUMMED, WITH_AN_INDEX, ".md"),
        (SUMMED, AFTER_A_SLIP, ".md"),
        (ROWS, WITH_A_SHARE, ".md"),
        (ROWS, WITH_REMARKS, ".txt"),
    ],
    ids=[
        "templates",
        "rows",
        "columns",
        "of the mean",
        "sum",
        "logistic",
        "linear",
        "text",
        "bias",
        "bias in text",
        "units",
        "time",
        "one step of time",
        "rows of matrices",
        "another loss",
        "one sample",
        "summed loss",
        "one sample of a summed loss",
        "after a sum",
        "two samples",
        "index of a sample",
        "after a slip",
        "share of a sample",
        "remarks",
    ],
)
def test_a_document_has_its_verdicts(problem, lines, suffix, tmp_path):
    pairs = [line.split(" | ", 1) for line in lines.strip().splitlines()]
    path = tmp_path / f"homework{suffix}"
    written = [f"$${line}$$" if suffix == ".md" else line for _, line in pairs]
    path.write_text("\n\n".join(written), "utf-8")
    report = bp.grade(path, *problem, required=())
    found = [(side.verdict, f"{side.left} = {side.source}") for side in report.written]
    assert [verdict for verdict, _ in found] == [verdict for verdict, _ in pairs], found


def test_the_two_tables_of_a_report_agree(tmp_path):
    """Zeros of a slip, and what follows from them; an answer that is not read is no lost one."""
    path = tmp_path / "homework.md"
    zero = r"\left(\frac{\partial L}{\partial z_2} W_2^T\right) \odot \mathbb{1}[h_1 < 0]"
    lines = [
        rf"\frac{{\partial L}}{{\partial z_1}} = {zero}",
        r"\frac{\partial L}{\partial b_1} = \mathbf{1}^T \frac{\partial L}{\partial z_1}",
        r"\frac{\partial L}{\partial W_1} = \Xi",
    ]
    path.write_text("\n\n".join(f"$${line}$$" for line in lines), "utf-8")
    report = bp.grade(path, *DEEP, required=["W1", "b1"])
    slip, follows, unread = report.written
    assert (slip.verdict, slip.hint) == ("wrong", report["z1"].hint)
    assert follows.verdict == report["b1"].verdict == "carried forward"
    assert unread.verdict == "not read"
    assert report["W1"].message == "Answered in line 5, which was not read."
    assert report["b2"].score is None  # nobody asked for it
    text = str(report)
    assert text.index("Line by line") < text.index("The gradients")
    page = report.to_html()
    assert page.index("Line by line") < page.index("The gradients")


WEIGHT = bp.tensor(rng.random((3, 2)))


@pytest.mark.parametrize(
    ("loss", "is_mean"),
    [
        (lambda e: bp.square_sum(e) / 12, True),
        (lambda e: bp.mean(e**2), True),
        (lambda e: bp.sum(bp.mean(e**2, axis=0)), True),
        (lambda e: 0.5 * bp.square_sum(e), False),
        (lambda e: bp.sum(bp.mean(e**2, axis=1)), False),
        (lambda e: bp.square_sum(e) + 0.01 / 6 * bp.square_sum(WEIGHT), False),
    ],
)
def test_a_loss_is_a_mean_or_a_sum_over_the_samples(loss, is_mean):
    def problem(X, w, y):
        return loss((X @ w).named("z") - y).named("L")

    network = Network(Assignment(problem, drawn(X=(6, 4), w=(4, 3), y=(6, 3)), ()))
    assert network.is_mean is is_mean


@pytest.mark.parametrize("scale", [0.5, 2])
def test_a_half_of_two_samples_may_be_either(scale):
    def problem(X, w, y):
        return (scale * bp.square_sum((X @ w).named("z") - y)).named("L")

    network = Network(Assignment(problem, drawn(X=(2, 4), w=(4, 3), y=(2, 3)), ()))
    assert network.is_mean is None
