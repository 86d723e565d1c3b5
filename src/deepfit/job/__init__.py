"""One whole run: read, check, split, learn, train, judge, save."""
