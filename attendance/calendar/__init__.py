"""Sessions of classes."""
