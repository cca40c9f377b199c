# This file is generated from tides.csv by build_tides; do not edit.
TIDES_METRES = {
    "monday": (0.4, 3.1, 0.6, 2.9),
    "tuesday": (0.5, 3.0, 0.7, 2.8),
    "wednesday": (0.7, 2.8, 0.9, 2.6),
}
