"""A picture of a computation: `folding`, `picture` as plain data, two notations, `layout`."""
