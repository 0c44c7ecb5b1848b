"""From labels to a model folder: data, training, calibration, export, evaluation."""
