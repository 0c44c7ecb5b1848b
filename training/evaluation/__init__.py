"""How good a model is: every figure comes from `StanceClassifier`, thresholds included, as it serves."""
