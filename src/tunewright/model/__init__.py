"""Load a base, attach an adapter, answer, score text. torch starts here."""
