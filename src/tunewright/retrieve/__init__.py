"""Passages from documents: cut them, index them, search them, and put what was found before a question."""
