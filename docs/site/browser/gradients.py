def gradients(X, Y, h, y_hat, W2):
    dy_hat = 2 * (y_hat - Y)
    dz = dy_hat @ W2.T  # something is missing here
    return {
        "W2": h.T @ dy_hat,
        "z": dz,
        "b1": dz.sum(axis=0),
        "W1": X.T @ dz,
    }
