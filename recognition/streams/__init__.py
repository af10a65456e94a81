"""Live camera frames: the queue, the pipeline, motion detection and the advice to cameras."""
