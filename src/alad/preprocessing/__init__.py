"""Tables to float32 matrices, and what each column became."""
