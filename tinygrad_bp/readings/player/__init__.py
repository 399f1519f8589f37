"""What the player is made of: `film`, what each step shows; `picture`, the drawing; `page`."""
