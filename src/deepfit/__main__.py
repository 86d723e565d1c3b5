"""`python -m deepfit`, the same as the command `deepfit`."""

from deepfit.cli import main

if __name__ == "__main__":
    main()
