"""How an explanation is shown: as text, on a console, as JSON."""
