"""One architecture a file, named for its paper."""
