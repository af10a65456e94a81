"""The default calibration, printed by `python -m benchmarks.calibrate`; do not edit it.

Source: Labeled Faces in the Wild, 100 people and 300 strangers.
"""

from typing import Final

from recognition.engine.identification.calibration import Calibration, Cell

DEFAULT: Final = Calibration(
    source="Labeled Faces in the Wild, 100 people and 300 strangers",
    cells=(
        (
            Cell(mean=0.5883, spread=0.0693, offset=25.10, slope=66.76),
            Cell(mean=0.5313, spread=0.0571, offset=25.02, slope=72.46),
            Cell(mean=0.5248, spread=0.0568, offset=25.99, slope=77.67),
            Cell(mean=0.5248, spread=0.0584, offset=25.26, slope=78.05),
        ),
        (
            Cell(mean=0.5369, spread=0.0589, offset=25.78, slope=74.49),
            Cell(mean=0.5286, spread=0.0645, offset=26.82, slope=87.76),
            Cell(mean=0.5190, spread=0.0633, offset=25.78, slope=89.05),
            Cell(mean=0.5114, spread=0.0626, offset=23.64, slope=84.65),
        ),
        (
            Cell(mean=0.5268, spread=0.0575, offset=25.33, slope=76.04),
            Cell(mean=0.5266, spread=0.0661, offset=24.82, slope=86.07),
            Cell(mean=0.5122, spread=0.0635, offset=23.04, slope=84.18),
            Cell(mean=0.5101, spread=0.0644, offset=21.83, slope=83.73),
        ),
        (
            Cell(mean=0.5233, spread=0.0579, offset=26.44, slope=81.58),
            Cell(mean=0.5134, spread=0.0634, offset=23.67, slope=84.72),
            Cell(mean=0.5043, spread=0.0622, offset=22.13, slope=84.28),
            Cell(mean=0.4993, spread=0.0612, offset=22.17, slope=84.54),
        ),
    ),
)
