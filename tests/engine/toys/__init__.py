"""Nine ways of learning, all run by the one loop."""
