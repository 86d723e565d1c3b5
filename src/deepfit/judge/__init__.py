"""Whether a network was worth it: scores with intervals, baselines, a verdict, leak checks."""
