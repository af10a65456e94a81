"""Whether a face is a student: thresholds, margins, assignment."""
