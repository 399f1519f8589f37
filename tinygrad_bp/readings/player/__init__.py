"""What the player is made of, in this order.

- `film`: what is shown at each step, as data; its rows are those of ``explain``;
- `picture`: the drawing, with room in every node for a value and a gradient;
- `page`: one HTML file of these; its template, style and script are in ``pages``.
"""
