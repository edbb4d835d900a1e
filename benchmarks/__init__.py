"""Side-by-side measurements against PyTorch, JAX, scikit-learn and NumPy."""
