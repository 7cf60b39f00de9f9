"""Parts of memories → one memory file: the union of rows and strings, the learned matrix, the budget."""
