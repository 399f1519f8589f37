# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Look inside a network
#
# This notebook reads one small network in five ways. Run a cell, change it, and run it again.

# %%
import numpy as np

import tinygrad_bp as bp

rng = np.random.default_rng(0)
X = bp.tensor(rng.normal(size=(4, 2)), name="X")  # four samples, as rows
Y = bp.tensor([0, 1, 1, 0])
model = bp.nn.Sequential(bp.nn.Linear(2, 3, rng=rng), bp.nn.Tanh(), bp.nn.Linear(3, 2, rng=rng))
model

# %% [markdown]
# A Tensor shows itself: its value, and where it came from.

# %%
scores = model(X).named("scores")
scores

# %%
loss = bp.nn.cross_entropy(scores, Y.data).named("L")
loss.backward()
dict(model.named_parameters())["0.weight"].grad

# %% [markdown]
# ## The picture

# %%
bp.draw(loss, level="layers")

# %% [markdown]
# ## Each step of the backward pass, with its numbers

# %%
bp.explain(loss)

# %% [markdown]
# ## The derivation

# %%
bp.derive(loss)

# %% [markdown]
# ## The gradients as code

# %%
print(bp.source(loss))
