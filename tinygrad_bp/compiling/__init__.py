"""A function and its gradients as a linear program: traced, shortened, written for a back end."""
