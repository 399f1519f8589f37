"""Every page that is written: its template, and the one style. The script is the player's."""
