"""One compiled function on eight devices: JAX shares the batch out among them, and adds up.

A compiled function with ``backend="jax"`` runs on whatever devices JAX has. Here they are eight
virtual ones of the CPU, so that the example runs anywhere. It needs the extra ``jax``, and prints

    x lies on 8 devices
    the loss is 58.013912, and 58.013912 on eight devices
    the gradients are the same
"""

import os

os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=8"  # read when JAX is imported

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

import tinygrad_bp as bp

jax.config.update("jax_enable_x64", True)  # float64, as everywhere here


def loss(W1, W2, x, y):
    return bp.square_sum(y - bp.sigmoid(W2 @ bp.sigmoid(W1 @ x)))


def main():
    rng = np.random.default_rng(0)
    W1, W2 = rng.normal(size=(16, 8)), rng.normal(size=(4, 16))
    x, y = rng.normal(size=(8, 64)), rng.random((4, 64))  # columns are samples

    one = bp.value_and_grad(loss, [0, 1])(W1, W2, x, y)

    devices = Mesh(np.array(jax.devices()), ("batch",))
    columns = NamedSharding(devices, PartitionSpec(None, "batch"))
    shared_x, shared_y = jax.device_put(x, columns), jax.device_put(y, columns)
    many = bp.compile(loss, "jax", [0, 1])(W1, W2, shared_x, shared_y)

    print(f"x lies on {len(shared_x.sharding.device_set)} devices")
    print(f"the loss is {float(one[0]):.6f}, and {float(many[0]):.6f} on eight devices")
    for g, shared in zip(one[1], many[1], strict=True):
        np.testing.assert_allclose(shared, g, rtol=1e-10)
    print("the gradients are the same")


if __name__ == "__main__":
    main()
