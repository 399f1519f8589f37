"""A derivation as people write it, in LaTeX, Markdown, a notebook or plain text: read, judged."""
