"""What the player is made of, in this order.

- `film`: what is shown at each step, as data; it comes from the record of ``explain``;
- `picture`: the drawing, with room in every node for a value and a gradient;
- `page`: one HTML file of these, with ``page.html``, ``player.css`` and ``player.js``.
"""
