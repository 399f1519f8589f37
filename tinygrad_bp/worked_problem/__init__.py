"""The worked problem: a given network, its gradients by hand, and three witnesses for them."""
