"""How a recorded computation is written down: names for its tensors, and expressions for its steps."""
