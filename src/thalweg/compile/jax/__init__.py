"""The jax target: the graph, the loop and the populations of a descent on a GPU, a TPU, or a CPU.

Importing this package imports no JAX; `finding` looks for it, all other modules need it.
"""
