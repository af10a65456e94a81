"""Sessions of classes: creating and changing them."""
