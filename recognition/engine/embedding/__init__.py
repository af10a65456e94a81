"""From a detected face to its embedding and template."""
