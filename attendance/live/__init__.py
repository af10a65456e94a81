"""Recognition in this process: camera frames, still images, and the questions that a person decides."""
