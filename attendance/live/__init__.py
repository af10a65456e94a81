"""From frame results and still images to marks: gallery source, camera marks, review queue."""
