"""What runs a function: real code in virtual time, real code in a process of its own, or a model. Imports nothing of ours."""
