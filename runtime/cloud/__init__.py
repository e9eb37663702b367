"""The simulated AWS account: moto's state made to scale, and the one gate that every AWS call passes."""
