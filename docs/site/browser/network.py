import tinygrad_bp as bp

# Tensors are data, lists are parameters.
inputs = {
    "X": bp.tensor([[1, 2], [3, -1], [-1, 0.5], [2, 2]]),
    "Y": bp.tensor([[1], [0], [1], [2]]),
    "W1": [[0.5, -1.0, 0.0], [0.5, 1.0, -1.0]],
    "b1": [0.5, -1.0, 0.0],
    "W2": [[1.0], [-0.5], [0.5]],
}


def loss(X, Y, W1, b1, W2):
    z = X @ W1 + b1
    h = bp.relu(z)
    y_hat = h @ W2
    L = bp.square_sum(y_hat - Y)
    bp.name_tensors(locals())
    return L
