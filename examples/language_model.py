"""A language model of one attention block learns to write Jane Austen, a character at a time.

From 64 characters the model guesses each one's successor. `causal=True` keeps every position from
seeing those after it. The loss is the cross-entropy per character: log(number of characters) for
pure guessing, and about 2.5 for a model that knows only which letters follow which.

A text that the model writes is saved as `language_model.txt`, and its graph, layer by layer, as
`language_model.svg`. Run, this file prints

    LanguageModel: 46,984 parameters
    step   0   loss 4.4 on the last tenth of the book
    step 100   loss 2.5 on the last tenth of the book
    step 200   loss 2.4 on the last tenth of the book
    step 300   loss 2.3 on the last tenth of the book
"""

from pathlib import Path

import numpy as np

import tinygrad_bp as bp
from tinygrad_bp import datasets, nn, optim

CONTEXT, WIDTH = 64, 64
rng = np.random.default_rng(0)
text = datasets.pride_and_prejudice()
letters = sorted(set(text))
codes = np.array([letters.index(letter) for letter in text])
cut = len(codes) * 9 // 10  # the last tenth is kept for testing


class LanguageModel(nn.Module):
    def __init__(self):
        self.letter = nn.Embedding(len(letters), WIDTH, rng=rng)
        self.position = nn.Embedding(CONTEXT, WIDTH, rng=rng)
        self.norms = [nn.LayerNorm(WIDTH) for _ in range(3)]
        self.attention = nn.MultiHeadAttention(WIDTH, 4, causal=True, rng=rng)
        self.mlp = nn.Sequential(
            nn.Linear(WIDTH, 2 * WIDTH, rng=rng), nn.ReLU(), nn.Linear(2 * WIDTH, WIDTH, rng=rng)
        )
        self.output = nn.Linear(WIDTH, len(letters), rng=rng)

    def forward(self, codes):
        x = self.letter(codes) + self.position(np.arange(codes.shape[1]))
        x = x + self.attention(self.norms[0](x))
        x = x + self.mlp(self.norms[1](x))
        return self.output(self.norms[2](x))


def windows(codes, starts):
    """Return stretches of text, and the same stretches one character on."""
    places = starts[:, None] + np.arange(CONTEXT)
    return codes[places], codes[places + 1]


def loss_of(x, y):
    return bp.cross_entropy(model(x), y, axis=-1)


def write(start, length):
    written = list(start)
    for _ in range(length):
        x = np.array([[letters.index(letter) for letter in written[-CONTEXT:]]])
        with bp.no_grad():
            p = bp.softmax(model(x)[0, -1]).data
        written.append(letters[rng.choice(len(letters), p=p)])
    return "".join(written)


model = LanguageModel()
optimizer = optim.AdamW(model.parameters())
schedule = optim.OneCycleLR(optimizer, max_lr=6e-3, total_steps=301)
test = windows(codes, np.arange(cut, len(codes) - CONTEXT - 1, 5 * CONTEXT))

print(repr(model)[1:-1])
for step in range(301):
    if step % 100 == 0:
        with bp.no_grad():
            print(f"step {step:3}   loss {loss_of(*test).item():.1f} on the last tenth of the book")
    loss = loss_of(*windows(codes[:cut], rng.integers(0, cut - CONTEXT, size=16)))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    schedule.step()

Path("language_model.txt").write_text(write("It is a truth universally ", 300) + "\n")
bp.draw(loss, level="layers").save("language_model.svg")
