"""The neural networks: files, weights, conversion, and the runtime that executes them."""
