"""One file for each case: a function `measure(repeats)` that returns reports."""
