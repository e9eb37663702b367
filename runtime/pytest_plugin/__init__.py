"""The pytest plugin: machines run by a fixture, parametrised over mock test cases, held against golden histories."""
