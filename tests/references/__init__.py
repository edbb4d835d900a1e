"""Reference problems with known answers: `from references.nist import load`."""
