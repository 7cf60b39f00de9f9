"""What a text is to a memory: terms, passages, secrets to take out, times that it names."""
