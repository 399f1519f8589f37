"""How a picture of a computation is made, in this order.

- `folding`: which tensors share a node, where scopes are collapsed or the graph is very large;
- `picture`: what is drawn, as plain data;
- `looks`: shapes and colours; `numbers`: values as text;
- `dot`, `mermaid`, `tree`: the picture as text, in three notations;
- `layout`: from DOT to SVG, PNG or PDF, by a layout program.
"""
