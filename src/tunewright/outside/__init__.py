"""Adapters to the world outside. Only actions.py imports this folder."""
