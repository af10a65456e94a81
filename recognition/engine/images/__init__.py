"""Images in: limits, decoding, scaling, tiles."""
