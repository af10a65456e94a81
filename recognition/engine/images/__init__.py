"""Images: limits, decoding, scaling, cropping, encoding."""
