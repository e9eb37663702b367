"""What runs a function: real code in virtual time or in a process of its own, or a model. Imports nothing of ours."""
