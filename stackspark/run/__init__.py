"""A run: its steps in order, what each is made of, and what they made together."""
