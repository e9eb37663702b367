"""The Amazon States Language: text, problems, compiled machines, expressions. Pure: no clock, dice, I/O or AWS."""
