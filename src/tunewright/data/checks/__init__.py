"""Checks: what is wrong with rows that can be read. One small function each, from rows to findings."""
