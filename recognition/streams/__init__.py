"""Camera frames: queue, pipeline, motion, pacing."""
