"""The default calibration. Printed by `python -m benchmarks.calibrate`; not written by hand.

Source: Labeled Faces in the Wild, 100 people and 300 strangers of ../shared/lfw.
"""

from typing import Final

from recognition.engine.calibration import Calibration, Cell

DEFAULT: Final = Calibration(
    source="Labeled Faces in the Wild, 100 people and 300 strangers of ../shared/lfw",
    cells=(
        (
            Cell(mean=0.5659, spread=0.0612, offset=24.02, slope=63.19),
            Cell(mean=0.5399, spread=0.0592, offset=24.14, slope=69.19),
            Cell(mean=0.5315, spread=0.0584, offset=25.09, slope=74.23),
            Cell(mean=0.5315, spread=0.0599, offset=24.63, slope=75.05),
        ),
        (
            Cell(mean=0.5448, spread=0.0608, offset=25.12, slope=71.86),
            Cell(mean=0.5345, spread=0.0658, offset=26.61, slope=86.14),
            Cell(mean=0.5236, spread=0.0644, offset=25.77, slope=88.15),
            Cell(mean=0.5165, spread=0.0639, offset=23.64, slope=83.83),
        ),
        (
            Cell(mean=0.5338, spread=0.0591, offset=24.52, slope=72.71),
            Cell(mean=0.5326, spread=0.0676, offset=24.86, slope=85.46),
            Cell(mean=0.5179, spread=0.0648, offset=23.10, slope=83.60),
            Cell(mean=0.5138, spread=0.0652, offset=21.99, slope=83.67),
        ),
        (
            Cell(mean=0.5309, spread=0.0597, offset=25.53, slope=77.65),
            Cell(mean=0.5189, spread=0.0647, offset=23.67, slope=83.92),
            Cell(mean=0.5081, spread=0.0632, offset=22.31, slope=84.39),
            Cell(mean=0.5031, spread=0.0620, offset=22.27, slope=84.20),
        ),
    ),
)
