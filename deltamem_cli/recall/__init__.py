"""A question and one memory → ranked passages: first stage, rerank, filters, superseded answers."""
