"""Arms compared on the same rows: numbers, verdict in words, and the report page. Level 4."""
