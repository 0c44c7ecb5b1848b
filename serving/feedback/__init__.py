"""Readers' corrections: checked against what the model says, and kept until somebody imports them."""
