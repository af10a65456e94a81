"""From a detected face to its embedding, template and quality."""
